"""The connections of one event loop to a PostgreSQL database: opened when they are needed, lent, opened anew.

- So many are open at most. Who finds none free waits in turn, no longer than its time; so many wait at most.
- A connection that is lost, or comes back with a transaction open, is never lent again.
- While the database is away, one task asks for it: `away` says so, and ends by itself.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import Context

from stanchion.errors import OperatorError, ServiceUnavailable
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.failures import FAILURES, for_caller

# As many as wait for the reader threads of SQLite.
WAITING_CAPACITY = 256
_ASK_AGAIN_SECONDS = 0.5
_CLOSE_SECONDS = 5.0
_TOO_LONG = "The query waited too long for a connection to the database; try again."

# What opening a connection raises.
_UNUSABLE: tuple[type[Exception], ...] = (*FAILURES, OperatorError)

_log = logging.getLogger(__name__)


class Pool:
    """Connections of the running event loop; `connect` opens one."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[PostgresConnection]],
        *,
        size: int,
        capacity: int = WAITING_CAPACITY,
    ) -> None:
        self._connect = connect
        self._size = size
        self._capacity = capacity
        self._open: set[PostgresConnection] = set()
        self._opening = 0
        self._idle: list[PostgresConnection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._asking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def away(self) -> bool:
        """Whether the database did not answer when it was asked last."""
        return self._asking is not None

    @asynccontextmanager
    async def lent(self, *, seconds: float) -> AsyncIterator[PostgresConnection]:
        """Lend a connection for the block; raises ServiceUnavailable where there is none within so many seconds."""
        connection = await self.take(seconds=seconds)
        try:
            yield connection
        finally:
            self.give_back(connection)

    async def take(self, *, seconds: float) -> PostgresConnection:
        """Return a connection, which is to be given back; raises ServiceUnavailable."""
        try:
            async with asyncio.timeout(seconds):
                return await self._take()
        except TimeoutError:
            raise ServiceUnavailable(_TOO_LONG) from None

    def give_back(self, connection: PostgresConnection) -> None:
        """Take back a connection that was lent; one that nobody else may have is let go."""
        if connection.usable and not self._closed and connection in self._open:
            self._idle.append(connection)
        else:
            self._open.discard(connection)
            connection.driver.terminate()
        self._wake()

    async def close(self) -> None:
        """Close what is open; nothing is lent any more."""
        self._closed = True
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        while self._idle:
            connection = self._idle.pop()
            self._open.discard(connection)
            with suppress(*FAILURES):
                await connection.driver.close(timeout=_CLOSE_SECONDS)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def _take(self) -> PostgresConnection:
        while True:
            if self._closed:
                raise ServiceUnavailable("The server is stopping.")
            while self._idle:
                connection = self._idle.pop()
                if connection.usable:
                    return connection
                self._open.discard(connection)
            if len(self._open) + self._opening < self._size:
                return await self._opened()
            await self._turn()

    async def _turn(self) -> None:
        """Wait until a connection is free, or may be opened."""
        if len(self._waiting) >= self._capacity:
            raise ServiceUnavailable("Too many queries wait already; try again.")
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        except BaseException:
            if waiting.done() and not waiting.cancelled():
                self._wake()  # It was this one's turn, who has left: the next one has it.
            else:
                with suppress(ValueError):
                    self._waiting.remove(waiting)
            raise

    def _wake(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return

    async def _opened(self) -> PostgresConnection:
        self._opening += 1
        try:
            connection = await self._connect()
        except FAILURES as error:
            self._ask()
            told = for_caller(error)
            if told is error:
                # What the server has against us is not for callers.
                _log.error("the database refuses the server: %s", error)
                told = ServiceUnavailable("The database refuses the server; the log has the cause.")
            raise told from error
        except OperatorError as error:
            self._ask()
            _log.error("%s", error.message)
            raise ServiceUnavailable("The database cannot be used; the log has the cause.") from error
        finally:
            self._opening -= 1
            self._wake()
        self._open.add(connection)
        connection.driver.add_termination_listener(lambda _: self._lost(connection))
        return connection

    def _lost(self, connection: PostgresConnection) -> None:
        """See to a connection that ended by itself."""
        if connection in self._open and not self._closed:
            self._open.discard(connection)
            with suppress(ValueError):
                self._idle.remove(connection)
            self._wake()
            self._ask()

    def _ask(self) -> None:
        """Ask for the database until it is there, if nobody does so already."""
        if self._asking is None and not self._closed:
            loop = asyncio.get_running_loop()
            # What the log says of it belongs to no request.
            self._asking = loop.create_task(self._ask_until_there(), context=Context())

    async def _ask_until_there(self) -> None:
        told = False
        try:
            while not self._closed:
                try:
                    connection = await self._connect()
                except _UNUSABLE as error:
                    if not told:
                        _log.error("the database is away: %s", error)
                    told = True
                    # Not all servers at the same moment.
                    await asyncio.sleep(_ASK_AGAIN_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
                else:
                    if told:
                        _log.warning("the database is there again")
                    self._asking = None
                    with suppress(*FAILURES):
                        await connection.driver.close(timeout=_CLOSE_SECONDS)
                    return
        finally:
            # Another one may have begun since.
            if self._asking is asyncio.current_task():
                self._asking = None
