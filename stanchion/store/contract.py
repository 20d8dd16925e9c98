"""What every database offers to those who serve requests, and to commands; each keeps the same promises.

- A read sees all that was answered before it. Nothing is held open between calls.
- A write is answered once it is on the disk, or refused and not done. Only where the disk fails at that very moment,
  or the database cannot be asked any more what became of it, is its outcome unknown (OutcomeUnknown).
"""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from stanchion.ledger.changes import Head
from stanchion.ledger.fold import Command
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.odata.delta import DeltaQuery, Place
from stanchion.odata.query import KeyValue, ListQuery
from stanchion.store.chain_heads import ChainHeads
from stanchion.store.commit_counts import CommitCounts
from stanchion.store.moment import Moment
from stanchion.store.rows import ClientRow, IssuerRow, SigningKeyRow, TenantRow
from stanchion.store.session import Connection

T = TypeVar("T")


class Page(msgspec.Struct, frozen=True):
    """Bodies of a list. `last_key` holds the order keys of the last one, None when none follows it.

    Each run is one body, or several with commas between them, so that they need not be taken apart and put
    together again. `later` are the ids of bodies that follow and are still to be read, a piece at a time.
    """

    runs: tuple[bytes, ...]
    last_key: tuple[KeyValue, ...] | None
    count: int | None = None
    later: tuple[tuple[str, ...], ...] = ()


class DeltaPage(msgspec.Struct, frozen=True):
    """A page of what changed: bodies as in a page of a list, and the ids of what is gone.

    `next` is the place where the round goes on, None where it ends; the next round is of what changes after `until`.
    """

    runs: tuple[bytes, ...]
    removed: tuple[str, ...]
    head: int  # the last change that this page could see
    until: int
    next: Place | None = None
    begins: int = 0  # the change that erased what was before it: who saw an earlier one starts over


class Store(Protocol):
    """Reads and writes entities, each call within one tenant."""

    epoch: str  # part of every ETag; another one after a restore
    link_key: bytes  # signs the tokens of next links

    @property
    def healthy(self) -> bool:
        """Whether writes can be kept."""

    async def get(self, tenant_id: str, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity, or None."""

    async def page(
        self, tenant_id: str, query: ListQuery, *, max_bytes: int, piece_bytes: int | None = None
    ) -> Page:
        """Return a page of a list: at most its size, and `max_bytes` unless its first row is larger.

        Of more than about `piece_bytes`, the rest is left for `piece`.
        """

    async def piece(self, tenant_id: str, query: ListQuery, ids: tuple[str, ...]) -> bytes:
        """Return bodies by their ids as they are now, in this order, each after a comma.

        Of those that the query does not have any more there is nothing.
        """

    async def count(self, tenant_id: str, query: ListQuery) -> int:
        """Return how many entities the query's set has, its paging left aside."""

    async def delta(self, tenant_id: str, query: DeltaQuery, *, max_bytes: int) -> DeltaPage:
        """Return a page of what changed: at most its size, and `max_bytes` unless its first row is larger."""

    async def newest_score_id(self, tenant_id: str, *, vendor: str, provider: str) -> str | None:
        """Return the id of the newest score of a provider, or None; A-Z match in either case."""

    async def head(self, tenant_id: str) -> Head | None:
        """Return the head of a tenant's chain, or None for a tenant that nobody added."""

    async def submit(self, command: Command[T]) -> T:
        """Return a command's answer once it is on the disk; raises what refuses it."""

    async def close(self) -> None:
        """Answer what was submitted, then let go of the database."""


class Directed(Protocol):
    """A store, as the directory of tenants, applications, issuers and keys is read from it."""

    @property
    def store_id(self) -> str:
        """The id of the store, which its own tokens name."""

    def directory_revision(self) -> int:
        """Return the number that grows with each write to clients, issuers, signing keys and tenants."""

    def tenant(self, tenant_id: str) -> TenantRow | None:
        """Return a tenant, or None; the store's own chain is none."""

    def client(self, client_id: str) -> ClientRow | None:
        """Return an application, or None; revoked ones too."""

    def signing_keys(self) -> list[SigningKeyRow]:
        """Return every signing key, the oldest first."""

    def issuers(self) -> list[IssuerRow]:
        """Return every issuer besides our own, removed ones too, the oldest first."""


class WriteQueue(Protocol):
    """A queue of writes, as it is watched."""

    counts: CommitCounts

    @property
    def waiting(self) -> int:
        """How many commands wait for their turn."""


class ServedStore(Store, Directed, Protocol):
    """A store that requests are answered from. Its plain reads of the directory may have to wait for the database."""

    @property
    def commits(self) -> WriteQueue | None:
        """The queue of writes, once there is one."""

    async def chain_heads(self) -> ChainHeads:
        """Return what the heads of all tenants' chains say together."""

    @property
    def reads_wait(self) -> bool:
        """Whether plain reads wait for the database, so that a server makes them `inline`."""

    async def inline(self, work: Callable[[], T]) -> T:
        """Run a plain function whose reads of the directory wait on this event loop."""

    def inlined(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Run a coroutine whose plain reads of the directory wait on this event loop."""


class OperatedStore(Directed, Protocol):
    """A store that commands read and write."""

    @property
    def name(self) -> str:
        """What messages call it: the file, or the database without what is secret of its URL."""

    @property
    def path(self) -> Path | None:
        """The file, where the database is one."""

    def run(self, command: Command[T]) -> T:
        """Return a command's answer, from a short transaction of its own."""

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Return what a plain function returns that writes in a transaction of its own; it may be run again.

        Raises what the function raises, when nothing was written, and OperatorError.
        """

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection of its own, in one snapshot, for the block; raises OperatorError."""

    def snapshot(self, tenant_id: str) -> AbstractContextManager[Moment]:
        """Open a tenant as it is at this moment, for as long as the block lasts; raises OperatorError."""

    def tenants(self) -> list[TenantRow]:
        """Return every tenant by id."""

    def clients(self, tenant_id: str | None) -> list[ClientRow]:
        """Return the applications of a tenant, or of all, the oldest first."""

    def close_now(self) -> None:
        """Let go of the database."""
