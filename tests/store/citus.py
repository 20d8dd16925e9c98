"""A Citus cluster for tests, where one is given: databases that are made on all of its nodes, and spread.

- `STANCHION_TEST_CITUS_URL` names a database on the coordinator that has Citus and knows its workers, by a superuser
  whom the nodes let in. All tests of storage on PostgreSQL then run there, and every store is spread over the nodes.
- A database is made on each node by itself, and cannot be a copy of another one: its rows are copied instead.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy.engine import URL, make_url

from stanchion.store.postgresql.distributing import distribute_postgresql
from stanchion.store.postgresql.migrate import migrate_postgresql

# Read at once: tests take our variables out of the environment.
GIVEN_CITUS = os.environ.get("STANCHION_TEST_CITUS_URL")
# Fewer pieces are made and thrown away sooner; more than one for each of a few nodes.
_SHARDS = 4
_PATIENCE_SECONDS = 60.0
_NODES = """SELECT nodename, nodeport, groupid = 0 FROM pg_dist_node
WHERE isactive AND noderole = 'primary' ORDER BY groupid"""


@dataclass(frozen=True)
class Cluster:
    """The cluster whose coordinator has the database at a URL."""

    url: str

    async def create(self, name: str) -> None:
        """Make an empty database on all nodes, which know each other in it."""
        coordinator, workers = await self._nodes()
        for node in (make_url(self.url), *workers):
            async with _connected(node) as connection:
                await connection.execute(f"CREATE DATABASE {name}")
            async with _connected(node.set(database=name)) as connection:
                await connection.execute("CREATE EXTENSION citus")
        async with _connected(make_url(self.url).set(database=name)) as connection:
            if coordinator is not None:
                await connection.fetchval("SELECT citus_set_coordinator_host($1, $2)", *coordinator)
            for worker in workers:
                await connection.fetchval("SELECT citus_add_node($1, $2)", worker.host, worker.port)

    async def drop(self, name: str) -> None:
        """Throw a database away on all nodes."""
        _, workers = await self._nodes()
        for node in (make_url(self.url), *workers):
            async with _connected(node) as connection:
                await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def migrate(self, url: str) -> None:
        """Make the tables in an empty database, spread over the nodes."""
        await migrate_postgresql(url)
        await distribute_postgresql(
            url, tell=lambda _: None, shards=_SHARDS, patience_seconds=_PATIENCE_SECONDS
        )

    async def copy_rows(self, source: str, target: str, *, tables: Sequence[str]) -> None:
        """Put the rows of one database in place of those of another; the tables come after those they refer to."""
        async with _connected(make_url(source)) as reading, _connected(make_url(target)) as writing:
            for table in reversed(tables):
                await writing.execute(f"DELETE FROM {table}")  # noqa: S608 (names of ours)
            for table in tables:
                rows = await reading.fetch(f"SELECT * FROM {table}")  # noqa: S608
                await writing.copy_records_to_table(table, records=[tuple(row) for row in rows])

    async def _nodes(self) -> tuple[tuple[str, int] | None, list[URL]]:
        """Return where the workers find the coordinator, if they do, and the URL of each worker."""
        given = make_url(self.url)
        async with _connected(given) as connection:
            nodes = await connection.fetch(_NODES)
        coordinators = [(host, port) for host, port, first in nodes if first]
        workers = [given.set(host=host, port=port) for host, port, first in nodes if not first]
        return (coordinators[0] if coordinators else None), workers


def described_cluster() -> str:
    """Say which cluster the tests use, for the head of their report."""
    if GIVEN_CITUS:
        return make_url(GIVEN_CITUS).render_as_string(hide_password=True)
    return "none, for STANCHION_TEST_CITUS_URL names none; storage is tested on plain PostgreSQL"


@asynccontextmanager
async def _connected(url: URL) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    try:
        yield connection
    finally:
        await connection.close()
