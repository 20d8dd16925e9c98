"""What the kernel tells of a process and all below it: CPU time, and the largest memory it had."""

import errno
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PEAK = re.compile(r"^VmHWM:\s+([0-9]+) kB", re.MULTILINE)
_RESIDENT = re.compile(r"^VmRSS:\s+([0-9]+) kB", re.MULTILINE)
_TIMES = 20
_AGAIN_SECONDS = 0.005


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process tree, those of ended children included."""
    ticks = 0
    for each in tree(pid):
        # Fields 14 to 17 of proc_pid_stat(5); what stands before may hold blanks. What one that has ended took is
        # its parent's from now on.
        fields = _text(Path(f"/proc/{each}/stat")).rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS_PER_SECOND


def peak_bytes(pid: int) -> int:
    """Return the sum of the largest resident sizes in a process tree; 0 when it has ended."""
    return _summed(_PEAK, pid)


def resident_bytes(pid: int) -> int:
    """Return the sum of the present resident sizes in a process tree; 0 when it has ended."""
    return _summed(_RESIDENT, pid)


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants; threads may have children too."""
    yield pid
    for task in told(lambda: list(Path(f"/proc/{pid}/task").iterdir())) or ():
        for child in _text(task / "children").split():
            yield from tree(int(child))


def told(ask: Callable[[], T]) -> T | None:
    """Return what the kernel tells, asked again while it is busy; None of a process or thread that ended."""
    for _ in range(_TIMES):
        try:
            return ask()
        except OSError as error:
            # Some kernels are busy for a moment with threads that come and go.
            if error.errno != errno.EBUSY:
                break
            time.sleep(_AGAIN_SECONDS)
    return None


def _summed(size: re.Pattern[str], pid: int) -> int:
    sizes = (size.search(_text(Path(f"/proc/{each}/status"))) for each in tree(pid))
    return sum(int(found[1]) * 1024 for found in sizes if found)


def _text(path: Path) -> str:
    return told(path.read_text) or ""
