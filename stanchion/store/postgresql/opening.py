"""Opening a PostgreSQL database: connections with the settings on which our promises stand, and what is refused.

- A COMMIT that returned is on the disk: where `synchronous_commit` is `off` by default, it is `on` here.
- Bodies are packed by lz4 where the server has it, which costs a fraction of PostgreSQL's own way.
- A client that is gone is found out within a minute, so that it does not hold a tenant's head for hours.
- Refused: a server older than 14, an encoding other than UTF8, a standby, a schema that is not ours or not this one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from stanchion.errors import OperatorError
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.distribute import has_citus
from stanchion.store.postgresql.portal import Portal
from stanchion.store.postgresql.url import connect_arguments, shown_database
from stanchion.store.tables import HEAD_REVISION, REVISIONS

OLDEST_VERSION = 14
# By which the connections of serving processes are known to commands.
SERVING = "stanchion serve"
# More statements than there are shapes in use; bounded, because the server keeps the plan of each.
_CACHED_STATEMENTS = 256
_CONNECT_SECONDS = 5.0
_PATIENT_CONNECT_SECONDS = 30.0
# Beside its own limit on the server, a call ends here when nobody answers.
_SILENCE_SECONDS = 5.0
# As session settings, not as parameters of the connection: a pooler between would refuse those.
_SETTINGS = """
SET jit = off;
SET TIME ZONE 'UTC';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
SELECT set_config('default_toast_compression', 'lz4', false) FROM pg_settings
  WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals);
SET statement_timeout = {statement};
SET idle_in_transaction_session_timeout = {idle};
"""
# A serving process never has a transaction open while it waits for anybody but the database.
_IDLE_SECONDS = 15


@dataclass(frozen=True)
class Access:
    """How connections to a database are opened. A server's statements end after `statement_seconds`.

    All connections of a `serving` process have its name, so that one that nobody has asked yet is seen too.
    """

    url: str
    statement_seconds: float | None = None
    serving: bool = False

    @property
    def name(self) -> str:
        """What messages call the database."""
        return shown_database(self.url)

    def connector(self, *, portal: Portal | None = None) -> Callable[[], Awaitable[PostgresConnection]]:
        """Return what opens a connection; through a portal it may be used from anywhere."""
        arguments = connect_arguments(self.url)

        async def connect() -> PostgresConnection:
            return await self._connect(arguments, portal=portal)

        return connect

    async def _connect(self, arguments: dict[str, Any], *, portal: Portal | None) -> PostgresConnection:
        seconds = self.statement_seconds
        name = SERVING if self.serving else "stanchion"
        driver = await asyncpg.connect(
            **arguments,
            timeout=_PATIENT_CONNECT_SECONDS if seconds is None else _CONNECT_SECONDS,
            command_timeout=None if seconds is None else seconds + _SILENCE_SECONDS,
            statement_cache_size=_CACHED_STATEMENTS,
            server_settings={"application_name": name},
            target_session_attrs=SessionAttribute.read_write,
        )
        try:
            self._require_usable(driver)
            await driver.execute(
                _SETTINGS.format(
                    statement=0 if seconds is None else max(1, round(seconds * 1000)),
                    idle=0 if seconds is None else _IDLE_SECONDS * 1000,
                )
            )
            clustered = await has_citus(driver)
        except BaseException:
            driver.terminate()
            raise
        return PostgresConnection(driver, portal=portal, statement_seconds=seconds, clustered=clustered)

    def _require_usable(self, driver: "asyncpg.Connection[asyncpg.Record]") -> None:
        version = driver.get_server_version()
        if version.major < OLDEST_VERSION:
            raise OperatorError(
                f"The {self.name} is of PostgreSQL {version.major}; {OLDEST_VERSION} or newer is needed."
            )
        encoding = str(getattr(driver.get_settings(), "server_encoding", "UTF8"))
        if encoding != "UTF8":
            raise OperatorError(
                f"The {self.name} has the encoding {encoding}; UTF8 is needed: CREATE DATABASE ... ENCODING 'UTF8' "
                "TEMPLATE template0."
            )


async def schema_revision(driver: "asyncpg.Connection[asyncpg.Record]", *, name: str) -> str | None:
    """Return the schema's revision, None for an empty database; raises OperatorError for what we cannot read."""
    there = await driver.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
    if not there:
        # Our own names alone: whatever else lies beside them is none of our business.
        ours = await driver.fetchval("SELECT to_regclass('tenants') IS NOT NULL")
        if ours:
            raise OperatorError(f"The {name} has tables of another program where ours would be.")
        return None
    revision = await driver.fetchval("SELECT version_num FROM alembic_version")
    if revision is not None and revision not in REVISIONS:
        raise OperatorError(
            f"The {name} was made by a newer Stanchion (schema {revision}; this one knows {HEAD_REVISION})."
        )
    return str(revision) if revision is not None else None


async def require_schema(driver: "asyncpg.Connection[asyncpg.Record]", *, name: str) -> None:
    """Raise OperatorError unless the schema is the present one."""
    revision = await schema_revision(driver, name=name)
    if revision is None:
        raise OperatorError(f"The {name} has no schema yet; `stanchion migrate` makes it.")
    if revision != HEAD_REVISION:
        raise OperatorError(
            f"The {name} has the schema {revision} of an older Stanchion, and {HEAD_REVISION} is needed; "
            "`stanchion migrate` brings it up to date."
        )
