"""The store on PostgreSQL: what the rest of the program sees of it.

- Reads see everything that was committed before they were asked; no transaction outlives its call.
- `submit` answers after COMMIT through group commit; `run` is one transaction at once, for the command line.
- What serves waits on its event loop. What does not, as commands do, is waited for by a portal, a thread of its own;
  so are the plain reads of the directory, unless they run `inline`, where they wait on the event loop too.
- Any number of processes on any number of hosts may serve one database: nothing read is kept between transactions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy.util import await_only, greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet

from stanchion.ledger.changes import Head
from stanchion.ledger.fold import Command
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.odata.delta import DeltaQuery
from stanchion.odata.query import ListQuery
from stanchion.store import reading, rows
from stanchion.store.chain_heads import ChainHeads, read_chain_heads
from stanchion.store.contract import DeltaPage, Page
from stanchion.store.deadline import STATEMENT_SECONDS
from stanchion.store.deltas import read_delta
from stanchion.store.meta import StoreFacts
from stanchion.store.moment import Moment, moment
from stanchion.store.page_reading import read_count, read_page, read_piece
from stanchion.store.postgresql.commits import Watched
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.greenlets import inlined
from stanchion.store.postgresql.local import Local
from stanchion.store.postgresql.served import Asked, Served
from stanchion.store.rows import ClientRow, IssuerRow, SigningKeyRow, TenantRow
from stanchion.store.session import Connection
from stanchion.store.waiting import DEADLINE_SECONDS

T = TypeVar("T")
R = TypeVar("R")

# Two processes that serve, and what commands need beside them, fit into PostgreSQL's default of 100 many times.
CONNECTIONS = 10


class PostgresStore:
    """A store in a PostgreSQL database; made by `open`."""

    def __init__(
        self,
        url: str,
        *,
        local: Local,
        facts: StoreFacts,
        serving: bool,
        statement_seconds: float,
        connections: int,
    ) -> None:
        self._url = url
        self._local = local
        self._serving = serving
        self._statement_seconds = statement_seconds
        self._connections = connections
        self._served: tuple[asyncio.AbstractEventLoop, Served] | None = None
        self._watched = Watched()
        self.store_id = facts.store_id
        self.epoch = facts.epoch
        self.link_key = facts.link_key

    @classmethod
    def open(
        cls,
        url: str,
        *,
        serving: bool = False,
        statement_seconds: float = STATEMENT_SECONDS,
        connections: int = CONNECTIONS,
    ) -> "PostgresStore":
        """Open a database that has our schema, with at most so many `connections` on an event loop.

        A `serving` store has group commit; it opens after the process has forked. No read of it takes longer than
        `statement_seconds`. Raises OperatorError for a database that cannot be used, saying why.
        """
        local = Local(url, serving=serving)
        try:
            facts = local.facts()
        except BaseException:
            local.close()
            raise
        return cls(
            url,
            local=local,
            facts=facts,
            serving=serving,
            statement_seconds=statement_seconds,
            connections=connections,
        )

    @property
    def name(self) -> str:
        """The database, as messages show it."""
        return self._local.name

    @property
    def path(self) -> None:
        """There is no file of the database."""

    @property
    def healthy(self) -> bool:
        """Whether the database was there when it was needed last."""
        return self._served is None or not self._served[1].away

    async def get(self, tenant_id: str, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity, or None."""
        return await self._here().entity(tenant_id, entity_set, id)

    async def page(
        self, tenant_id: str, query: ListQuery, *, max_bytes: int, piece_bytes: int | None = None
    ) -> Page:
        """Return a page of a list: at most its size, and `max_bytes` unless its first row is larger."""

        def read(reader: PostgresConnection) -> Page:
            with reader.snapshot():
                page = read_page(
                    reader, query, tenant_id=tenant_id, max_bytes=max_bytes, piece_bytes=piece_bytes
                )
                if query.count:
                    page = replace(page, count=read_count(reader, query, tenant_id=tenant_id))
            return page

        return await self._here().read(read)

    async def piece(self, tenant_id: str, query: ListQuery, ids: tuple[str, ...]) -> bytes:
        """Return bodies by their ids as they are now, in this order, each after a comma."""
        return await self._here().read(lambda reader: read_piece(reader, query, ids, tenant_id=tenant_id))

    async def count(self, tenant_id: str, query: ListQuery) -> int:
        """Return how many entities the query's set has, its paging left aside."""
        return await self._here().read(lambda reader: read_count(reader, query, tenant_id=tenant_id))

    async def delta(self, tenant_id: str, query: DeltaQuery, *, max_bytes: int) -> DeltaPage:
        """Return a page of what changed: at most its size, and `max_bytes` unless its first row is larger."""

        def read(reader: PostgresConnection) -> DeltaPage:
            with reader.snapshot():
                return read_delta(reader, query, tenant_id=tenant_id, max_bytes=max_bytes)

        return await self._here().read(read)

    async def newest_score_id(self, tenant_id: str, *, vendor: str, provider: str) -> str | None:
        """Return the id of the newest score of a provider, or None; A-Z match in either case."""
        return await self._here().read(
            lambda reader: reading.read_newest_score_id(
                reader, tenant_id=tenant_id, vendor=vendor, provider=provider
            )
        )

    async def head(self, tenant_id: str) -> Head | None:
        """Return the head of a tenant's chain, or None for a tenant that nobody added."""
        return await self._here().read(lambda reader: reading.read_head(reader, tenant_id=tenant_id))

    async def chain_heads(self) -> ChainHeads:
        """Return what the heads of all tenants' chains say together."""
        return await self._here().read(read_chain_heads)

    def snapshot(self, tenant_id: str) -> AbstractContextManager[Moment]:
        """Open a tenant as it is at this moment, for as long as the block lasts; raises OperatorError."""
        return moment(self, tenant_id=tenant_id)

    @contextmanager
    def reading(self) -> Iterator[PostgresConnection]:
        """Open a connection of its own, in one snapshot, for the block; raises OperatorError."""
        with self._local.reading() as connection:
            yield connection

    def submit(
        self, command: Command[T], *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> Coroutine[Any, Any, T]:
        """Return a command's answer once its COMMIT has returned.

        Raises what the command raises, ServiceUnavailable where it could not be run and changed nothing, and
        OutcomeUnknown where it cannot be found out whether it was.
        """
        if not self._serving:
            return asyncio.to_thread(self.run, command)
        return self._here().commits.submit(command, deadline_seconds=deadline_seconds)

    def run(self, command: Command[T]) -> T:
        """Return a command's answer, from a short transaction of its own; raises like `submit`."""
        return self._local.run(command)

    def transact(self, work: Callable[[Connection], R]) -> R:
        """Return what a plain function returns that writes in a transaction of its own; raises OperatorError."""
        return self._local.transact(work)

    @property
    def commits(self) -> Watched | None:
        """The queues of writes, where the store serves."""
        return self._watched if self._serving else None

    @property
    def reads_wait(self) -> bool:
        """Whether plain reads wait for the database."""
        return True

    async def inline(self, work: Callable[[], R]) -> R:
        """Run a plain function whose reads of the directory wait on this event loop."""
        return await greenlet_spawn(work)

    def inlined(self, work: Coroutine[Any, Any, R]) -> Awaitable[R]:
        """Run a coroutine whose plain reads of the directory wait on this event loop."""
        return inlined(work)

    def directory_revision(self) -> int:
        """Return the number that grows with each write to clients, issuers, signing keys and tenants."""
        return self._row(Asked(rows.read_directory_revision))

    def tenant(self, tenant_id: str) -> TenantRow | None:
        """Return a tenant, or None; the store's own chain is none."""
        return self._row(Asked(rows.read_tenant, (tenant_id,)))

    def tenants(self) -> list[TenantRow]:
        """Return every tenant by id."""
        return self._row(Asked(rows.read_tenants))

    def client(self, client_id: str) -> ClientRow | None:
        """Return an application, or None; revoked ones too."""
        return self._row(Asked(rows.read_client, (client_id,)))

    def clients(self, tenant_id: str | None) -> list[ClientRow]:
        """Return the applications of a tenant, or of all, the oldest first."""
        return self._row(Asked(rows.read_clients, (tenant_id,)))

    def signing_keys(self) -> list[SigningKeyRow]:
        """Return every signing key, the oldest first."""
        return self._row(Asked(rows.read_signing_keys))

    def issuers(self) -> list[IssuerRow]:
        """Return every issuer besides our own, removed ones too, the oldest first."""
        return self._row(Asked(rows.read_issuers))

    async def close(self) -> None:
        """Answer what was submitted, then let go of the database."""
        served, self._served = self._served, None
        if served is not None and served[0] is asyncio.get_running_loop():
            await served[1].close()
        await asyncio.to_thread(self._local.close)

    def close_now(self) -> None:
        """Do what `close` does, where nothing was submitted on an event loop."""
        self._local.close()

    def _here(self) -> Served:
        """Return the parts of the running event loop."""
        loop = asyncio.get_running_loop()
        if self._served is None or self._served[0] is not loop:
            if self._served is not None and not self._served[0].is_closed():
                raise RuntimeError("A store serves on one event loop at a time.")
            served = Served(
                self._url,
                statement_seconds=self._statement_seconds,
                connections=self._connections,
                counts=self._watched.counts,
            )
            self._watched.present = served.commits
            self._served = (loop, served)
        return self._served[1]

    def _row(self, asked: Asked[R]) -> R:
        if in_greenlet():
            return await_only(self._here().row(asked))
        return self._local.read(asked.read)
