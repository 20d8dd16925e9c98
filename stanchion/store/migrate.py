"""Bringing a database to the present schema, by Alembic, in this process and without an ini file.

- Alembic is slow to import, so it is imported only where there is something to migrate.
- SQLite migrates inside one exclusive transaction: of two processes that start at once, the second waits and
  then finds nothing to do. Foreign keys are checked at its end, before COMMIT.
- A schema of a newer Stanchion is refused; none is ever taken back. A backup keeps the schema that it has.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from stanchion.errors import OperatorError
from stanchion.store import purpose
from stanchion.store.tables import HEAD_REVISION, REVISIONS


class Migrated(NamedTuple):
    """From which revision of the schema to which a database was brought; None is an empty one."""

    former: str | None
    present: str


def migrate_sqlite(connection: sqlite3.Connection, *, path: Path) -> Migrated:
    """Bring a SQLite database to the present schema; a new file gets all of it.

    Raises OperatorError for a file that is not ours to migrate, and sqlite3.Error where the database fails.
    """
    former = schema_revision(connection, path=path)
    if former == HEAD_REVISION:
        return Migrated(former, HEAD_REVISION)
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import StaticPool

    from stanchion.store.revisions import upgrade

    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    # A table is altered by making it anew and dropping the old one, on which others depend. Inside a
    # transaction this setting does nothing.
    connection.execute("PRAGMA foreign_keys=OFF")
    try:
        with engine.connect() as borrowed:
            # Not earlier: SQLAlchemy rolls back once while it makes itself known to a connection.
            borrowed.exec_driver_sql("BEGIN EXCLUSIVE")
            # Another process may have migrated while this one waited for the lock.
            former = schema_revision(connection, path=path)
            if former != HEAD_REVISION:
                _require_served(connection, former, path=path)
                upgrade(borrowed)
            _check_references(connection, path=path)
            borrowed.commit()
    except DBAPIError as error:
        raise (error.orig or error) from error
    finally:
        connection.execute("PRAGMA foreign_keys=ON")
    return Migrated(former, HEAD_REVISION)


def is_current(path: Path) -> bool:
    """Say whether a SQLite file has the present schema; False too for one that cannot be looked at."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return schema_revision(connection, path=path) == HEAD_REVISION
    except (OperatorError, sqlite3.Error):
        return False


def rehearse_sqlite(connection: sqlite3.Connection, *, path: Path) -> tuple[Migrated, list[str]]:
    """Return what `migrate_sqlite` would do, and the SQL that it would run: it is run, and taken back.

    Raises what that raises.
    """
    former = schema_revision(connection, path=path)
    if former == HEAD_REVISION:
        return Migrated(former, HEAD_REVISION), []
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import StaticPool

    from stanchion.store.revisions import rehearse

    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    connection.execute("PRAGMA foreign_keys=OFF")
    try:
        with engine.connect() as borrowed:
            borrowed.exec_driver_sql("BEGIN EXCLUSIVE")
            _require_served(connection, former, path=path)
            sql = rehearse(borrowed)
            _check_references(connection, path=path)
            borrowed.rollback()
    except DBAPIError as error:
        raise (error.orig or error) from error
    return Migrated(former, HEAD_REVISION), sql


def schema_revision(connection: sqlite3.Connection, *, path: Path) -> str | None:
    """Return the schema's revision, None for an empty file; raises OperatorError for what we cannot read."""
    names = {
        row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    }
    if not names:
        return None
    if "alembic_version" not in names:
        raise OperatorError(f"{path} is a database of another program.")
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return known_revision(str(rows[0][0]) if rows else None, name=str(path))


def known_revision(revision: str | None, *, name: str) -> str | None:
    """Return a revision of ours, or None as it is; raises OperatorError for one of a newer Stanchion."""
    if revision is not None and revision not in REVISIONS:
        raise OperatorError(
            f"{name} was made by a newer Stanchion (schema {revision}; this one knows {HEAD_REVISION})."
        )
    return revision


def _require_served(connection: sqlite3.Connection, revision: str | None, *, path: Path) -> None:
    """Raise OperatorError for a database that is kept as it is; every schema has the table of facts."""
    if revision is None:
        return
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (purpose.KEY,)).fetchall()
    if found:
        raise purpose.refusal(str(found[0][0]), name=str(path))


def _check_references(connection: sqlite3.Connection, *, path: Path) -> None:
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        raise OperatorError(f"{path} has rows of {table} without those of {parent} that they belong to.")
