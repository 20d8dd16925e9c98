"""An import of a large file by the command line, beside a served store, a writer and a reader, each at a fixed rate.

Their latencies before it and during it are told apart. Every round imports other days of the same tenant,
because what is there already would be compared only.
"""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from bench.bodies import TENANT, Body, Scores, write_page
from bench.cases import Plan, orders
from bench.load import ask, quantile
from bench.probe import Sample, probing
from bench.processes import peak_bytes
from bench.servers import Product, environment
from bench.traffic import SCORES_PATH, get

MOST_ROUNDS = 2
_WRITES_PER_SECOND = 100.0
_READS_PER_SECOND = 200.0
_BEFORE_SECONDS = 3.0
_POLL_SECONDS = 0.02
_FIRST_DAY = date(1990, 1, 1)
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Latency:
    """The latencies of one kind of request, in milliseconds."""

    requests: int
    p50_ms: float
    p99_ms: float
    slowest_ms: float


@dataclass(frozen=True)
class Imported:
    """What one import took, and what PATCHes and GETs of one control felt."""

    bytes: int
    scores: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    before: Latency
    during: Latency
    reads_before: Latency
    reads_during: Latency


def run_imports(product: Product, plan: Plan, *, size_bytes: int) -> list[Imported]:
    """Import in some rounds, each with days of its own."""
    day, found = _FIRST_DAY, []
    for _ in range(min(plan.rounds, MOST_ROUNDS)):
        file = product.folder / f"scores-{day}.json"
        count = write_page(file, _scores_from(day), at_least_bytes=size_bytes)
        found.append(_import(product, plan, file, scores=count))
        file.unlink()
        day += timedelta(days=count)
    return found


def _scores_from(day: date) -> Iterator[Body]:
    scores = Scores()
    for age in itertools.count():
        yield scores.of(day + timedelta(days=age))


def _import(product: Product, plan: Plan, file: Path, *, scores: int) -> Imported:
    known = _count(product)
    writes = orders(product, replace(plan, writes_per_second=_WRITES_PER_SECOND))
    reads = replace(writes, per_second=_READS_PER_SECOND, reads=True)
    with probing(writes) as writer, probing(reads) as reader:
        began = time.monotonic()
        time.sleep(_BEFORE_SECONDS)
        ran = _run(("import", str(file), "--tenant", TENANT), product.folder)
        written, read = writer.samples(), reader.samples()
    assert _count(product) == known + scores, f"of {scores} scores {_count(product) - known} came in"
    return Imported(
        bytes=file.stat().st_size,
        scores=scores,
        seconds=ran.ended - ran.began,
        cpu_seconds=ran.cpu_seconds,
        peak_mib=ran.peak_bytes / _MIB,
        before=_latency(written, began, ran.began),
        during=_latency(written, ran.began, ran.ended),
        reads_before=_latency(read, began, ran.began),
        reads_during=_latency(read, ran.began, ran.ended),
    )


@dataclass(frozen=True)
class _Ran:
    began: float
    ended: float
    cpu_seconds: float
    peak_bytes: int


def _run(arguments: tuple[str, ...], folder: Path) -> _Ran:
    """Run a command of the product to its end and note what it took."""
    began = time.monotonic()
    with (folder / "stderr.log").open("ab") as log:
        command = (sys.executable, "-m", "stanchion", *arguments)
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=log, stderr=log)
    peak = 0
    while True:
        # The kernel's own figure of a child, ru_maxrss, begins with the memory of its parent.
        peak = max(peak, peak_bytes(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(_POLL_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (folder / "stderr.log").read_text()[-2000:]
    return _Ran(began, time.monotonic(), usage.ru_utime + usage.ru_stime, peak)


def _latency(samples: list[Sample], began: float, ended: float) -> Latency:
    """Summarise those that were due in a stretch of time."""
    ordered = sorted(sample.latency * 1000 for sample in samples if began <= sample.due < ended)
    return Latency(len(ordered), quantile(ordered, 0.5), quantile(ordered, 0.99), ordered[-1])


def _count(product: Product) -> int:
    return int(ask(product.server, get(f"{SCORES_PATH}/$count", product.token)).body)
