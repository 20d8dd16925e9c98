"""Reader threads: what takes longer than a point read runs in one of a few, each with its own connection.

- So many wait at most; the next one is refused at once.
- The deadline counts from the asking, so that a queue of slow queries does not grow older than that.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from stanchion.errors import ServiceUnavailable
from stanchion.store.connection import STATEMENT_SECONDS, connect, deadline
from stanchion.store.failures import for_caller

R = TypeVar("R")

# Each row that SQLite steps to lets go of the interpreter lock and asks for it again, so more threads cost more than
# they read: a page of 100 rows at 64 clients took 1.7 ms of CPU with one, 2.8 with two, 3.8 with four. Two, so
# that one slow query does not hold up all others.
READER_THREADS = 2
# Pages take some 1 to 50 ms, so that what waits this deep is answered within the deadline.
READER_CAPACITY = 256
# Readers wait only while another process recovers the write-ahead log.
_BUSY_SECONDS = 1.0


class Readers:
    """The threads of one database; they begin with the first read."""

    def __init__(self, path: Path, *, capacity: int = READER_CAPACITY) -> None:
        self._path = path
        self._pool = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="stanchion-reader")
        self._places = threading.BoundedSemaphore(capacity)
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def read(self, read: Callable[[sqlite3.Connection], R]) -> R:
        """Return what is read; raises ServiceUnavailable where that is not done in time."""
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable("Too many queries wait already; try again.")
        try:
            asked = self._pool.submit(self._read, read, time.monotonic())
        except RuntimeError:
            self._places.release()
            raise ServiceUnavailable("The server is stopping.") from None
        asked.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(asked)

    def close(self) -> None:
        """Finish what was asked, then close the connections."""
        self._pool.shutdown()
        for connection in self._opened:
            connection.close()

    def _read(self, read: Callable[[sqlite3.Connection], R], began: float) -> R:
        if time.monotonic() > began + STATEMENT_SECONDS:
            raise ServiceUnavailable("The query waited too long for its turn; try again.")
        try:
            reader = self._connection()
        except sqlite3.Error as error:
            raise for_caller(error) from error
        with deadline(reader, began=began):
            return read(reader)

    def _connection(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if reader is None:
            reader = self._local.connection = connect(self._path, busy_seconds=_BUSY_SECONDS)
            self._opened.append(reader)
        return reader
