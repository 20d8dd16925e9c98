"""What the kernel tells of a process and all below it: CPU time, and the largest memory it had."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PEAK = re.compile(r"^VmHWM:\s+([0-9]+) kB", re.MULTILINE)
_RESIDENT = re.compile(r"^VmRSS:\s+([0-9]+) kB", re.MULTILINE)


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process tree, those of ended children included."""
    ticks = 0
    for each in tree(pid):
        # Fields 14 to 17 of proc_pid_stat(5); what stands before may hold blanks.
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # It ended meanwhile, and what it took is its parent's from now on.
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS_PER_SECOND


def peak_bytes(pid: int) -> int:
    """Return the sum of the largest resident sizes in a process tree; 0 when it has ended."""
    return _summed(_PEAK, pid)


def resident_bytes(pid: int) -> int:
    """Return the sum of the present resident sizes in a process tree; 0 when it has ended."""
    return _summed(_RESIDENT, pid)


def tree(pid: int) -> Iterator[int]:
    """Give a process and all its descendants; threads may have children too."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # the thread ended meanwhile
            continue
        for child in children:
            yield from tree(int(child))


def _summed(size: re.Pattern[str], pid: int) -> int:
    sizes = (size.search(_status(each)) for each in tree(pid))
    return sum(int(found[1]) * 1024 for found in sizes if found)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
