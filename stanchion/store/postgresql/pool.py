"""The connections of one event loop to a PostgreSQL database: opened when they are needed, lent, opened anew.

- So many are open at most. Who finds none free waits in turn, no longer than its time; so many wait at most.
- What becomes free is handed to the first who waits: nobody who comes later, or comes back at once, has it before.
- A connection that is lost, or comes back with a transaction open, is never lent again.
- While the database is away, one task asks for it: `away` says so, and ends by itself. A server that has no more
  connections for us is there, while some of ours are open.
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
from stanchion.store.postgresql.failures import FAILURES, code_of, for_caller

# As many as wait for the reader threads of SQLite.
WAITING_CAPACITY = 256
_ASK_AGAIN_SECONDS = 0.5
_CLOSE_SECONDS = 5.0
# What a server answers that has as many connections as it may have.
_FULL = "53300"
_STOPPING = "The server is stopping."
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
        self._waiting: deque[asyncio.Future[PostgresConnection | None]] = deque()
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
        self._share()

    async def close(self) -> None:
        """Close what is open; nothing is lent any more."""
        self._closed = True
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(ServiceUnavailable(_STOPPING))
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        while self._idle:
            connection = self._idle.pop()
            self._open.discard(connection)
            with suppress(*FAILURES):
                await connection.driver.close(timeout=_CLOSE_SECONDS)

    async def _take(self) -> PostgresConnection:
        while not self._closed:
            # While anybody waits nothing is free: it was handed over.
            connection = self._allot() if self._has_free else await self._turn()
            if connection is None:
                return await self._opened()
            if connection.usable:
                return connection
            self._open.discard(connection)
        raise ServiceUnavailable(_STOPPING)

    @property
    def _has_free(self) -> bool:
        """Whether a connection is idle, or one more may be opened."""
        return bool(self._idle) or len(self._open) + self._opening < self._size

    def _allot(self) -> PostgresConnection | None:
        """Take an idle connection out; where there is none, None for the place of one that is now to be opened."""
        if self._idle:
            return self._idle.pop()
        self._opening += 1
        return None

    def _share(self) -> None:
        """Hand what is free to those that wait, in their order."""
        while self._waiting and self._has_free:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(self._allot())

    async def _turn(self) -> PostgresConnection | None:
        """Wait until something is handed over, and return it: a connection, or None for a place, as `_allot` does."""
        if len(self._waiting) >= self._capacity:
            raise ServiceUnavailable("Too many queries wait already; try again.")
        waiting: asyncio.Future[PostgresConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except BaseException:
            if not waiting.done() or waiting.cancelled():
                with suppress(ValueError):
                    self._waiting.remove(waiting)
            elif waiting.exception() is None:
                self._hand_on(waiting.result())
            raise

    def _hand_on(self, allotted: PostgresConnection | None) -> None:
        """Take back what was handed to somebody who has left meanwhile: the next one has it."""
        if allotted is None:
            self._opening -= 1
            self._share()
        else:
            self.give_back(allotted)

    async def _opened(self) -> PostgresConnection:
        """Return a connection opened in the place that was allotted."""
        try:
            connection = await self._connect()
        except FAILURES as error:
            if not self._is_only_full(error):
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
        else:
            self._open.add(connection)
        finally:
            self._opening -= 1
            self._share()
        connection.driver.add_termination_listener(lambda _: self._lost(connection))
        return connection

    def _lost(self, connection: PostgresConnection) -> None:
        """See to a connection that ended by itself."""
        if connection in self._open and not self._closed:
            self._open.discard(connection)
            with suppress(ValueError):
                self._idle.remove(connection)
            self._share()
            self._ask()

    def _is_only_full(self, error: Exception) -> bool:
        """Say whether the server is there, and lets no more of us in than those who are."""
        return code_of(error) == _FULL and bool(self._open)

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
                    if self._is_only_full(error):
                        _log.warning("the database has no connection left for more than those that are open")
                        return
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
