"""A portal: a thread with an event loop, for those who use the database from where there is none, as commands do.

It begins with the first work, and ends with `close`.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.util import greenlet_spawn

R = TypeVar("R")


@dataclass(frozen=True)
class _Stopped:
    """What asks the program to end: its thread would, and the loop with it, if it were raised there."""

    by: BaseException


class Portal:
    """A thread that runs what it is given on its loop, while whoever gave it waits."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether there was anything to do yet."""
        return self._thread is not None

    def wait(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine to its end; Ctrl-C cancels it."""
        future = asyncio.run_coroutine_threadsafe(_carried(work), self._running())
        try:
            outcome = future.result()
        except BaseException:
            future.cancel()
            raise
        if isinstance(outcome, _Stopped):
            raise outcome.by
        return outcome

    def run(self, work: Callable[[], R]) -> R:
        """Run a plain function that waits for the driver."""
        return self.wait(greenlet_spawn(work))

    def close(self) -> None:
        """End the thread, whose work must be done."""
        with self._starting:
            if self._loop is None or self._thread is None:
                return
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="stanchion-portal", daemon=True
                )
                self._thread.start()
            return self._loop


async def _carried(work: Coroutine[Any, Any, R]) -> R | _Stopped:
    try:
        return await work
    except (KeyboardInterrupt, SystemExit) as stop:
        return _Stopped(stop)
