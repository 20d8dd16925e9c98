"""Does it stay as fast with many tenants? `python -m bench.tenants`: 10,000 tenants of 100 controls beside one.

- Both stores are served by processes of their own, as `serve` runs by default, and are loaded in turn; who begins
  changes from round to round. A ratio is that of the medians of one round, many to one.
- Each request draws its tenant and its control uniformly over all of them, with that tenant's own token. Before
  the rounds every token was used once, as after some minutes of work.
- Making the store takes a quarter of an hour; `--keep FOLDER` makes it there, or takes the one that is there. Its
  tokens are good for an hour, after which new ones are made.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.bodies import control_id
from bench.connection import Answer
from bench.load import Measured, Server, measure, quantile
from bench.machine import commit, machine
from bench.many_tenants import CONTROLS
from bench.servers import environment, serving
from bench.traffic import CONTROLS_PATH, Traffic, get, patch

_OK, _NO_CONTENT = 200, 204
_WARM_SECONDS = 1.0
_TOKENS_GOOD_SECONDS = 2_400
_TOKENS, _MADE = "tokens", "made"


@dataclass(frozen=True)
class Compared:
    """One kind of request: medians over the rounds, of the latencies in milliseconds, CPU in microseconds."""

    case: str
    one_p50_ms: float
    many_p50_ms: float
    ratio: float
    ratio_least: float
    ratio_most: float
    one_cpu_us: float
    many_cpu_us: float
    cpu_ratio: float


class GetAny:
    """GET of one control of one tenant, any of them."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._asked: dict[int, bytes] = {}

    def request(self, client: int) -> bytes:
        """Ask for a random control of a random tenant."""
        control = control_id(random.randrange(CONTROLS))
        self._asked[client] = f'"id":"{control}"'.encode()
        return get(f"{CONTROLS_PATH}/{control}", random.choice(self._tokens))

    def is_right(self, client: int, answer: Answer) -> bool:
        """Look for the id in the body."""
        return answer.status == _OK and self._asked[client] in answer.body


class EachOnce(GetAny):
    """GETs with one token after the other, so that each was used."""

    def __init__(self, tokens: Sequence[str]) -> None:
        super().__init__(tokens)
        self._turn = 0

    def request(self, client: int) -> bytes:
        """Ask with the next token."""
        self._turn += 1
        self._asked[client] = b'"id":"control_00000"'
        return get(f"{CONTROLS_PATH}/control_00000", self._tokens[self._turn % len(self._tokens)])

    @property
    def done(self) -> bool:
        """Say whether all were used."""
        return self._turn > len(self._tokens)


class PatchAny:
    """A decision about one control of one tenant, any of them, each with a comment of its own."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._written = 0

    def request(self, client: int) -> bytes:
        """Decide about a random control of a random tenant."""
        del client
        self._written += 1
        control = control_id(random.randrange(CONTROLS))
        return patch(control, f"comment {self._written}", random.choice(self._tokens))

    def is_right(self, client: int, answer: Answer) -> bool:
        """Look at the status."""
        del client
        return answer.status == _NO_CONTENT


@dataclass(frozen=True)
class _Served:
    """A store as it is served, a token of each of its tenants, and how it is loaded."""

    server: Server
    tokens: list[str]
    clients: int
    seconds: float

    def use_every_token(self) -> None:
        traffic = EachOnce(self.tokens)
        while not traffic.done:
            measure(self.server, traffic, clients=self.clients, seconds=_WARM_SECONDS)

    def load(self, traffic: Callable[[Sequence[str]], Traffic]) -> Measured:
        return measure(self.server, traffic(self.tokens), clients=self.clients, seconds=self.seconds)


CASES: tuple[tuple[str, Callable[[Sequence[str]], Traffic]], ...] = (
    ("GET one control (2 KB)", GetAny),
    ("PATCH a control, durable", PatchAny),
)


def compare(one: Path, many: Path, *, rounds: int, clients: int, seconds: float) -> list[Compared]:
    """Serve two stores that were made, and load them in turn."""
    with _served(one, clients, seconds) as few, _served(many, clients, seconds) as lots:
        few.use_every_token()
        lots.use_every_token()
        return [_compared(case, _pairs(few, lots, traffic, rounds)) for case, traffic in CASES]


def made(folder: Path, count: int) -> Path:
    """Return a folder with a store of so many tenants; it is made when it is not there."""
    mark = folder / _MADE
    if not mark.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _run(folder, "bench.many_tenants", str(folder), str(count), str(folder / _TOKENS))
        mark.write_text(f"{count}\n", encoding="ascii")
    elif time.time() - (folder / _TOKENS).stat().st_mtime > _TOKENS_GOOD_SECONDS:
        _run(folder, "bench.many_tenants", "--tokens", str(folder), str(folder / _TOKENS))
    if int(mark.read_text(encoding="ascii")) != count:
        raise SystemExit(f"{folder} holds a store of {mark.read_text().strip()} tenants, not of {count}.")
    return folder


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.tenants", description=__doc__)
    parser.add_argument("--tenants", type=int, default=10_000, help="how many (default: 10,000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each store (default: 5)")
    parser.add_argument("--clients", type=int, default=64, help="connections at once (default: 64)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a turn (default: 3)")
    parser.add_argument("--keep", type=Path, help="folder in which the stores are kept for the next time")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.keep or Path(scratch)).absolute()
        one, many = made(folder / "1", 1), made(folder / str(options.tenants), options.tenants)
        found = compare(one, many, rounds=options.rounds, clients=options.clients, seconds=options.seconds)
        where = machine(folder)
    if options.json:
        report = {"commit": commit(), "machine": asdict(where), "tenants": options.tenants}
        compared = [asdict(each) for each in found]
        options.json.write_text(json.dumps({**report, "compared": compared}, indent=1), encoding="ascii")
    for each in found:
        print(
            f"{each.case}: p50 {each.one_p50_ms:.1f} ms with one tenant, {each.many_p50_ms:.1f} with "
            f"{options.tenants:,}: {each.ratio:.2f} times ({each.ratio_least:.2f} to {each.ratio_most:.2f}); "
            f"CPU {each.one_cpu_us:.0f} and {each.many_cpu_us:.0f} us, {each.cpu_ratio:.2f} times"
        )


@contextmanager
def _served(folder: Path, clients: int, seconds: float) -> Iterator[_Served]:
    tokens = [line.split()[1] for line in (folder / _TOKENS).read_text(encoding="ascii").splitlines()]
    with serving(folder) as server:
        yield _Served(server, tokens, clients, seconds)


def _pairs(
    one: _Served, many: _Served, traffic: Callable[[Sequence[str]], Traffic], rounds: int
) -> list[tuple[Measured, Measured]]:
    pairs: list[tuple[Measured, Measured]] = []
    for number in range(rounds):
        if number % 2 == 0:
            pairs.append((one.load(traffic), many.load(traffic)))
        else:
            lots = many.load(traffic)
            pairs.append((one.load(traffic), lots))
    return pairs


def _compared(case: str, pairs: Sequence[tuple[Measured, Measured]]) -> Compared:
    ratios = [_p50_ms(many) / _p50_ms(one) for one, many in pairs]
    return Compared(
        case,
        one_p50_ms=median(_p50_ms(one) for one, _ in pairs),
        many_p50_ms=median(_p50_ms(many) for _, many in pairs),
        ratio=median(ratios),
        ratio_least=min(ratios),
        ratio_most=max(ratios),
        one_cpu_us=median(_cpu_us(one) for one, _ in pairs),
        many_cpu_us=median(_cpu_us(many) for _, many in pairs),
        cpu_ratio=median(_cpu_us(many) / _cpu_us(one) for one, many in pairs),
    )


def _p50_ms(measured: Measured) -> float:
    return quantile(measured.latencies, 0.5) * 1000


def _cpu_us(measured: Measured) -> float:
    return measured.cpu_seconds / measured.requests * 1e6


def _run(folder: Path, module: str, *arguments: str) -> None:
    with (folder / "stderr.log").open("ab") as log:
        subprocess.run(
            (sys.executable, "-m", module, *arguments), env=environment(), check=True, stdout=log, stderr=log
        )


if __name__ == "__main__":
    main()
