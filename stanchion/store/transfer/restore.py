"""A store made from a backup: verified, given a new epoch, verified again, and only then in its place.

- Whatever names an epoch names another one now: entity tags of before fit nothing, delta tokens are 410, links to
  next pages 400. So no client takes what it knew for what was restored, though versions go on from the backup.
- The restore is a change of the store's own chain, with the heads from which the other chains go on.
- A database that is in the place already is kept beside it; one that somebody uses is left alone.
"""

import os
import sqlite3
import stat
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from stanchion.errors import OperatorError
from stanchion.store import purpose
from stanchion.store.batch import commit_batch
from stanchion.store.connection import SQLiteConnection, connect
from stanchion.store.failures import is_busy
from stanchion.store.lock import ServeLock
from stanchion.store.outcome import Refused, StoreBroken
from stanchion.store.session import Connection
from stanchion.store.transfer.backup import verified_file
from stanchion.store.transfer.commands import RestoreStore
from stanchion.store.transfer.copying import Advance, tenant_heads
from stanchion.store.transfer.files import new_file, sync
from stanchion.store.transfer.holdings import Holdings, verified
from stanchion.store.transfer.sqlite_files import (
    bring_up_to_date,
    copy_pages,
    opened,
    require_store,
    require_whole,
    unwritten,
)

_BUSY_SECONDS = 5.0
_ROOM = 1.05
# The file header, https://www.sqlite.org/fileformat.html, section 1.3.
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class Restored:
    """A store that was restored: where, what it holds, its new epoch, and where what was there before is kept."""

    place: str
    holdings: Holdings
    former_epoch: str
    kept: Path | None = None


def restore_file(file: Path, database: Path, *, replace: bool, advance: Advance) -> Restored:
    """Restore a backup into a SQLite file; raises OperatorError, and leaves what was there then."""
    _require_file(file)
    if database.exists() and file.samefile(database):
        raise OperatorError(f"{file} is the database itself; name another one with --database.")
    if not database.parent.is_dir():
        raise OperatorError(f"{database.parent} is not a directory; make it first.")
    lock = ServeLock(database)  # Nobody starts to serve the place meanwhile.
    try:
        with opened(file, at_rest=True) as source:
            require_restorable(source, path=file)
            _require_free(database, replace=replace)
            room = int(file.stat().st_size * _ROOM)
            with new_file(database, replace=True, needed_bytes=room) as partial:
                copy_pages(source, partial, advance=advance)
                before, after = _restored(partial, shown=file, advance=advance)
                sync(partial)
                kept = _set_aside(database, for_=partial)
    finally:
        lock.release()
    return Restored(str(database), after, before.epoch, kept)


def require_restorable(source: SQLiteConnection, *, path: Path) -> str:
    """Return the schema of a backup; raises OperatorError for no store, one of a newer version, or half a copy."""
    revision = require_store(source, path=path)
    if purpose.read_purpose(source) == purpose.COPY:
        raise purpose.refusal(purpose.COPY, name=str(path))
    return revision


def give_epoch(connection: Connection, before: Holdings) -> Holdings:
    """Make a restored store of what a database holds; return it as it is then, its own chain verified anew.

    Raises OperatorError where another chain is not as it was.
    """
    command = RestoreStore(heads={each.tenant_id: each.head for each in before.tenants})
    try:
        (outcome,) = commit_batch(connection, [command])
    except StoreBroken as error:
        raise OperatorError(f"The restored store could not be written: {error}; nothing was made.") from error
    if isinstance(outcome, Refused):
        raise outcome.error
    with connection.snapshot():
        own, *others = tenant_heads(connection)
        if [each.head for each in others] != [each.head for each in before.tenants]:
            raise OperatorError("Somebody wrote to the store while it was restored; restore it again.")
        return Holdings(before.store_id, command.epoch, (verified(connection, own), *before.tenants))


def _restored(partial: Path, *, shown: Path, advance: Advance) -> tuple[Holdings, Holdings]:
    with opened(partial, at_rest=True) as copied:
        require_whole(copied, path=shown)
    bring_up_to_date(partial)
    before = verified_file(partial, shown=shown, advance=advance)
    try:
        with closing(connect(partial, busy_seconds=_BUSY_SECONDS, writes=True)) as connection:
            after = give_epoch(connection, before)
    except sqlite3.Error as error:
        raise unwritten(error, path=partial) from error
    return before, after


def _require_file(file: Path) -> None:
    if not file.exists():
        raise OperatorError(f"{file} does not exist; name the file of a backup.")


def _require_free(database: Path, *, replace: bool) -> None:
    """Raise OperatorError unless the place is free, or may be replaced and nobody has it open."""
    if not database.exists() or database.stat().st_size == 0:
        return
    if not replace:
        raise OperatorError(
            f"{database} exists; name another place with --database, or --replace it: it is then kept under "
            "another name."
        )
    _require_alone(database)


def _require_alone(database: Path) -> None:
    """Raise OperatorError where another process has a database open; its log is folded into it.

    What is damaged, or no database at all, nobody can have open.
    """
    with database.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return  # SQLite would take its log for one of nothing, and remove it.
    try:
        with closing(connect(database, busy_seconds=_BUSY_SECONDS)) as connection:
            # The next read needs the file alone.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
            connection.execute("PRAGMA query_only=OFF")
            connection.execute("PRAGMA schema_version").fetchall()
    except sqlite3.Error as error:
        if is_busy(error):
            raise OperatorError(
                f"{database} is open in another process; stop it first, or restore to another place."
            ) from error


def _set_aside(database: Path, *, for_: Path) -> Path | None:
    """Keep a database and its log under another name; return that name, None where there was nothing.

    What takes its place belongs to whom it belonged to, and can be used by those who could use it.
    """
    if not database.exists() or database.stat().st_size == 0:
        return None
    _require_alone(database)
    kept = database.with_name(f"{database.name}.replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    if kept.exists():
        raise OperatorError(f"{kept} exists; try again in a second.")
    _belong_alike(for_, database)
    # A second name first: the database is in its place until the restored one takes it.
    try:
        os.link(database, kept)
    except OSError:
        database.rename(kept)
    # Only a damaged or foreign file has a log left, which must not be taken for one of the restored file.
    for suffix in ("-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            Path(f"{database}{suffix}").rename(f"{kept}{suffix}")
    sync(database.parent)
    return kept


def _belong_alike(file: Path, other: Path) -> None:
    told = other.stat()
    with suppress(PermissionError):  # Who is not root makes files of their own only.
        os.chown(file, told.st_uid, told.st_gid)
    file.chmod(stat.S_IMODE(told.st_mode))
