"""The URL of a PostgreSQL database: what may stand in it, and what the driver makes of it.

- `postgresql://user:password@host:port/name?sslmode=verify-full`; a folder as `host=` is a Unix socket.
- Only parameters of the connection are allowed: whatever else a driver takes might weaken what a COMMIT promises.
- A URL may hold a password, so that no message repeats it: `shown_database` is what is shown of it.
"""

from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from stanchion.errors import OperatorError
from stanchion.model.wording import shown

SCHEMES = ("postgresql", "postgres")
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


def is_postgresql(database: str) -> bool:
    """Say whether a setting names a PostgreSQL database."""
    scheme, found, _ = database.partition("://")
    return bool(found) and scheme in SCHEMES


def sqlalchemy_url(url: str) -> URL:
    """Return the URL by which SQLAlchemy reaches the same database through asyncpg.

    Raises OperatorError for what is no URL, and for a parameter that is not one of `PARAMETERS`.
    """
    try:
        given = make_url(url)
    except (ArgumentError, ValueError):
        raise OperatorError(
            "The PostgreSQL URL cannot be read; postgresql://USER:PASSWORD@HOST:PORT/NAME is expected."
        ) from None
    for name in given.query:
        if name not in PARAMETERS:
            raise OperatorError(
                f"The PostgreSQL URL has the parameter {shown(name)}; allowed are {', '.join(PARAMETERS)}."
            )
    query = {PARAMETERS[name]: value for name, value in given.query.items()}
    return given.set(drivername="postgresql+asyncpg", query=query)


def connect_arguments(url: str) -> dict[str, Any]:
    """Return the arguments by which asyncpg connects to the database at a URL."""
    parsed = sqlalchemy_url(url)
    _, arguments = parsed.get_dialect()().create_connect_args(parsed)
    return dict(arguments)


def shown_database(url: str) -> str:
    """Return what is shown of a database's URL: its host and name, no password."""
    parsed = sqlalchemy_url(url)
    hosts = parsed.host or parsed.query.get("host") or "the default host"
    host = hosts if isinstance(hosts, str) else ", ".join(hosts)
    port = f":{parsed.port}" if parsed.port else ""
    return f"PostgreSQL database {parsed.database or 'of the default name'} on {host}{port}"
