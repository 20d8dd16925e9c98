"""The schema of the database at a URL: brought up to date, or what that would take, whichever kind it is."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from stanchion.errors import OperatorError
from stanchion.store.connection import connect, database_path
from stanchion.store.failures import for_operator
from stanchion.store.file_inspection import inspect_file
from stanchion.store.migrate import Migrated, rehearse_sqlite
from stanchion.store.postgresql.url import is_postgresql
from stanchion.store.sqlite import SQLiteStore
from stanchion.store.tables import HEAD_REVISION

if TYPE_CHECKING:
    from stanchion.store.postgresql.distribute import Plan, Step

PATIENCE_SECONDS = 60.0
SHARDS = 32
"""Pieces that a spread table has at first: enough for 16 nodes with two each. Citus can cut a table anew later."""
MOST_SHARDS = 1024
_BUSY_SECONDS = 30.0


def migrate(database: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Migrated:
    """Bring a database up to date, making a SQLite file that is not there; raises OperatorError.

    On PostgreSQL it waits so long for others that migrate or use the tables.
    """
    if is_postgresql(database):
        # Its driver is not for those who use SQLite.
        from stanchion.store.postgresql.migrate import migrate_postgresql

        return asyncio.run(migrate_postgresql(database, patience_seconds=patience_seconds))
    former = _revision(database)
    SQLiteStore.open(database).close_now()
    return Migrated(former, HEAD_REVISION)


def rehearse(database: str, *, patience_seconds: float) -> tuple[Migrated, list[str]]:
    """Return what `migrate` would do, and the SQL that it would run; it is run, and taken back."""
    if is_postgresql(database):
        from stanchion.store.postgresql.migrate import rehearse_postgresql

        return asyncio.run(rehearse_postgresql(database, patience_seconds=patience_seconds))
    path = database_path(database)
    try:
        if not path.exists():
            with closing(sqlite3.connect(":memory:", isolation_level=None)) as nowhere:
                return rehearse_sqlite(nowhere, path=path)
        with closing(connect(path, busy_seconds=_BUSY_SECONDS, writes=True)) as connection:
            return rehearse_sqlite(connection, path=path)
    except sqlite3.Error as error:
        raise for_operator(error, path=str(path)) from error


def distribute(
    database: str, *, tell: "Callable[[Step], None]", shards: int, patience_seconds: float
) -> "Plan":
    """Spread a PostgreSQL database of the present schema over its cluster; return the plan that was carried out.

    `tell` is given each step before it is run. Raises OperatorError, as for a SQLite file.
    """
    _require_postgresql(database)
    from stanchion.store.postgresql.distributing import distribute_postgresql

    return asyncio.run(
        distribute_postgresql(database, tell=tell, shards=shards, patience_seconds=patience_seconds)
    )


def look(database: str, *, shards: int) -> "Plan":
    """Return what `distribute` would do, of a database of any schema; raises OperatorError like it."""
    _require_postgresql(database)
    from stanchion.store.postgresql.distributing import look as look_at_postgresql

    return asyncio.run(look_at_postgresql(database, shards=shards))


def _require_postgresql(database: str) -> None:
    if not is_postgresql(database):
        raise OperatorError(
            "A SQLite file lies on one machine and cannot be spread: `stanchion copy` it to PostgreSQL, and spread "
            "that."
        )


def _revision(database: str) -> str | None:
    path = database_path(database)
    if not path.exists() or path.is_dir():
        return None  # What is wrong with it is told where it is opened.
    with inspect_file(path) as file:
        return file.store.revision()
