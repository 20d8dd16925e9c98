"""SQLite files as wholes: copied page by page beside whoever writes, sealed, and looked through.

- The copy is of one moment: a read transaction lasts as long as it does. Without one SQLite begins anew at each write
  of another process, for ever where a server is busy; with one nobody waits, and the write-ahead log grows meanwhile.
- A sealed file has no log: it is one file, and can be read where nothing can be written.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from stanchion.errors import OperatorError
from stanchion.store import purpose
from stanchion.store.connection import SQLiteConnection, connect
from stanchion.store.failures import is_busy, primary_code
from stanchion.store.file_inspection import has_log, require_file
from stanchion.store.migrate import migrate_sqlite, schema_revision
from stanchion.store.transfer.copying import Advance

_BUSY_SECONDS = 30.0
# 4 MB of the usual pages: some milliseconds, after which progress is told and Ctrl-C is heard.
_PAGES_AT_ONCE = 1024
_FAULTS_TOLD = 3
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def opened(path: Path, *, at_rest: bool = False) -> Iterator[SQLiteConnection]:
    """Open a database for reading; raises OperatorError for what is none, or cannot be read.

    One `at_rest` is nobody's but ours: without a log it is read as it lies, where nothing can be written too.
    """
    require_file(path)
    mode = "ro&immutable=1" if at_rest and not has_log(path) else "rw"
    try:
        with closing(connect(path, busy_seconds=_BUSY_SECONDS, mode=mode)) as connection:
            connection.execute("PRAGMA schema_version").fetchall()
            yield connection
    except sqlite3.Error as error:
        raise _unreadable(error, path=path) from error


def require_store(connection: SQLiteConnection, *, path: Path) -> str:
    """Return the schema of a store; raises OperatorError for a database that is none or is newer."""
    revision = schema_revision(connection, path=path)
    if revision is None:
        raise OperatorError(f"{path} is empty: it holds no store.")
    return revision


def copy_pages(connection: SQLiteConnection, target: Path, *, advance: Advance) -> None:
    """Copy a database as it is at this moment into an empty file; raises OperatorError where that has no room."""
    try:
        with closing(connect(target, busy_seconds=_BUSY_SECONDS)) as copy:
            _make_hasty(copy)
            page_bytes = int(connection.execute("PRAGMA page_size").fetchall()[0][0])
            with connection.snapshot():
                # The first read is what fixes the moment.
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
                connection.backup(
                    copy,
                    pages=_PAGES_AT_ONCE,
                    progress=lambda _, left, all_: advance(
                        "copying", (all_ - left) * page_bytes, all_ * page_bytes
                    ),
                    sleep=0,
                )
    except sqlite3.Error as error:
        raise unwritten(error, path=target) from error


def seal(path: Path, *, as_: str | None) -> None:
    """Make one file of a database that nobody else uses, and say what it is for."""
    try:
        with closing(connect(path, busy_seconds=_BUSY_SECONDS)) as connection:
            _make_hasty(connection)
            connection.begin(patience_seconds=0)
            purpose.mark(connection, as_)
            connection.commit()
            connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    except sqlite3.Error as error:
        raise unwritten(error, path=path) from error


def bring_up_to_date(path: Path) -> None:
    """Bring a database that nobody else uses to the present schema, an empty one too; it is no backup any more."""
    if path.stat().st_size > 0:
        seal(path, as_=None)
    try:
        with closing(connect(path, busy_seconds=_BUSY_SECONDS, writes=True)) as connection:
            migrate_sqlite(connection, path=path)
    except sqlite3.Error as error:
        raise unwritten(error, path=path) from error


def require_whole(connection: SQLiteConnection, *, path: Path) -> None:
    """Look at every page, index and reference; raises OperatorError with the first faults."""
    told = connection.execute(f"PRAGMA integrity_check({_FAULTS_TOLD})").fetchall()
    faults = [str(line) for (line,) in told if line != "ok"]
    faults += [
        f"a row of {table} without that of {parent} that it belongs to"
        for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(_FAULTS_TOLD)
    ]
    if faults:
        raise OperatorError(f"{path} is damaged: {' '.join(' '.join(faults).split())[:300]}.")


def unwritten(error: sqlite3.Error, *, path: Path) -> OperatorError:
    """Return what to say where a file that is being made cannot be written."""
    if primary_code(error) in _FULL:
        return OperatorError(
            f"{path.parent} is full, or reports an error ({error}); nothing was made. Make room, or name "
            "another folder."
        )
    return _unreadable(error, path=path)


def _make_hasty(connection: SQLiteConnection) -> None:
    """Write without waiting for the disk, which is waited for once, at the end; a file half made is thrown away."""
    for setting in ("query_only=OFF", "synchronous=OFF", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {setting}").fetchall()


def _unreadable(error: sqlite3.Error, *, path: Path) -> OperatorError:
    if primary_code(error) in _DAMAGED:
        return OperatorError(f"{path} is damaged, cut short or not a SQLite database: {error}.")
    if is_busy(error):
        return OperatorError(f"{path} is locked by another process; try again.")
    return OperatorError(f"{path} cannot be used: {error}.")
