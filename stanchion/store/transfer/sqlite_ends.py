"""SQLite files as the ends of a copy."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from stanchion.errors import OperatorError
from stanchion.store.connection import SQLiteConnection, connect, database_path
from stanchion.store.failures import for_operator
from stanchion.store.lock import ServeLock, serving_process
from stanchion.store.migrate import migrate_sqlite, schema_revision
from stanchion.store.session import Connection
from stanchion.store.tables import HEAD_REVISION
from stanchion.store.transfer.copy import Copied, copy_store
from stanchion.store.transfer.copying import Advance
from stanchion.store.transfer.handover import End
from stanchion.store.transfer.sqlite_files import opened, require_store

_BUSY_SECONDS = 30.0


def copy_files(source: Path, target: Path, *, ahead: bool, advance: Advance) -> Copied:
    """Copy the store in one file to another; see `copy_store`."""
    if source == target:
        raise OperatorError(f"{source} is both; name another database with --to.")
    with ExitStack() as stack:
        mine = stack.enter_context(source_file(source))
        writing = None if ahead else stack.enter_context(source_at_rest(source))
        theirs = stack.enter_context(target_file(target))
        return copy_store(mine, theirs, writing=writing, advance=advance)


def sqlite_file(database: str) -> Path:
    """Return the file that a URL names, through whichever link."""
    return Path(os.path.realpath(database_path(database)))


def name_of(path: Path) -> str:
    """Return what people call a file, and what they may give as --from or --to."""
    return f"sqlite:///{path}"


@contextmanager
def source_file(path: Path) -> Iterator[End]:
    """Open a file to copy from; raises OperatorError where it holds no store of the present schema."""
    with opened(path) as connection:
        revision = require_store(connection, path=path)
        if revision != HEAD_REVISION:
            raise OperatorError(
                f"{path} has the schema {revision}, not {HEAD_REVISION}; run `stanchion migrate` on it first."
            )
        yield End(connection, name_of(path))


@contextmanager
def source_at_rest(path: Path) -> Iterator[Connection]:
    """Keep servers from a file, and open it for its last write; raises OperatorError where one runs."""
    process = serving_process(path)
    if process is not None:
        raise OperatorError(
            f"{path} is served by process {process}: stop it for the move, or copy --ahead first, while it runs."
        )
    lock = ServeLock(path)
    try:
        with _writing(path, create=False) as connection:
            yield connection
    finally:
        lock.release()


@contextmanager
def target_file(path: Path) -> Iterator[End]:
    """Open a file to copy to, making it where it is not there; no server starts on it meanwhile."""
    if not path.parent.is_dir():
        raise OperatorError(f"{path.parent} is not a directory; make it first.")
    if path.is_dir():
        raise OperatorError(f"{path} is a directory; name a file in it.")
    lock = ServeLock(path)
    try:
        with _writing(path, create=True) as connection:
            if schema_revision(connection, path=path) != HEAD_REVISION:
                migrate_sqlite(connection, path=path)
            yield End(connection, name_of(path))
    finally:
        lock.release()


@contextmanager
def _writing(path: Path, *, create: bool) -> Iterator[SQLiteConnection]:
    try:
        with closing(connect(path, busy_seconds=_BUSY_SECONDS, create=create, writes=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise for_operator(error, path=str(path)) from error
