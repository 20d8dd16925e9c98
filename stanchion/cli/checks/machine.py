"""Checks of what surrounds the database: the disk, the process that serves, the clock."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from stanchion.cli.checks.finding import Finding, failed, ok, size, warning
from stanchion.model.instant import TICKS_PER_SECOND, format_instant
from stanchion.store import STORE_CHAIN
from stanchion.store.inspection import Inspection
from stanchion.store.lock import serving_process

# A large import and its log would not fit.
FAIL_BELOW_BYTES = 100_000_000
# Room for days of ordinary work on a store that is still small.
WARN_BELOW_BYTES = 1_000_000_000
# What may lie between reading a clock and comparing it.
CLOCK_TOLERANCE_SECONDS = 2
# As far as clocks may differ for tokens.
CLOCK_FAULT_SECONDS = 60


def check_disk(database: Path) -> Iterator[Finding]:
    """Tell whether the database can be written, and whether there is room beside it for as much again."""
    folder = database.parent
    if not folder.is_dir():
        yield failed(f"{folder} is not a directory; make it, or name another one with --database.")
        return
    fault = _cannot_write(database)
    if fault is not None:
        yield failed(f"{fault}; the server's account must be able to (is this it?).")
    free = shutil.disk_usage(folder).free
    kept = _kept_bytes(database)
    told = f"{size(free)} are free in {folder}, for a database of {size(kept)}"
    if free < FAIL_BELOW_BYTES:
        yield failed(f"{told}; make room.")
    elif free < max(WARN_BELOW_BYTES, kept):
        yield warning(f"{told}; a new schema needs as much again, so make room.")
    elif fault is None:
        yield ok(f"{told}.")


def check_server(database: Path) -> Iterator[Finding]:
    """Tell whether a process serves the database; either is well."""
    process = serving_process(database)
    yield ok(f"Process {process} serves the database." if process else "Nobody serves the database.")


def check_clock(store: Inspection, *, now_ticks: int) -> Iterator[Finding]:
    """Tell whether a change is of the future, as after the clock stepped back."""
    newest = max(
        (
            (store.last_change_ticks(id) or 0, id)
            for id in (STORE_CHAIN, *(t.tenant_id for t in store.tenants()))
        ),
    )
    ahead_seconds = (newest[0] - now_ticks) / TICKS_PER_SECOND
    if ahead_seconds <= CLOCK_TOLERANCE_SECONDS:
        yield ok(f"It is {format_instant(now_ticks)}, after the newest change.")
        return
    told = (
        f"The clock stepped back: it is {format_instant(now_ticks)}, and the newest change of {newest[1]} is "
        f"{_duration(ahead_seconds)} ahead; set the clock"
    )
    if ahead_seconds < CLOCK_FAULT_SECONDS:
        yield warning(f"{told}, or wait.")
    else:
        yield failed(f"{told} before more is written.")


def _cannot_write(database: Path) -> str | None:
    folder = database.parent
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"The file system of {folder} is read-only"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} cannot be written by this account"
    if os.access(database, os.F_OK) and not os.access(database, os.W_OK):
        return f"{database} cannot be written by this account"
    return None


def _kept_bytes(database: Path) -> int:
    try:
        return database.stat().st_size
    except OSError:
        return 0  # Why it cannot be read is told by the check of the database.


def _duration(seconds: float) -> str:
    whole = round(seconds)
    days, hours, minutes = whole // 86_400, whole % 86_400 // 3600, whole % 3600 // 60
    if days:
        return f"{days} days and {hours} hours"
    return f"{hours} hours and {minutes} minutes" if hours else f"{minutes} minutes and {whole % 60} seconds"
