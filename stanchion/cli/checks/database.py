"""Checks of the database file: whether it is whole, how it is written, and which schema it has."""

from collections.abc import Iterator

from stanchion.cli.checks.finding import Finding, failed, ok, size, warning
from stanchion.store.inspection import Inspection
from stanchion.store.tables import HEAD_REVISION

# Long enough for some gigabytes on an ordinary disk.
QUICK_CHECK_SECONDS = 20.0


def check_database(store: Inspection, *, full: bool) -> Iterator[Finding]:
    """Tell whether the pages of the file are whole, all of them or as many as 20 seconds suffice for."""
    kept = f"{store.path}, {size(store.path.stat().st_size)}"
    faults = store.faults(thorough=full, seconds=None if full else QUICK_CHECK_SECONDS)
    if faults is None:
        yield warning(
            f"{kept}, is too large to look at in {QUICK_CHECK_SECONDS:g} seconds; --full takes the time."
        )
    elif faults:
        yield failed(f"{store.path} is damaged: {' '.join(faults)[:300]}; restore it from a backup.")
    else:
        yield ok(f"{kept}, is whole.")
    if not store.uses_wal():
        yield warning("The file has no write-ahead log; the next start of the server gives it one.")


def check_schema(store: Inspection) -> Iterator[Finding]:
    """Tell whether the schema is that of this version; an older one is brought up to date at a start."""
    revision = store.revision()
    if revision is None:
        yield failed(f"{store.path} is empty; the next start of the server makes the tables.")
    elif revision == HEAD_REVISION:
        yield ok(f"The schema is {revision}, that of this version.")
    else:
        yield warning(
            f"The schema is {revision} and this version has {HEAD_REVISION}: back the database up, then start the "
            "server, or run `stanchion migrate`."
        )
