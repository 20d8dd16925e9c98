"""What the store's statements run on: a connection, whatever the database and its driver.

- The store's functions are plain and synchronous; on PostgreSQL they run in a greenlet, which waits for the driver.
- A connection has one user at a time. It knows how its database keeps what the rest of the store hands over.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from stanchion.store.compile import Compiled, DialectName

Source: TypeAlias = tuple[str | None, str | None]
"""The vendor and the provider of a score."""


class Keeper(Protocol):
    """What keeps the bodies of one tenant, for one transaction."""

    def keep(self, body: bytes, *, source: Source | None = None) -> object:
        """Return a body as its row is to have it; `source` is that of a score."""

    def write(self) -> None:
        """Write what the bodies need besides, inside the transaction that is open, before they are written."""

    def forget(self) -> None:
        """Remove what no body needs any more, in the transaction that has deleted some."""


class Connection(Protocol):
    """What statements run on: one connection, whatever the database. One user at a time."""

    @property
    def dialect(self) -> DialectName:
        """How statements are spelt for it."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """The errors of its driver."""

    def fetch(self, statement: Compiled, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Run a statement; return all its rows, none for one that gives none."""

    def chunks(
        self, statement: Compiled, parameters: Mapping[str, object], *, rows: int
    ) -> Generator[Sequence[Sequence[Any]]]:
        """Run a statement inside a snapshot or a transaction; give its rows, so many at a time."""

    def write_rows(self, statement: Compiled, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of many rows, whose values are by place."""

    def array(self, values: Iterable[object]) -> object:
        """Return an array as a parameter: JSON text on SQLite, a list on PostgreSQL."""

    def keeper(self, tenant_id: str) -> Keeper:
        """Return what makes of a tenant's bodies what is kept: packed on SQLite, text on PostgreSQL."""

    def body(self, kept: object, tenant_id: str) -> bytes:
        """Return the body of a tenant's that is kept; raises zstandard.ZstdError for a damaged one."""

    def bodies(self, kept: list[Any], tenant_id: str) -> list[bytes]:
        """Return the bodies that are kept; raises like `body`."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all statements of the block read the same state of the database."""

    def begin(self, *, patience_seconds: float) -> None:
        """Begin a transaction that writes; another one may hold it up for so long."""

    def commit(self) -> None:
        """Commit the transaction that is open."""

    def rollback(self) -> None:
        """Take back the transaction that is open."""

    def leaves_doubt(self, error: Exception) -> bool:
        """Say whether nobody knows, after this error of `commit`, if the transaction was committed."""

    def refusal(self, error: Exception) -> Exception:
        """Return what to tell a caller of an error of the driver; a bug of ours stays what it is."""


class Readable(Protocol):
    """A store of which one state can be read for as long as a block lasts."""

    @property
    def name(self) -> str:
        """What messages call it: the file, or the URL without what is secret in it."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection of its own, in one snapshot; raises OperatorError for a database that fails."""
