"""Reader threads: what takes longer than a point read runs in one of a few, each with its own connection.

- So many wait at most; the next one is refused at once.
- The deadline counts from the asking, so that a queue of slow queries does not grow older than that.
- A thread takes what waits without a word to the event loop, and answers it by one call; the thread pools of the
  library cost as much for each read as reading a page of small rows.
- After a large page, or a piece of one, it waits until the event loop has taken that: those read ahead would be in
  memory uncounted.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from stanchion.errors import ServiceUnavailable
from stanchion.store.connection import SQLiteConnection, connect
from stanchion.store.contract import DeltaPage, Page
from stanchion.store.deadline import STATEMENT_SECONDS, Deadline
from stanchion.store.failures import for_caller, for_reader

R = TypeVar("R")
T = TypeVar("T")

# Two, so that one slow query does not hold up all others. More of them share one interpreter lock: while pages came
# a row at a time, 100 rows at 64 clients took 1.7 ms of CPU with one thread, 2.8 with two, 3.8 with four.
READER_THREADS = 2
# Pages take some 1 to 50 ms, so that what waits this deep is answered within the deadline.
READER_CAPACITY = 256
# What is read slower than a thread wakes up, and all but the last piece of a page, for they are just under 1 MiB; and
# for how long the event loop may be busy with something else.
_LARGE_BYTES, _LOOK_SECONDS, _TAKEN_SECONDS = 512 * 1024, 0.001, 1.0
# Readers wait only while another process recovers the write-ahead log.
_BUSY_SECONDS = 1.0


class Readers:
    """The threads of one database; they begin with the first read."""

    def __init__(
        self, path: Path, *, capacity: int = READER_CAPACITY, statement_seconds: float = STATEMENT_SECONDS
    ) -> None:
        self._path = path
        self._statement_seconds = statement_seconds
        self._capacity = capacity
        self._waiting = 0
        self._reads: SimpleQueue[Callable[[_Reader], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._opening = threading.Lock()
        self._closed = False

    async def read(self, read: Callable[[SQLiteConnection], R]) -> R:
        """Return what is read; raises ServiceUnavailable where that is not done in time."""
        if self._waiting >= self._capacity:
            raise ServiceUnavailable("Too many queries wait already; try again.")
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        try:
            self._ask(partial(_answer, read=read, answer=answer, began=time.monotonic()))
            return await answer
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish what was asked, then close the connections."""
        with self._opening:
            self._closed = True
            for _ in self._threads:
                self._reads.put(None)
        for thread in self._threads:
            thread.join()

    def _ask(self, read: "Callable[[_Reader], None]") -> None:
        with self._opening:
            if self._closed:
                raise ServiceUnavailable("The server is stopping.")
            self._reads.put(read)
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._work, name=f"stanchion-reader-{number}", daemon=True)
                    for number in range(READER_THREADS)
                ]
                for thread in self._threads:
                    thread.start()

    def _work(self) -> None:
        with closing(_Reader(self._path, statement_seconds=self._statement_seconds)) as reader:
            while (read := self._reads.get()) is not None:
                read(reader)
                del read  # It has the answer, which may be large.


class _Reader:
    """The connection of one thread, opened by its first read."""

    def __init__(self, path: Path, *, statement_seconds: float) -> None:
        self._path = path
        self._seconds = statement_seconds
        self._opened: tuple[SQLiteConnection, Deadline] | None = None

    def read(self, read: Callable[[SQLiteConnection], R], *, began: float) -> R:
        """Return what is read by the deadline of what was asked when it `began`."""
        if time.monotonic() > began + self._seconds:
            raise ServiceUnavailable("The query waited too long for its turn; try again.")
        connection, deadline = self._opened or self._open()
        with deadline.after(self._seconds, began=began):
            return read(connection)

    def close(self) -> None:
        """Let go of the database."""
        if self._opened is not None:
            self._opened[0].close()

    def _open(self) -> tuple[SQLiteConnection, Deadline]:
        try:
            connection = connect(self._path, busy_seconds=_BUSY_SECONDS)
        except sqlite3.Error as error:
            raise for_caller(error) from error
        self._opened = (connection, Deadline(connection))
        return self._opened


def _answer(
    reader: _Reader,
    *,
    read: Callable[[SQLiteConnection], R],
    answer: "asyncio.Future[R]",
    began: float,
) -> None:
    if answer.cancelled():
        return
    tell: Callable[[], None]
    is_large = False
    try:
        outcome = reader.read(read, began=began)
        is_large = _size(outcome) > _LARGE_BYTES
        tell = partial(_settle, answer, answer.set_result, outcome)
        del outcome
    except Exception as error:  # noqa: BLE001 (whatever it is, whoever asked is to have it)
        tell = partial(_settle, answer, answer.set_exception, for_reader(error))
    # Where the loop has ended, nobody waits any more.
    with suppress(RuntimeError):
        answer.get_loop().call_soon_threadsafe(tell)
        if is_large:
            _wait_until_taken(answer)


def _size(outcome: object) -> int:
    """Return how many bytes of bodies were read."""
    match outcome:
        case bytes():
            return len(outcome)
        case Page() | DeltaPage():
            return sum(map(len, outcome.runs))
        case _:
            return 0


def _wait_until_taken(answer: "asyncio.Future[R]") -> None:
    end = time.monotonic() + _TAKEN_SECONDS
    while not answer.done() and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)


def _settle(answer: "asyncio.Future[R]", settle: Callable[[T], None], outcome: T) -> None:
    if not answer.done():
        settle(outcome)
