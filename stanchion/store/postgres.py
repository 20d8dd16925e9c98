"""The schema on PostgreSQL: the same chain of migrations, run over asyncpg."""

from types import MappingProxyType

from asyncpg import PostgresError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from stanchion.errors import OperatorError
from stanchion.model.wording import shown
from stanchion.store.revisions import upgrade

# What libpq calls the parameters of a URL, and what asyncpg does.
PARAMETERS = MappingProxyType(
    {
        "host": "host",
        "passfile": "passfile",
        "password": "password",
        "port": "port",
        "sslmode": "ssl",
        "user": "user",
    }
)


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


def sqlalchemy_url(url: str) -> URL:
    """Return the URL by which SQLAlchemy reaches the same database through asyncpg.

    Raises OperatorError for a parameter that is not one of `PARAMETERS`.
    """
    given = make_url(url)
    for name in given.query:
        if name not in PARAMETERS:
            raise OperatorError(
                f"The PostgreSQL URL has the parameter {shown(name)}; allowed are {', '.join(PARAMETERS)}."
            )
    query = {PARAMETERS[name]: value for name, value in given.query.items()}
    return given.set(drivername="postgresql+asyncpg", query=query)
