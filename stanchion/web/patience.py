"""Waiting no longer than so many seconds for what a caller sends.

A timer for each who waits costs more than most bodies take to read: each event loop has one, which looks for those
who waited too long.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


async def at_most(seconds: float, awaited: Awaitable[T]) -> T:
    """Return what is awaited by the task that runs; raises TimeoutError where it takes longer."""
    loop = asyncio.get_running_loop()
    waits = _waits.get(loop)
    if waits is None:
        waits = _waits[loop] = _Waits()
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("Only a task can wait.")
    cancelled = task.cancelling()
    waits.begin(task, loop, seconds)
    try:
        return await awaited
    except asyncio.CancelledError:
        # Who is cancelled for another reason as well is to notice that.
        if waits.is_overdue(task) and task.uncancel() <= cancelled:
            raise TimeoutError from None
        raise
    finally:
        waits.end(task)


class _Waits:
    """The tasks of one event loop that wait, by their deadlines."""

    def __init__(self) -> None:
        self._deadlines: dict[asyncio.Task[Any], float] = {}
        self._overdue: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._deadlines[task] = deadline = loop.time() + seconds
        if self._timer is None or self._timer.when() > deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(deadline, self._look, loop)

    def is_overdue(self, task: asyncio.Task[Any]) -> bool:
        return task in self._overdue

    def end(self, task: asyncio.Task[Any]) -> None:
        del self._deadlines[task]
        self._overdue.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for task, deadline in self._deadlines.items():
            if deadline <= now and task not in self._overdue:
                self._overdue.add(task)
                task.cancel()
        later = [deadline for task, deadline in self._deadlines.items() if task not in self._overdue]
        if later:
            self._timer = loop.call_at(min(later), self._look, loop)


_waits: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Waits]" = WeakKeyDictionary()
