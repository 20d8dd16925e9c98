"""A backup: a whole store in one SQLite file, taken beside whoever writes, and verified before it has its name.

- It holds what was acknowledged before it began, as of one moment.
- It is marked as a backup, so that nobody serves it by accident: a restore gives the store a new epoch first.
- The key file, without which sealed signing keys are of no use, is kept apart from it by whoever makes backups.
"""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from stanchion.errors import OperatorError
from stanchion.store import purpose
from stanchion.store.tables import HEAD_REVISION
from stanchion.store.transfer.copying import Advance
from stanchion.store.transfer.files import new_file, scratch
from stanchion.store.transfer.holdings import Holdings, verified_holdings
from stanchion.store.transfer.sqlite_files import (
    bring_up_to_date,
    copy_pages,
    opened,
    require_store,
    require_whole,
    seal,
)

# A file may grow while it is copied.
_ROOM = 1.05


@dataclass(frozen=True)
class Backup:
    """A backup that was made: what it holds, and the time of the moment that it is of, in ticks."""

    file: Path
    bytes: int
    taken_ticks: int
    schema: str
    holdings: Holdings


def back_up_file(database: Path, file: Path, *, replace: bool, advance: Advance) -> Backup:
    """Back a SQLite database up, of whatever schema it is; raises OperatorError, and leaves nothing then."""
    if file.exists() and file.samefile(database):
        raise OperatorError(f"{file} is the database itself; name another file for the backup.")
    with opened(database) as source:
        revision = require_store(source, path=database)
        if (found := purpose.read_purpose(source)) is not None:
            raise purpose.refusal(found, name=str(database))
        size = database.stat().st_size
        with new_file(file, replace=replace, needed_bytes=int(size * _ROOM)) as partial:
            taken_ticks = time.time_ns() // 100
            copy_pages(source, partial, advance=advance)
            holdings = _verified(partial, revision, shown=database, advance=advance)
    return Backup(file, file.stat().st_size, taken_ticks, revision, holdings)


def verified_file(path: Path, *, shown: Path, advance: Advance) -> Holdings:
    """Verify a file that nobody writes: its pages, and every chain and entity; faults are told of `shown`."""
    with opened(path, at_rest=True) as connection:
        advance("looking at the file", 0, 0)
        try:
            require_whole(connection, path=shown)
            with connection.snapshot():
                return verified_holdings(connection, advance=advance)
        except sqlite3.DatabaseError as error:
            raise OperatorError(f"{shown} is damaged: {error}.") from error


def _verified(partial: Path, revision: str, *, shown: Path, advance: Advance) -> Holdings:
    """Seal a backup and verify it; one of an earlier schema in a copy that is brought to the present one."""
    seal(partial, as_=purpose.BACKUP)
    if revision == HEAD_REVISION:
        return verified_file(partial, shown=shown, advance=advance)
    with opened(partial, at_rest=True) as sealed:
        require_whole(sealed, path=shown)
        with scratch(partial) as migrated:
            copy_pages(sealed, migrated, advance=advance)
            bring_up_to_date(migrated)
            return verified_file(migrated, shown=shown, advance=advance)
