"""The schema on PostgreSQL: the same chain of migrations, run over asyncpg."""

from urllib.parse import urlsplit, urlunsplit

from asyncpg import PostgresError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from stanchion.errors import OperatorError
from stanchion.store.revisions import upgrade


async def migrate_postgresql(url: str) -> None:
    """Bring the PostgreSQL database at a `postgresql://` URL to the present schema, in one transaction.

    Raises OperatorError for one that cannot be reached or refuses; the URL, which may hold a password, is not
    repeated.
    """
    try:
        engine = create_async_engine(sqlalchemy_url(url), poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(upgrade)
        finally:
            await engine.dispose()
    except (OSError, ValueError, PostgresError, SQLAlchemyError) as error:
        reason = str(error).partition("\n")[0]
        raise OperatorError(f"The PostgreSQL database cannot be migrated: {reason}.") from error


def sqlalchemy_url(url: str) -> str:
    """Return the URL by which SQLAlchemy reaches the same database through asyncpg."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+asyncpg"))
