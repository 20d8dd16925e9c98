"""The directory: tenants, clients, issuers and signing keys, as tokens are checked against on every request.

- Rows are kept for as long as the store's directory revision stays. It is re-read when the last reading is
  older than a second, so what another process revokes ends within that time; `reread` ends it at once.
- What is not known is always looked up: a client or key just made works at once, and nothing unknown is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from joserfc.jwk import RSAKey

from stanchion.access.client import Client, read_client
from stanchion.access.issuer_index import IssuerIndex
from stanchion.access.keys import read_public_key
from stanchion.ledger.fold import Command
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.store import ClientRow, IssuerRow, SigningKeyRow, TenantRow

MAX_AGE_SECONDS = 1.0

T = TypeVar("T")


class DirectorySource(Protocol):
    """A store, as the directory reads it; the two databases implement it."""

    @property
    def store_id(self) -> str:
        """The id of the store, which its own tokens name."""

    def directory_revision(self) -> int:
        """Return a number that grows with each write to tenants, clients, issuers or signing keys."""

    def tenant(self, tenant_id: str) -> TenantRow | None:
        """Return a tenant that somebody added."""

    def client(self, client_id: str) -> ClientRow | None:
        """Return a client, revoked ones included."""

    def signing_keys(self) -> list[SigningKeyRow]:
        """Return all signing keys, retired ones included."""

    def issuers(self) -> list[IssuerRow]:
        """Return all issuers besides our own, removed ones included."""


class AdministeredStore(DirectorySource, Protocol):
    """A store to which administration writes."""

    def run(self, command: Command[T]) -> T:
        """Apply a command in a transaction of its own and return its answer."""


@dataclass(frozen=True)
class _Known:
    """What has been read at one revision."""

    revision: int
    keys: dict[str, SigningKeyRow]
    issuers: IssuerIndex
    public_keys: dict[str, RSAKey] = field(default_factory=dict)
    tenants: dict[str, TenantRow] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)


class Directory:
    """A view of the source that is at most a second old. `clock` gives seconds that never go back."""

    def __init__(self, source: DirectorySource, *, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._known = _Known(-1, {}, IssuerIndex())
        self._read_at_seconds = float("-inf")
        self.rereads = 0  # how often the revision was read
        self.changes = 0  # how often it was another one

    def reread(self) -> None:
        """Read the revision again now, as after a write of this process."""
        now_seconds = self._clock()
        # The revision comes first: rows read later can only be newer than it says, never older.
        revision = self._source.directory_revision()
        self.rereads += 1
        if revision != self._known.revision:
            self.changes += 1
            keys = {row.kid: row for row in self._source.signing_keys()}
            self._known = _Known(revision, keys, IssuerIndex(self._source.issuers()))
        # Last, so that while the source fails nothing counts as read: nobody is let in then.
        self._read_at_seconds = now_seconds

    def is_fresh_for(self, seconds: float) -> bool:
        """Say whether `state` will read nothing for so many seconds."""
        return self._clock() + seconds - self._read_at_seconds < MAX_AGE_SECONDS

    def state(self) -> object:
        """Return what stands for all that is known: another object as soon as anything has changed."""
        return self._current()

    def tenant(self, tenant_id: str) -> TenantRow | None:
        """Return a tenant that somebody added."""
        tenants = self._current().tenants
        row = tenants.get(tenant_id) or self._source.tenant(tenant_id)
        if row is not None:
            tenants[tenant_id] = row
        return row

    def client(self, client_id: str) -> Client | None:
        """Return a client, revoked ones included."""
        clients = self._current().clients
        if client_id not in clients:
            row = self._source.client(client_id)
            if row is None:
                return None
            clients[client_id] = read_client(row)
        return clients[client_id]

    def issuers(self) -> IssuerIndex:
        """Return the issuers besides our own."""
        return self._current().issuers

    def verifying_key(self, kid: str, *, now_seconds: float) -> RSAKey | None:
        """Return the public key of this id, unless it is unknown or retired."""
        if kid not in self._current().keys:
            self.reread()
        known = self._known
        row = known.keys.get(kid)
        if row is None or not _verifies(row, now_seconds=now_seconds):
            return None
        if kid not in known.public_keys:
            known.public_keys[kid] = read_public_key(row.public_jwk)
        return known.public_keys[kid]

    def key_ends_ticks(self, kid: str) -> int | None:
        """Return when a key verifies no more: 0 for one that is unknown, None where it has no end yet."""
        row = self._current().keys.get(kid)
        return row.retired_ticks if row is not None else 0

    def signing_key(self) -> SigningKeyRow | None:
        """Return the newest key that is not retired."""
        return newest_key(list(self._current().keys.values()))

    def published_keys(self, *, now_seconds: float) -> list[SigningKeyRow]:
        """Return the keys that verify now, newest first."""
        keys = [row for row in self._current().keys.values() if _verifies(row, now_seconds=now_seconds)]
        return sorted(keys, key=_age, reverse=True)

    def _current(self) -> _Known:
        if self._clock() - self._read_at_seconds >= MAX_AGE_SECONDS:
            self.reread()
        return self._known


def newest_key(rows: list[SigningKeyRow]) -> SigningKeyRow | None:
    """Return the key that signs: the newest that is not retired."""
    return max((row for row in rows if row.retired_ticks is None), key=_age, default=None)


def _age(row: SigningKeyRow) -> tuple[int, str]:
    return row.created_ticks, row.kid


def _verifies(row: SigningKeyRow, *, now_seconds: float) -> bool:
    return row.retired_ticks is None or now_seconds * TICKS_PER_SECOND < row.retired_ticks
