"""A connection to PostgreSQL as the store's functions use it: each statement waits for asyncpg.

- Inside a greenlet, waiting lets the event loop go on. Elsewhere, as in a command, the connection's portal waits.
- What a transaction writes is gathered until something is read or it commits, and goes as one statement: each
  way to the server and back costs as much as writing some rows. Rows of a kind are one statement anyway, which
  gets a column as an array.
- On a cluster each write is a statement of its own, of rows by value: Citus sends such to the one node that has them.
- A COMMIT that the server answers by anything but COMMIT is none.
"""

import asyncio
import logging
from collections.abc import Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import asyncpg
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet

from stanchion.store.compile import Compiled, DialectName
from stanchion.store.keeping import TextKeeper
from stanchion.store.postgresql.failures import FAILURES, for_caller, leaves_doubt
from stanchion.store.postgresql.portal import Portal
from stanchion.store.postgresql.statements import Write, arrays, by_value, joined, spread, written_table

R = TypeVar("R")

# Both of statements that are gathered and of rows in one of them: what is in memory twice while it is sent.
_BYTES_AT_ONCE = 8 * 1024 * 1024

_log = logging.getLogger("stanchion.sql")


class PostgresConnection:
    """One connection; see `stanchion.store.session.Connection` for what its methods do."""

    dialect: ClassVar[DialectName] = "postgresql"
    failures: ClassVar[tuple[type[Exception], ...]] = FAILURES

    def __init__(
        self,
        driver: "asyncpg.Connection[asyncpg.Record]",
        *,
        portal: Portal | None = None,
        statement_seconds: float | None = None,
        clustered: bool = False,
    ) -> None:
        self.driver = driver
        self._clustered = clustered
        self._portal = portal
        self._statement_seconds = statement_seconds
        self._writes: list[Write] = []
        self._committing = False

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return not self.driver.is_closed() and self.driver.is_in_transaction()

    @property
    def usable(self) -> bool:
        """Whether somebody else may have it: it lives, and nothing is left over from who had it before."""
        return not self.driver.is_closed() and not self.driver.is_in_transaction()

    def fetch(self, statement: Compiled, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Run a statement; return all its rows. What only writes runs with the next that reads, or at COMMIT."""
        values = [parameters[name] for name in statement.parameters]
        if written_table(statement.sql) is not None and self.in_transaction:
            self._gather(Write(statement.sql, values))
            return []
        self._send_writes()
        return self._fetch(statement.sql, values)

    def chunks(
        self, statement: Compiled, parameters: Mapping[str, object], *, rows: int
    ) -> Generator[Sequence[Any]]:
        """Run a statement inside a transaction; give its rows, so many at a time."""
        self._send_writes()
        _log.debug("%s", statement.sql)
        values = [parameters[name] for name in statement.parameters]
        cursor = self._wait(_opened(self.driver, statement.sql, values))
        while found := self._wait(cursor.fetch(rows)):
            yield found

    def write_rows(self, statement: Compiled, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of many rows, an INSERT for all at once."""
        text = spread(statement.sql)
        if text is None:
            self._send_writes()
            _log.debug("%s", statement.sql)
            self._wait(self.driver.executemany(statement.sql, rows))
            return
        if self._clustered:
            for write in by_value(statement.sql, rows, max_bytes=_BYTES_AT_ONCE):
                self._fetch(write.sql, write.values)
            return
        for write in arrays(text, rows, max_bytes=_BYTES_AT_ONCE):
            self._gather(write)

    def array(self, values: Iterable[object]) -> list[object]:
        """Return an array as a parameter."""
        return list(values)

    def keeper(self, tenant_id: str) -> TextKeeper:  # noqa: ARG002 (those of all are kept alike)
        """Return what makes texts of bodies."""
        return TextKeeper()

    def body(self, kept: object, tenant_id: str) -> bytes:  # noqa: ARG002 (as above)
        """Return the body that is kept."""
        return str(kept).encode()

    def bodies(self, kept: list[Any], tenant_id: str) -> list[bytes]:  # noqa: ARG002 (as above)
        """Return the bodies that are kept."""
        return [one.encode() for one in kept]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all statements of the block read the same state of the database."""
        self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            if self.in_transaction:
                self.rollback()

    def begin(self, *, patience_seconds: float) -> None:
        """Begin a transaction that writes; it waits so long for a row that another one has locked."""
        self._writes.clear()
        self._committing = False
        # Nought would mean for ever.
        milliseconds = max(1, round(patience_seconds * 1000))
        # Without this a row of another node would be waited for until the statement's own time is over.
        everywhere = "SET LOCAL citus.propagate_set_commands = 'local'; " if self._clustered else ""
        self._execute(
            f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {everywhere}SET LOCAL lock_timeout = {milliseconds}"
        )

    def commit(self) -> None:
        """Send what is left to write, and commit; fails where an error has ended the transaction before."""
        self._send_writes()
        self._committing = True
        answer = self._execute("COMMIT")
        self._committing = False
        if answer != "COMMIT":
            raise asyncpg.InFailedSQLTransactionError("the transaction had failed before its COMMIT")

    def rollback(self) -> None:
        """Take back the transaction that is open."""
        self._writes.clear()
        self._execute("ROLLBACK")

    def leaves_doubt(self, error: Exception) -> bool:
        """Say whether the COMMIT was sent and nobody knows whether it was made."""
        return self._committing and leaves_doubt(error)

    def refusal(self, error: Exception) -> Exception:
        """Return what to tell a caller; its cause is the error."""
        if not isinstance(error, FAILURES):
            return error
        told = for_caller(error, seconds=self._statement_seconds)
        if told is not error:
            told.__cause__ = error
        return told

    def _gather(self, write: Write) -> None:
        if self._clustered or not self.in_transaction:
            self._fetch(write.sql, write.values)
            return
        if any(each.table == write.table for each in self._writes):
            self._send_writes()
        self._writes.append(write)
        if sum(each.size for each in self._writes) > _BYTES_AT_ONCE:
            self._send_writes()

    def _send_writes(self) -> None:
        if self._writes:
            write = joined(self._writes)
            self._writes.clear()
            self._fetch(write.sql, write.values)

    def _fetch(self, sql: str, values: Sequence[object]) -> Sequence[Any]:
        _log.debug("%s", sql)
        return self._wait(self.driver.fetch(sql, *values))

    def _execute(self, sql: str) -> str:
        _log.debug("%s", sql)
        return self._wait(self.driver.execute(sql))

    def _wait(self, work: Coroutine[Any, Any, R]) -> R:
        try:
            if in_greenlet():
                return await_only(work)
            if self._portal is not None:
                return self._portal.wait(work)
        except (TimeoutError, asyncio.CancelledError, KeyboardInterrupt):
            # What the server still does is not waited for, nor can anything else be asked on this connection.
            self.driver.terminate()
            raise
        work.close()
        raise RuntimeError("A connection of the server was used outside of a greenlet.")


async def _opened(
    driver: "asyncpg.Connection[asyncpg.Record]", sql: str, values: Sequence[object]
) -> "asyncpg.cursor.Cursor[asyncpg.Record]":
    return await driver.cursor(sql, *values)
