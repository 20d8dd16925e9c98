"""A PostgreSQL database looked at and never written: what its server says of itself, and the store in it.

- No schema is brought up to date.
- What fails raises OperatorError in one sentence.
- Source: https://www.postgresql.org/docs/current/runtime-config-wal.html for what the settings promise.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from stanchion.store.compile import Compiled
from stanchion.store.inspection import Inspection
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.distribute import Plan, has_citus, plan
from stanchion.store.postgresql.failures import FAILURES, for_operator
from stanchion.store.postgresql.opening import SERVING, Access, schema_revision
from stanchion.store.postgresql.portal import Portal

_SERVER = Compiled(
    """SELECT current_setting('server_version'), pg_database_size(current_database()),
current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on',
current_setting('data_checksums') = 'on',
(SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()),
(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1),
CAST(current_setting('max_connections') AS integer) -
CAST(current_setting('superuser_reserved_connections') AS integer),
(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
(SELECT count(*) FROM pg_stat_replication),
CAST(extract(epoch FROM clock_timestamp()) * 10000000 AS bigint)""",
    ("serving",),
)
_INVALID_INDEXES = Compiled(
    """SELECT CAST(CAST(i.indexrelid AS regclass) AS text) FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relnamespace = CAST(current_schema() AS regnamespace) ORDER BY 1""",
    (),
)


@dataclass(frozen=True)
class ServerFacts:
    """What the server says of itself and of the database."""

    version: str
    size_bytes: int
    waits_for_disk: bool  # fsync
    repairs_torn_pages: bool  # full_page_writes
    has_checksums: bool
    damaged_pages: int  # found by their checksums, since the counting began
    serving_connections: int
    connections: int  # as many as there may be, but for superusers
    open_connections: int  # of all databases
    standbys: int
    clock_ticks: int

    @property
    def connections_left(self) -> int:
        """How many may still be opened."""
        return self.connections - self.open_connections


class InspectedServer:
    """An open database, and the store in it; made by `inspect_postgresql`."""

    def __init__(self, connection: PostgresConnection, *, portal: Portal, name: str) -> None:
        self._connection = connection
        self._portal = portal
        self.name = name

        def revision() -> str | None:
            return portal.wait(schema_revision(connection.driver, name=name))

        self.store = Inspection(connection, name=name, revision=revision, told=partial(_told, name=name))

    def facts(self) -> ServerFacts:
        """Return what the server says."""
        try:
            (row,) = self._connection.fetch(_SERVER, {"serving": SERVING})
        except FAILURES as error:
            raise _told(error, name=self.name) from error
        return ServerFacts(*row)

    def invalid_indexes(self) -> list[str]:
        """Return the indexes that the server does not trust, as one that was never finished."""
        try:
            return [str(name) for (name,) in self._connection.fetch(_INVALID_INDEXES, {})]
        except FAILURES as error:
            raise _told(error, name=self.name) from error

    def plan(self, *, shards: int) -> Plan | None:
        """Return what is left to spread over the cluster; None where there is no Citus.

        Raises OperatorError where that would be refused, saying why.
        """
        try:
            return self._portal.wait(self._plan(shards=shards))
        except FAILURES as error:
            raise _told(error, name=self.name) from error

    async def _plan(self, *, shards: int) -> Plan | None:
        driver = self._connection.driver
        return await plan(driver, name=self.name, shards=shards) if await has_citus(driver) else None


@contextmanager
def inspect_postgresql(url: str) -> Iterator[InspectedServer]:
    """Open a database for looking at it, for the time of the block; raises OperatorError."""
    access, portal = Access(url), Portal()
    try:
        connection = _connected(access, portal)
        try:
            yield InspectedServer(connection, portal=portal, name=access.name)
        finally:
            with suppress(*FAILURES):
                portal.wait(connection.driver.close())
    finally:
        portal.close()


def _connected(access: Access, portal: Portal) -> PostgresConnection:
    try:
        return portal.wait(_opened(access, portal))
    except FAILURES as error:
        raise _told(error, name=access.name) from error


async def _opened(access: Access, portal: Portal) -> PostgresConnection:
    return await access.connector(portal=portal)()


def _told(error: Exception, *, name: str) -> Exception:
    return for_operator(error, database=name)
