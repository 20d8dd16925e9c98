"""Does it stay as it is? `python -m bench.soak`: half of what the server can do, for an hour, an import each minute.

- Requests come at a fixed rate, half of what a few seconds at full load gave: each is timed from when
  it was due. `bench.mixed` says of what kinds they are.
- Every answer is judged. At the end some of what was written is read back, and the chain is verified.
- Memory is that of the whole process tree (resident); `bench.stability` says what growth, and what p99, is a fault.
- SIGTERM ends it as Ctrl-C does: the server is stopped, and what was written is taken away.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeAlias

from bench.bodies import TENANT, Body, Scores, controls, small_controls, write_page
from bench.connection import Conversation
from bench.load import measure, quantile, run
from bench.machine import commit, machine
from bench.mixed import CONTROLS, Mixed
from bench.processes import resident_bytes
from bench.servers import DEFAULTS, Product, environment, product, stanchion, token_of
from bench.stability import (
    MOST_GROWTH_MIB_PER_HOUR,
    Minute,
    Soaked,
    faults,
    first_and_last_p99_ms,
    growth_mib_per_hour,
    summary,
)
from bench.traffic import CONTROLS_PATH, get

_CONNECTIONS = 64
_FULL_SECONDS = 5.0
_LOOK_SECONDS = 5.0
_TOGETHER_SECONDS = 0.001
_MINUTE = 60.0
_RENEW_SECONDS = 1_200  # a token lives an hour
_IMPORTED_SCORES = 40
_READ_BACK = 200
_FIRST_DAY = date(1980, 1, 1)
_MIB = 1024 * 1024

# A connection, and which of them it is.
_Lane: TypeAlias = tuple[int, Conversation]


@dataclass
class _Run:
    """A soak under way."""

    served: Product
    per_second: float
    seconds: float
    token: str
    began: float = field(default_factory=time.monotonic)
    latencies: list[float] = field(default_factory=list)  # of this minute, in milliseconds
    minutes: list[Minute] = field(default_factory=list)
    resident: list[tuple[float, float]] = field(default_factory=list)  # when, and MiB
    written: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    imports: int = 0

    @property
    def ends(self) -> float:
        """When it is over (monotonic)."""
        return self.began + self.seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Soak, print a line a minute and what was found; status 1 when it did not stay as it was."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--share", type=float, default=0.5, help="of the full load (default: 0.5)")
    parser.add_argument(
        "--folder", type=Path, help="where the store lies (default: the folder for temporary files)"
    )
    parser.add_argument(
        "--most-growth",
        type=float,
        default=MOST_GROWTH_MIB_PER_HOUR,
        metavar="MIB",
        help=f"of memory an hour, judged after 30 minutes or more (default: {MOST_GROWTH_MIB_PER_HOUR:g})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found to a file")
    options = parser.parse_args(arguments)
    # Not by way of SIGINT: that is ignored in what a script starts in the background.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        found = soak(Path(scratch), seconds=options.minutes * 60, share=options.share)
    if options.json:
        where = asdict(machine(Path(options.json).parent))
        options.json.write_text(json.dumps({"commit": commit(), "machine": where, **asdict(found)}, indent=1))
    print(summary(found))
    if told := faults(found, most_growth_mib_per_hour=options.most_growth):
        print("\n".join(told), file=sys.stderr)
        sys.exit(1)


def soak(folder: Path, *, seconds: float, share: float, settings: Mapping[str, str] = DEFAULTS) -> Soaked:
    """Serve a store in a folder, with settings that are given as variables, and soak it."""
    pages = [folder / "controls.json", folder / "small.json"]
    write_page(pages[0], controls(CONTROLS))
    write_page(pages[1], small_controls())
    with product(folder, pages[:1], small=pages[1], settings=settings) as served:
        mixed = Mixed(served.token)
        full = measure(served.server, mixed, clients=_CONNECTIONS, seconds=_FULL_SECONDS).per_second
        under_way = _Run(served, full * share, seconds, served.token, written=mixed.written)
        run(_soak(under_way))
        _read_back(under_way)
    return _found(under_way)


async def _soak(under_way: _Run) -> None:
    async with asyncio.TaskGroup() as beside:
        beside.create_task(_ask(under_way))
        beside.create_task(_look(under_way))
        beside.create_task(_import(under_way))
        beside.create_task(_renew(under_way))


async def _ask(under_way: _Run) -> None:
    """Ask what is due on whichever connection is free."""
    lanes = [
        (number, await Conversation.open(under_way.served.server.port)) for number in range(_CONNECTIONS)
    ]
    try:
        await _ask_on(lanes, under_way)
    finally:
        for _, conversation in lanes:
            conversation.close()


async def _ask_on(lanes: Sequence[_Lane], under_way: _Run) -> None:
    free: asyncio.Queue[_Lane] = asyncio.Queue()
    for lane in lanes:
        free.put_nowait(lane)
    mixed = Mixed(under_way.token)
    mixed.written = under_way.written
    async with asyncio.TaskGroup() as asked:
        for number in count():
            due = under_way.began + number / under_way.per_second
            if due >= under_way.ends:
                break
            # At thousands a second a timer for each would be the load: those of a millisecond are asked together.
            if (wait := due - time.monotonic()) > _TOGETHER_SECONDS:
                await asyncio.sleep(wait)
            lane = await free.get()
            mixed.token = under_way.token
            asked.create_task(_answered(under_way, mixed, lane, due=due)).add_done_callback(
                partial(_give_back, free, lane)
            )


async def _answered(under_way: _Run, mixed: Mixed, lane: _Lane, *, due: float) -> None:
    place, conversation = lane
    answer = await conversation.ask(mixed.request(place))
    under_way.latencies.append((time.monotonic() - due) * 1000)
    if not mixed.is_right(place, answer):
        under_way.errors.append(f"{answer.head!r} {bytes(answer.body[:300])!r}")
        print(f"wrong: {under_way.errors[-1]}", file=sys.stderr)


def _give_back(free: "asyncio.Queue[_Lane]", lane: _Lane, _: object) -> None:
    free.put_nowait(lane)


async def _look(under_way: _Run) -> None:
    """Note the memory now and then, and print a line a minute."""
    while (now := time.monotonic()) < under_way.ends:
        resident = await asyncio.to_thread(resident_bytes, under_way.served.server.pid)
        under_way.resident.append((now, resident / _MIB))
        if now - under_way.began >= _MINUTE * (len(under_way.minutes) + 1):
            _end_minute(under_way)
        await asyncio.sleep(min(_LOOK_SECONDS, max(0.0, under_way.ends - now)))


async def _import(under_way: _Run) -> None:
    """Import new days once a minute."""
    days = _days()
    for minute in count():
        wait = under_way.began + 5 + minute * 60 - time.monotonic()
        if time.monotonic() + wait >= under_way.ends:
            return
        await asyncio.sleep(max(0.0, wait))
        file = under_way.served.folder / "more.json"
        write_page(file, (next(days) for _ in range(_IMPORTED_SCORES)))
        command = (sys.executable, "-m", "stanchion", "import", str(file), "--tenant", TENANT)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=under_way.served.folder, env=environment(), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if status != 0:
            under_way.errors.append("an import failed")
        under_way.imports += 1


async def _renew(under_way: _Run) -> None:
    """Fetch another token before the first one ends."""
    while time.monotonic() < under_way.ends:
        await asyncio.sleep(min(_RENEW_SECONDS, max(0.1, under_way.ends - time.monotonic())))
        if time.monotonic() >= under_way.ends:
            return
        under_way.token = await asyncio.to_thread(token_of, under_way.served.folder, TENANT)


def _days() -> Iterator[Body]:
    scores = Scores()
    for age in count():
        yield scores.of(_FIRST_DAY + timedelta(days=age))


def _read_back(under_way: _Run) -> None:
    """Compare some of what was written last with what is there, and verify the chain."""
    some = random.sample(sorted(under_way.written), min(_READ_BACK, len(under_way.written)))
    wrong = run(_wrong(under_way, some))
    under_way.errors.extend(f"{control} is not what was written last" for control in wrong)
    stanchion(under_way.served.folder, "verify", "--tenant", TENANT)


async def _wrong(under_way: _Run, some: Sequence[str]) -> list[str]:
    conversation = await Conversation.open(under_way.served.server.port)
    wrong = []
    for control in some:
        answer = await conversation.ask(get(f"{CONTROLS_PATH}/{control}", under_way.token))
        updates = json.loads(bytes(answer.body)).get("controlStateUpdates", [])
        if under_way.written[control] not in {update.get("comment") for update in updates}:
            wrong.append(control)
    conversation.close()
    return wrong


def _end_minute(under_way: _Run) -> None:
    """Sum up what was answered since the last time, and print it."""
    ordered, under_way.latencies = sorted(under_way.latencies), []
    if not ordered:
        return
    last = Minute(
        requests=len(ordered),
        p50_ms=quantile(ordered, 0.5),
        p99_ms=quantile(ordered, 0.99),
        slowest_ms=ordered[-1],
        resident_mib=under_way.resident[-1][1],
    )
    under_way.minutes.append(last)
    print(
        f"{len(under_way.minutes):5} min  {last.requests:,} requests, p50 {last.p50_ms:.1f} ms, "
        f"p99 {last.p99_ms:.1f} ms, slowest {last.slowest_ms:.0f} ms, {last.resident_mib:.1f} MiB",
        flush=True,
    )


def _found(under_way: _Run) -> Soaked:
    _end_minute(under_way)
    first_p99_ms, last_p99_ms = first_and_last_p99_ms(under_way.minutes)
    return Soaked(
        seconds=under_way.seconds,
        per_second=under_way.per_second,
        requests=sum(minute.requests for minute in under_way.minutes),
        errors=under_way.errors,
        imports=under_way.imports,
        growth_mib_per_hour=growth_mib_per_hour(
            under_way.resident, began=under_way.began, seconds=under_way.seconds
        ),
        first_p99_ms=first_p99_ms,
        last_p99_ms=last_p99_ms,
        minutes=under_way.minutes,
    )


if __name__ == "__main__":
    main()
