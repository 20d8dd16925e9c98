"""What commands have of PostgreSQL: a few connections behind a portal, and patience."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.util import await_only

from stanchion.errors import OperatorError, OutcomeUnknown, ServiceUnavailable
from stanchion.ledger.fold import Command
from stanchion.store.batch import transacted
from stanchion.store.meta import StoreFacts, store_facts
from stanchion.store.outcome import Done, Refused
from stanchion.store.postgresql.committing import committed, lent, prepared
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.failures import FAILURES, for_operator, may_pass
from stanchion.store.postgresql.opening import Access, require_schema
from stanchion.store.postgresql.pool import Pool
from stanchion.store.postgresql.portal import Portal
from stanchion.store.purpose import in_place
from stanchion.store.session import Connection

T = TypeVar("T")
R = TypeVar("R")

# One for what is read in a snapshot, one for what is written meanwhile, and some to spare.
_CONNECTIONS = 4
# A person at a terminal waits so long for a server's batch, or another import, to end, and for the database.
_PATIENCE_SECONDS = 30.0
# Between two tries of what may be run again.
_NAP_SECONDS = 0.2


class Local:
    """The database as it is used from where there is no event loop."""

    def __init__(self, url: str, *, serving: bool = False) -> None:
        access = Access(url, serving=serving)
        self.name = access.name
        self._portal = Portal()
        self._pool = Pool(access.connector(portal=self._portal), size=_CONNECTIONS)
        self._connect = access.connector(portal=self._portal)

    def facts(self) -> StoreFacts:
        """Return the facts of the store; raises OperatorError for a database that cannot be used."""
        try:
            return self._portal.run(self._read_facts)
        except FAILURES as error:
            raise for_operator(error, database=self.name) from error

    def read(self, read: Callable[[PostgresConnection], R]) -> R:
        """Return what is read."""

        def reading() -> R:
            with lent(self._pool, seconds=_PATIENCE_SECONDS) as connection:
                return read(connection)

        try:
            return self._portal.run(reading)
        except FAILURES as error:
            raise for_operator(error, database=self.name) from error

    @contextmanager
    def reading(self) -> Iterator[PostgresConnection]:
        """Open a connection in one snapshot for the block; raises OperatorError."""
        connection = self._portal.wait(self._pool.take(seconds=_PATIENCE_SECONDS))
        try:
            with connection.snapshot():
                yield connection
        except FAILURES as error:
            raise for_operator(error, database=self.name) from error
        finally:
            self._portal.wait(self._give_back(connection))

    def run(self, command: Command[T]) -> T:
        """Return a command's answer, from a short transaction of its own."""
        until = time.monotonic() + _PATIENCE_SECONDS
        (outcome,) = self._portal.run(
            lambda: committed(
                self._pool, [command], prepared, until=until, patience_seconds=_PATIENCE_SECONDS
            )
        )
        match outcome:
            case Done(result):
                return result
            case Refused(OutcomeUnknown() as error):
                raise OperatorError(error.message) from error
            case Refused(error):
                raise error

    def transact(self, work: Callable[[Connection], R]) -> R:
        """Return what a plain function returns that writes in a transaction of its own; it may be run again."""
        until = time.monotonic() + _PATIENCE_SECONDS
        found = in_place(work, name=self.name)
        is_there = False

        def attempt() -> R:
            nonlocal is_there
            is_there = False
            with lent(self._pool, seconds=_PATIENCE_SECONDS) as connection:
                is_there = True
                return transacted(connection, found, patience_seconds=_PATIENCE_SECONDS)

        while True:
            try:
                return self._portal.run(attempt)
            except FAILURES as error:
                if not may_pass(error) or time.monotonic() >= until:
                    raise for_operator(error, database=self.name) from error
            except ServiceUnavailable:
                # No connection could be made: the database may come back.
                if is_there or time.monotonic() >= until:
                    raise
            time.sleep(_NAP_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        if self._portal.running:
            self._portal.wait(self._pool.close())
            self._portal.close()

    def _read_facts(self) -> StoreFacts:
        connection = await_only(self._connect())
        try:
            await_only(require_schema(connection.driver, name=self.name))
            return store_facts(connection, name=self.name)
        finally:
            await_only(connection.driver.close())

    async def _give_back(self, connection: PostgresConnection) -> None:
        self._pool.give_back(connection)
