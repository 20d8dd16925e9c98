"""Does it stay as fast with many tenants? `python -m bench.tenants`: 10,000 tenants of 100 controls beside one.

- Both stores are served by processes of their own, as `serve` runs by default, and are loaded in turn with a bare
  server, which sends the answer of the first to such a request; who begins changes from round to round. A ratio is
  that of one round.
- Each request draws its tenant and its control uniformly over all of them, with that tenant's own token. Before
  the rounds every token was used once, as after some minutes of work.
- Beside the GETs a writer writes to any of the tenants at a steady rate. Its CPU is taken off by the price of a PATCH
  among many, as that of `bench.cases` is.
- Making the store takes a quarter of an hour; `--keep FOLDER` makes it there, or takes the one that is there. Its
  tokens are good for an hour, after which new ones are made.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.any_tenant import EachOnce, GetAny, PatchAny
from bench.load import Measured, Server, ask, measure, quantile
from bench.machine import commit, machine
from bench.many_tenants import CONTROLS
from bench.probe import Orders, measure_beside
from bench.servers import bare, environment, serving
from bench.traffic import Recorded, Traffic

_WARM_SECONDS = 1.0
_PRICE_SECONDS = 1.0
_TOKENS_GOOD_SECONDS = 2_400
_TOKENS, _MADE = "tokens", "made"


@dataclass(frozen=True)
class Spread:
    """A ratio: its median over the rounds, the least and the largest."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Compared:
    """One kind of request: medians over the rounds, of the latencies in milliseconds, CPU in microseconds.

    The ratios to the bare server are of CPU, which is without the writer's but where it says `whole`.
    """

    case: str
    one_p50_ms: float
    many_p50_ms: float
    ratio: float
    ratio_least: float
    ratio_most: float
    one_cpu_us: float
    many_cpu_us: float
    one_whole_cpu_us: float
    many_whole_cpu_us: float
    cpu_ratio: float
    bare_cpu_us: float
    one_to_bare: Spread
    many_to_bare: Spread


@dataclass(frozen=True)
class _Case:
    """One kind of request; beside it a writer writes so often a second, or none."""

    title: str
    traffic: Callable[[Sequence[str]], Traffic]
    writes_per_second: float = 0.0


@dataclass(frozen=True)
class _Load:
    """What a turn of one server gave; the CPU of the writer is taken off, or is in the whole."""

    p50_ms: float
    cpu_us: float
    whole_cpu_us: float


@dataclass(frozen=True)
class _Round:
    """One turn of each."""

    one: _Load
    many: _Load
    bare: _Load


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

    def load(self, case: _Case, *, write_cpu_seconds: float) -> _Load:
        if case.writes_per_second == 0:
            return _load(self._measured(case))
        first, *others = self.tokens
        orders = Orders(self.server.port, first, CONTROLS, case.writes_per_second, others=others)
        measured, writes = measure_beside(orders, lambda: self._measured(case))
        return _load(measured, beside_cpu_seconds=writes * write_cpu_seconds)

    def write_cpu_seconds(self) -> float:
        """Return the price of a PATCH among many."""
        traffic = PatchAny(self.tokens)
        priced = measure(self.server, traffic, clients=self.clients, seconds=_PRICE_SECONDS)
        return priced.cpu_seconds / priced.requests

    def _measured(self, case: _Case) -> Measured:
        return measure(self.server, case.traffic(self.tokens), clients=self.clients, seconds=self.seconds)


def compare(
    one: Path, many: Path, *, rounds: int, clients: int, seconds: float, writes_per_second: float
) -> list[Compared]:
    """Serve two stores that were made, and load them in turn with a bare server."""
    cases = (
        _Case("GET one control (2 KB)", GetAny, writes_per_second),
        _Case("PATCH a control, durable", PatchAny),
    )
    with _served(one, clients, seconds) as few, _served(many, clients, seconds) as lots:
        few.use_every_token()
        lots.use_every_token()
        return [_compared(case.title, _rounds(few, lots, case, rounds)) for case in cases]


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
    parser.add_argument(
        "--writes-per-second",
        type=float,
        default=20.0,
        help="of the writer beside GETs (default: 20; 0: none)",
    )
    parser.add_argument("--keep", type=Path, help="folder in which the stores are kept for the next time")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.keep or Path(scratch)).absolute()
        one, many = made(folder / "1", 1), made(folder / str(options.tenants), options.tenants)
        found = compare(
            one,
            many,
            rounds=options.rounds,
            clients=options.clients,
            seconds=options.seconds,
            writes_per_second=options.writes_per_second,
        )
        where = machine(folder)
    if options.json:
        report = {"commit": commit(), "machine": asdict(where), "tenants": options.tenants}
        compared = [asdict(each) for each in found]
        options.json.write_text(json.dumps({**report, "compared": compared}, indent=1), encoding="ascii")
    for each in found:
        print(_shown(each, options.tenants))


@contextmanager
def _served(folder: Path, clients: int, seconds: float) -> Iterator[_Served]:
    tokens = [line.split()[1] for line in (folder / _TOKENS).read_text(encoding="ascii").splitlines()]
    with serving(folder) as server:
        yield _Served(server, tokens, clients, seconds)


def _rounds(one: _Served, many: _Served, case: _Case, rounds: int) -> list[_Round]:
    one_price, many_price = one.write_cpu_seconds(), many.write_cpu_seconds()
    traffic = case.traffic(one.tokens)
    answer = ask(one.server, traffic.request(0))
    assert traffic.is_right(0, answer), f"a wrong answer: {answer.head!r} {answer.body[:500]!r}"
    with tempfile.TemporaryDirectory() as scratch, bare(Path(scratch), answer) as yardstick:
        recorded = Recorded(traffic, answer)
        measure(yardstick, recorded, clients=one.clients, seconds=_WARM_SECONDS)
        turns: tuple[Callable[[], _Load], ...] = (
            lambda: one.load(case, write_cpu_seconds=one_price),
            lambda: many.load(case, write_cpu_seconds=many_price),
            lambda: _load(measure(yardstick, recorded, clients=one.clients, seconds=one.seconds)),
        )
        return [_round(turns, first=number % len(turns)) for number in range(rounds)]


def _round(turns: Sequence[Callable[[], _Load]], *, first: int) -> _Round:
    """Let all have their turn from one of them on."""
    order = [*range(first, len(turns)), *range(first)]
    loads = {place: turns[place]() for place in order}
    return _Round(one=loads[0], many=loads[1], bare=loads[2])


def _load(measured: Measured, *, beside_cpu_seconds: float = 0.0) -> _Load:
    return _Load(
        p50_ms=quantile(measured.latencies, 0.5) * 1000,
        cpu_us=(measured.cpu_seconds - beside_cpu_seconds) / measured.requests * 1e6,
        whole_cpu_us=measured.cpu_seconds / measured.requests * 1e6,
    )


def _compared(case: str, rounds: Sequence[_Round]) -> Compared:
    latency = _spread([each.many.p50_ms / each.one.p50_ms for each in rounds])
    return Compared(
        case,
        one_p50_ms=median(each.one.p50_ms for each in rounds),
        many_p50_ms=median(each.many.p50_ms for each in rounds),
        ratio=latency.median,
        ratio_least=latency.least,
        ratio_most=latency.most,
        one_cpu_us=median(each.one.cpu_us for each in rounds),
        many_cpu_us=median(each.many.cpu_us for each in rounds),
        one_whole_cpu_us=median(each.one.whole_cpu_us for each in rounds),
        many_whole_cpu_us=median(each.many.whole_cpu_us for each in rounds),
        cpu_ratio=median(each.many.cpu_us / each.one.cpu_us for each in rounds),
        bare_cpu_us=median(each.bare.cpu_us for each in rounds),
        one_to_bare=_spread([each.one.cpu_us / each.bare.cpu_us for each in rounds]),
        many_to_bare=_spread([each.many.cpu_us / each.bare.cpu_us for each in rounds]),
    )


def _spread(ratios: Sequence[float]) -> Spread:
    return Spread(median(ratios), min(ratios), max(ratios))


def _shown(each: Compared, tenants: int) -> str:
    one, many = each.one_to_bare, each.many_to_bare
    return (
        f"{each.case}: p50 {each.one_p50_ms:.1f} ms with one tenant, {each.many_p50_ms:.1f} with "
        f"{tenants:,}: {each.ratio:.2f} times ({each.ratio_least:.2f} to {each.ratio_most:.2f}); "
        f"CPU {each.one_cpu_us:.0f} and {each.many_cpu_us:.0f} us, {each.cpu_ratio:.2f} times; "
        f"bare {each.bare_cpu_us:.0f} us, to which {one.median:.2f} times ({one.least:.2f} to {one.most:.2f}) with "
        f"one tenant, {many.median:.2f} ({many.least:.2f} to {many.most:.2f}) with {tenants:,}"
    )


def _run(folder: Path, module: str, *arguments: str) -> None:
    with (folder / "stderr.log").open("ab") as log:
        subprocess.run(
            (sys.executable, "-m", module, *arguments), env=environment(), check=True, stdout=log, stderr=log
        )


if __name__ == "__main__":
    main()
