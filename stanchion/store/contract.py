"""What every database offers to those who serve requests; each keeps the same promises.

A read sees all that was answered before it. A write is answered once it is on the disk, or refused and not
done; only where the disk fails at that very moment is its outcome unknown (OutcomeUnknown). Nothing is held
open between calls.
"""

from typing import Protocol, TypeVar

import msgspec

from stanchion.ledger.changes import Head
from stanchion.ledger.fold import Command
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.odata.delta import DeltaQuery, Place
from stanchion.odata.query import KeyValue, ListQuery

T = TypeVar("T")


class Page(msgspec.Struct, frozen=True):
    """Bodies of a list. `last_key` holds the order keys of the last one, None when none follows it.

    Each run is one body, or several with commas between them, so that they need not be taken apart and put
    together again.
    """

    runs: tuple[bytes, ...]
    last_key: tuple[KeyValue, ...] | None
    count: int | None = None


class DeltaPage(msgspec.Struct, frozen=True):
    """A page of what changed: bodies as in a page of a list, and the ids of what is gone.

    `next` is the place where the round goes on, None where it ends; the next round is of what changes after `until`.
    """

    runs: tuple[bytes, ...]
    removed: tuple[str, ...]
    head: int  # the last change that this page could see
    until: int
    next: Place | None = None


class Store(Protocol):
    """Reads and writes entities, each call within one tenant."""

    epoch: str  # part of every ETag; another one after a restore
    link_key: bytes  # signs the tokens of next links

    @property
    def healthy(self) -> bool:
        """Whether writes can be kept."""

    async def get(self, tenant_id: str, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity, or None."""

    async def page(self, tenant_id: str, query: ListQuery, *, max_bytes: int) -> Page:
        """Return a page of a list: at most its size, and `max_bytes` unless its first row is larger."""

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
