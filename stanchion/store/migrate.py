"""Bringing a database to the present schema, by Alembic, in this process and without an ini file.

- Alembic is slow to import, so it is imported only where there is something to migrate.
- SQLite migrates inside one exclusive transaction: of two processes that start at once, the second waits and
  then finds nothing to do. Foreign keys are checked at its end, before COMMIT.
- A schema of a newer Stanchion is refused; none is ever taken back.
"""

import sqlite3
from pathlib import Path

from stanchion.errors import OperatorError
from stanchion.store.tables import HEAD_REVISION, REVISIONS


def migrate_sqlite(connection: sqlite3.Connection, *, path: Path) -> None:
    """Bring a SQLite database to the present schema; a new file gets all of it.

    Raises OperatorError for a file that is not ours to migrate, and sqlite3.Error where the database fails.
    """
    if schema_revision(connection, path=path) == HEAD_REVISION:
        return
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
            if schema_revision(connection, path=path) != HEAD_REVISION:
                upgrade(borrowed)
            _check_references(connection, path=path)
            borrowed.commit()
    except DBAPIError as error:
        raise (error.orig or error) from error
    finally:
        connection.execute("PRAGMA foreign_keys=ON")


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
    revision = rows[0][0] if rows else None
    if revision is not None and revision not in REVISIONS:
        raise OperatorError(
            f"{path} was made by a newer Stanchion (schema {revision}; this one knows {HEAD_REVISION})."
        )
    return str(revision) if revision is not None else None


def _check_references(connection: sqlite3.Connection, *, path: Path) -> None:
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        raise OperatorError(f"{path} has rows of {table} without those of {parent} that they belong to.")
