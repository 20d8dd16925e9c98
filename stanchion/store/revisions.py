"""Running Alembic over an open connection, in this process; imported only where a migration is due."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event

MIGRATIONS = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; `migrations/env.py` uses the connection."""
    # A percent sign in a path would be read as a reference to another option.
    result = Config()
    result.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    result.set_main_option("path_separator", "os")
    result.attributes["connection"] = connection
    return result


def upgrade(connection: Connection) -> None:
    """Bring a database to the newest revision; the caller commits."""
    command.upgrade(config(connection), "head")


def rehearse(connection: Connection) -> list[str]:
    """Bring a database to the newest revision, and return the SQL that did; the caller takes all of it back."""
    ran: list[str] = []

    def note(*called: object) -> None:
        statement = str(called[2])
        # What only looks at the database is no part of a migration.
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "WITH", "SHOW")):
            ran.append(statement.strip())

    event.listen(connection, "before_cursor_execute", note)
    try:
        upgrade(connection)
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return ran
