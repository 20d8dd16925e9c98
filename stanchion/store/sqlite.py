"""The store on SQLite: what the rest of the program sees of it.

- Reads see everything that was committed before them; no transaction outlives its call.
- Point reads run on the event loop, on one connection: they take less time than a hop to a thread. What may
  read many rows runs in reader threads. Both have a deadline.
- `submit` answers after COMMIT through group commit; `run` is one transaction at once, for the command line.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from stanchion.errors import OperatorError
from stanchion.ledger.changes import Head
from stanchion.ledger.fold import Command
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.odata.delta import DeltaQuery
from stanchion.odata.query import ListQuery
from stanchion.store import reading, rows
from stanchion.store.batch import commit_batch, transacted
from stanchion.store.chain_heads import ChainHeads, read_chain_heads
from stanchion.store.commit import GroupCommit
from stanchion.store.connection import SQLiteConnection, connect, database_path
from stanchion.store.contract import DeltaPage, Page
from stanchion.store.deadline import STATEMENT_SECONDS, Deadline
from stanchion.store.deltas import read_delta
from stanchion.store.failures import breaks_the_store, for_operator
from stanchion.store.locking import nap_briefly
from stanchion.store.meta import StoreFacts, store_facts
from stanchion.store.migrate import migrate_sqlite
from stanchion.store.moment import Moment, moment
from stanchion.store.outcome import Done, Outcome, Refused, StoreBroken
from stanchion.store.page_reading import read_count, read_page, read_piece
from stanchion.store.point_reads import PointReads
from stanchion.store.prepared import commit_prepared
from stanchion.store.purpose import in_place
from stanchion.store.readers import Readers
from stanchion.store.rows import ClientRow, IssuerRow, SigningKeyRow, TenantRow
from stanchion.store.session import Connection
from stanchion.store.waiting import DEADLINE_SECONDS

T = TypeVar("T")
R = TypeVar("R")

# The writer of a server waits this long for a command-line process; its callers get 503 then.
_SERVER_BUSY_SECONDS = 5.0
# A person at a terminal waits longer for a server's batch, or another import, to end.
_COMMAND_LINE_BUSY_SECONDS = 30.0
# A point read of a server holds up everybody else, so it waits and runs for a moment only.
_SERVER_READ_BUSY_SECONDS = 0.05
_SERVER_READ_SECONDS = 0.5


class SQLiteStore:
    """A store in one SQLite file; made by `open`."""

    def __init__(
        self,
        path: Path,
        *,
        writer: SQLiteConnection,
        facts: StoreFacts,
        serving: bool,
        statement_seconds: float,
    ) -> None:
        self.path = path
        self._writer = writer
        self._writing = threading.Lock()
        self._read_seconds = min(_SERVER_READ_SECONDS, statement_seconds) if serving else statement_seconds
        self._patience_seconds = _SERVER_BUSY_SECONDS if serving else _COMMAND_LINE_BUSY_SECONDS
        busy_seconds = _SERVER_READ_BUSY_SECONDS if serving else _COMMAND_LINE_BUSY_SECONDS
        self._reader = connect(path, busy_seconds=busy_seconds)
        self._deadline = Deadline(self._reader)
        self._point_reads = PointReads(self._reader, self._deadline, seconds=self._read_seconds)
        self._readers = Readers(path, statement_seconds=statement_seconds)
        self._broken = False
        self.store_id = facts.store_id
        self.epoch = facts.epoch
        self.link_key = facts.link_key
        self._commits = GroupCommit(self._run_batch) if serving else None

    @classmethod
    def open(
        cls,
        url_or_path: str | os.PathLike[str],
        *,
        serving: bool = False,
        create: bool = True,
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> "SQLiteStore":
        """Open a database, bring its schema up to date, and make it when it is new and `create` is set.

        A `serving` store has a writer thread for `submit`; it opens after the process has forked. No read takes
        longer than `statement_seconds`. Raises OperatorError for a file that cannot be used, saying why.
        """
        path = database_path(url_or_path)
        try:
            _check_file(path, create=create)
        except OSError as error:
            raise OperatorError(f"{path} cannot be opened: {error.strerror}.") from None
        busy_seconds = _SERVER_BUSY_SECONDS if serving else _COMMAND_LINE_BUSY_SECONDS
        try:
            writer = connect(path, busy_seconds=busy_seconds, create=create, writes=True)
        except sqlite3.Error as error:
            raise for_operator(error, path=str(path)) from error
        try:
            migrate_sqlite(writer, path=path)
            facts = store_facts(writer, name=str(path))
            nap_briefly(writer)
            return cls(path, writer=writer, facts=facts, serving=serving, statement_seconds=statement_seconds)
        except sqlite3.Error as error:
            writer.close()
            raise for_operator(error, path=str(path)) from error
        except StoreBroken as error:
            writer.close()
            raise OperatorError(f"{path} failed while writing: {error}.") from error
        except BaseException:
            writer.close()
            raise

    @property
    def name(self) -> str:
        """The file, as messages show it."""
        return str(self.path)

    @property
    def healthy(self) -> bool:
        """Whether the store can still be written."""
        return not self._broken and (self._commits is None or self._commits.healthy)

    @property
    def commits(self) -> GroupCommit | None:
        """The queue of writes, where the store serves."""
        return self._commits

    def get(self, tenant_id: str, entity_set: EntitySet, id: str) -> Coroutine[Any, Any, Stored | None]:
        """Return an entity, or None."""
        return self._point_reads.get(tenant_id, entity_set, id)

    async def page(
        self, tenant_id: str, query: ListQuery, *, max_bytes: int, piece_bytes: int | None = None
    ) -> Page:
        """Return a page of a list: at most its size, and `max_bytes` unless its first row is larger."""

        def read(reader: SQLiteConnection) -> Page:
            with reader.snapshot():
                page = read_page(
                    reader, query, tenant_id=tenant_id, max_bytes=max_bytes, piece_bytes=piece_bytes
                )
                if query.count:
                    page = replace(page, count=read_count(reader, query, tenant_id=tenant_id))
            return page

        return await self._readers.read(read)

    async def piece(self, tenant_id: str, query: ListQuery, ids: tuple[str, ...]) -> bytes:
        """Return bodies by their ids as they are now, in this order, each after a comma."""

        def read(reader: SQLiteConnection) -> bytes:
            # The dictionaries of bodies are read after them: those of deleted ones may be gone.
            with reader.snapshot():
                return read_piece(reader, query, ids, tenant_id=tenant_id)

        return await self._readers.read(read)

    async def count(self, tenant_id: str, query: ListQuery) -> int:
        """Return how many entities the query's set has, its paging left aside."""
        return await self._readers.read(lambda reader: read_count(reader, query, tenant_id=tenant_id))

    async def delta(self, tenant_id: str, query: DeltaQuery, *, max_bytes: int) -> DeltaPage:
        """Return a page of what changed: at most its size, and `max_bytes` unless its first row is larger."""

        def read(reader: SQLiteConnection) -> DeltaPage:
            with reader.snapshot():
                return read_delta(reader, query, tenant_id=tenant_id, max_bytes=max_bytes)

        return await self._readers.read(read)

    async def newest_score_id(self, tenant_id: str, *, vendor: str, provider: str) -> str | None:
        """Return the id of the newest score of a provider, or None; A-Z match in either case."""
        return await self._readers.read(
            lambda reader: reading.read_newest_score_id(
                reader, tenant_id=tenant_id, vendor=vendor, provider=provider
            )
        )

    async def head(self, tenant_id: str) -> Head | None:
        """Return the head of a tenant's chain, or None for a tenant that nobody added."""
        return self._read(lambda reader: reading.read_head(reader, tenant_id=tenant_id))

    async def chain_heads(self) -> ChainHeads:
        """Return what the heads of all tenants' chains say together."""
        return await self._readers.read(read_chain_heads)

    def snapshot(self, tenant_id: str) -> AbstractContextManager[Moment]:
        """Open a tenant as it is at this moment, for as long as the block lasts; raises OperatorError."""
        return moment(self, tenant_id=tenant_id)

    @contextmanager
    def reading(self) -> Iterator[SQLiteConnection]:
        """Open a connection of its own, in one snapshot, for the block; raises OperatorError."""
        try:
            opened = closing(connect(self.path, busy_seconds=_COMMAND_LINE_BUSY_SECONDS))
            with opened as connection, connection.snapshot():
                yield connection
        except sqlite3.Error as error:
            raise for_operator(error, path=self.name) from error

    def submit(
        self, command: Command[T], *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> Coroutine[Any, Any, T]:
        """Return a command's answer once it is on the disk.

        Raises what the command raises, ServiceUnavailable where it could not be run and changed nothing, and
        OutcomeUnknown where the disk failed at its COMMIT.
        """
        if self._commits is None:
            return asyncio.to_thread(self.run, command)
        return self._commits.submit(command, deadline_seconds=deadline_seconds)

    def run(self, command: Command[T]) -> T:
        """Return a command's answer, from a short transaction of its own.

        Raises like `submit`, but OperatorError where the disk failed.
        """
        with self._writing:
            self._require_whole()
            try:
                outcome = commit_prepared(self._writer, command, patience_seconds=self._patience_seconds)
            except StoreBroken as error:
                self._broken = True
                raise OperatorError(
                    f"{self.path} failed while writing ({error}): it is not known whether the write was made; "
                    "read before repeating."
                ) from error
        match outcome:
            case Done(result):
                return result
            case Refused(refusal):
                raise refusal

    def transact(self, work: Callable[[Connection], R]) -> R:
        """Return what a plain function returns that writes in a transaction of its own; raises OperatorError."""
        with self._writing:
            self._require_whole()
            found = in_place(work, name=self.name)
            try:
                return transacted(self._writer, found, patience_seconds=self._patience_seconds)
            except sqlite3.Error as error:
                self._broken = breaks_the_store(error)
                raise for_operator(error, path=self.name) from error

    @property
    def reads_wait(self) -> bool:
        """Whether plain reads wait for the database: a file is read at once."""
        return False

    async def inline(self, work: Callable[[], R]) -> R:
        """Run a plain function that reads the directory."""
        return work()

    def inlined(self, work: Coroutine[Any, Any, R]) -> Coroutine[Any, Any, R]:
        """Return a coroutine that reads the directory, as it is."""
        return work

    def directory_revision(self) -> int:
        """Return the number that grows with each write to clients, issuers, signing keys and tenants."""
        return self._read(rows.read_directory_revision)

    def tenant(self, tenant_id: str) -> TenantRow | None:
        """Return a tenant, or None; the store's own chain is none."""
        return self._read(lambda reader: rows.read_tenant(reader, tenant_id))

    def tenants(self) -> list[TenantRow]:
        """Return every tenant by id."""
        return self._read(rows.read_tenants)

    def client(self, client_id: str) -> ClientRow | None:
        """Return an application, or None; revoked ones too."""
        return self._read(lambda reader: rows.read_client(reader, client_id))

    def clients(self, tenant_id: str | None) -> list[ClientRow]:
        """Return the applications of a tenant, or of all, the oldest first."""
        return self._read(lambda reader: rows.read_clients(reader, tenant_id))

    def signing_keys(self) -> list[SigningKeyRow]:
        """Return every signing key, the oldest first."""
        return self._read(rows.read_signing_keys)

    def issuers(self) -> list[IssuerRow]:
        """Return every issuer besides our own, removed ones too, the oldest first."""
        return self._read(rows.read_issuers)

    async def close(self) -> None:
        """Answer what was submitted, then close the file."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Do what `close` does, from a thread without an event loop."""
        if self._commits is not None:
            self._commits.close()
        self._readers.close()
        self._reader.close()
        # The writer goes last: closing the last connection folds the write-ahead log into the file.
        self._writer.close()

    def _require_whole(self) -> None:
        if self._broken:
            raise OperatorError(f"{self.path} failed while writing; nothing more is written to it.")

    def _run_batch(self, commands: Sequence[Command[object]]) -> list[Outcome[object]]:
        with self._writing:
            return commit_batch(self._writer, commands, patience_seconds=self._patience_seconds)

    def _read(self, read: Callable[[SQLiteConnection], R]) -> R:
        with self._deadline.after(self._read_seconds):
            return read(self._reader)


def _check_file(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise OperatorError(f"{path} is a directory; name a file for the database.")
    if not path.parent.is_dir():
        raise OperatorError(f"{path.parent} is not a directory; make it first.")
    if not path.exists():
        if not create:
            raise OperatorError(
                f"{path} does not exist; `stanchion tenant add` or `serve` makes it, or --database names another."
            )
    elif not os.access(path, os.W_OK):
        raise OperatorError(f"{path} cannot be written by this account; its file system may be read-only.")
    if not os.access(path.parent, os.W_OK):
        raise OperatorError(
            f"{path.parent} cannot be written by this account; SQLite keeps its log beside the database."
        )
