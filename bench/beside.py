"""A command of the product, run to its end beside a served store, a writer and a reader, each at a fixed rate.

Their latencies before it and during it are told apart. The time before is the calm that the command ends, as long as
the command took: what is rare has the same chance in both.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cases import Plan, orders
from bench.load import quantile
from bench.probe import Sample, probing
from bench.processes import peak_bytes
from bench.servers import Product, environment

_WRITES_PER_SECOND = 100.0
_READS_PER_SECOND = 200.0
_POLL_SECONDS = 0.02
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Latency:
    """The latencies of one kind of request, in milliseconds."""

    requests: int
    p50_ms: float
    p99_ms: float
    slowest_ms: float


@dataclass(frozen=True)
class Beside:
    """What a command took, and what PATCHes and GETs of one control felt before it and during it."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    before: Latency
    during: Latency
    reads_before: Latency
    reads_during: Latency


def run_beside(product: Product, plan: Plan, command: Sequence[str], *, calm_seconds: float) -> Beside:
    """Run a command after a calm, of which no more counts than the command took.

    Fails with what the command says when it does.
    """
    writes = orders(product, replace(plan, writes_per_second=_WRITES_PER_SECOND))
    reads = replace(writes, per_second=_READS_PER_SECOND, reads=True)
    with probing(writes) as writer, probing(reads) as reader:
        time.sleep(calm_seconds)
        ran = _run(command, product.folder)
        written, read = writer.samples(), reader.samples()
    seconds = ran.ended - ran.began
    calm = ran.began - min(seconds, calm_seconds)
    return Beside(
        seconds=seconds,
        cpu_seconds=ran.cpu_seconds,
        peak_mib=ran.peak_bytes / _MIB,
        before=_latency(written, calm, ran.began),
        during=_latency(written, ran.began, ran.ended),
        reads_before=_latency(read, calm, ran.began),
        reads_during=_latency(read, ran.began, ran.ended),
    )


@dataclass(frozen=True)
class _Ran:
    began: float
    ended: float
    cpu_seconds: float
    peak_bytes: int


def _run(arguments: Sequence[str], folder: Path) -> _Ran:
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
