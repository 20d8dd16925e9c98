"""What a serving process has of PostgreSQL on its event loop: connections, the queues of writes, gathered reads.

- Writes and reads have connections of their own, so that slow queries cannot hold up a COMMIT.
- A read whose connection turns out to be lost is made once more: it changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from sqlalchemy.util import greenlet_spawn

from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.store.commit_counts import CommitCounts
from stanchion.store.postgresql.commits import TenantCommits
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.failures import FAILURES, for_caller, is_away
from stanchion.store.postgresql.gathered import Gathered
from stanchion.store.postgresql.opening import Access
from stanchion.store.postgresql.pool import Pool
from stanchion.store.purpose import read_purpose, refusal
from stanchion.store.reading import read_entities
from stanchion.store.session import Connection

R = TypeVar("R")

# The writer of a server waits this long for whoever holds the head of a tenant; its callers get 503 then.
_PATIENCE_SECONDS = 5.0
# A statement of a batch takes milliseconds; one that takes this long is stuck.
_WRITE_SECONDS = 30.0


@dataclass(frozen=True)
class Asked(Generic[R]):
    """A reading of the few rows that belong to no tenant: a function of the store, and its arguments by place."""

    function: Callable[..., R]
    arguments: tuple[str | None, ...] = ()

    def read(self, connection: Connection) -> R:
        """Read."""
        return self.function(connection, *self.arguments)


class Served:
    """The parts of one event loop."""

    def __init__(self, url: str, *, statement_seconds: float, connections: int, counts: CommitCounts) -> None:
        writers = max(1, connections // 2)
        self._seconds = statement_seconds
        self.writers = Pool(_to_store(Access(url, _WRITE_SECONDS, serving=True)), size=writers)
        readers = Access(url, statement_seconds, serving=True)
        self.readers = Pool(_to_store(readers), size=max(1, connections - writers))
        self.commits = TenantCommits(self.writers, patience_seconds=_PATIENCE_SECONDS, counts=counts)
        self._points: Gathered[tuple[str, EntitySet], str, Stored | None] = Gathered(self._read_points)
        # What ends the event loop without a word, as tests do, cancels it: then nothing is left open.
        self._keeper = asyncio.get_running_loop().create_task(self._keep(), context=Context())
        self._rows: Gathered[Asked[object], None, object] = Gathered(self._read_rows)

    @property
    def away(self) -> bool:
        """Whether the database did not answer when it was asked last."""
        return self.writers.away or self.readers.away

    async def read(self, read: Callable[[PostgresConnection], R]) -> R:
        """Return what is read; raises ServiceUnavailable where that is not done in time."""
        try:
            return await self._read_once(read)
        except FAILURES as error:
            if not is_away(error) or isinstance(error, TimeoutError):
                raise self._refusal(error) from error
        try:
            return await self._read_once(read)
        except FAILURES as error:
            raise self._refusal(error) from error

    async def entity(self, tenant_id: str, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity, or None."""
        return await self._points.ask((tenant_id, entity_set), id)

    async def row(self, asked: Asked[R]) -> R:
        """Return what is asked; who asks the same meanwhile is answered together."""
        return cast("R", await self._rows.ask(cast("Asked[object]", asked), None))

    async def close(self) -> None:
        """Answer what was submitted, then close the connections."""
        await self.commits.close()
        self._keeper.cancel()
        await asyncio.wait([self._keeper])

    async def _keep(self) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.writers.close()
            await self.readers.close()

    async def _read_once(self, read: Callable[[PostgresConnection], R]) -> R:
        async with self.readers.lent(seconds=self._seconds) as connection:
            return await greenlet_spawn(read, connection)

    async def _read_points(
        self, kind: tuple[str, EntitySet], ids: Sequence[str]
    ) -> Mapping[str, Stored | None]:
        tenant_id, entity_set = kind
        found = await self.read(
            lambda reader: read_entities(reader, entity_set, tenant_id=tenant_id, ids=ids)
        )
        return {id: found.get(id) for id in ids}

    async def _read_rows(self, asked: Asked[object], _: Sequence[None]) -> Mapping[None, object]:
        return {None: await self.read(asked.read)}

    def _refusal(self, error: Exception) -> Exception:
        return for_caller(error, seconds=self._seconds)


def _to_store(access: Access) -> Callable[[], Awaitable[PostgresConnection]]:
    """Return what opens a connection, unless the store has been moved away since the server was started."""
    connect = access.connector()

    async def connect_to_store() -> PostgresConnection:
        connection = await connect()
        try:
            found = await greenlet_spawn(read_purpose, connection)
        except BaseException:
            connection.driver.terminate()
            raise
        if found is None:
            return connection
        connection.driver.terminate()
        raise refusal(found, name=access.name)

    return connect_to_store
