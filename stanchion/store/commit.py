"""Group commit: one thread takes all commands that wait, and one COMMIT answers them all.

- The queue is bounded: a full one refuses, so that nobody waits for what cannot be done in time.
- A command still queued at its deadline, or whose caller has left, is removed and never run. Once taken it
  runs to its end, whoever still waits.
- After an error at COMMIT nothing more is written, for nobody knows what is on the disk. Nor is it after the
  writer thread failed: everybody who waits is told, and the store is not healthy.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar, cast

from stanchion.ledger.fold import Command
from stanchion.store.commit_counts import CommitCounts
from stanchion.store.outcome import Outcome, Refused, StoreBroken, never_run, unknown
from stanchion.store.waiting import (
    BATCH_LIMIT,
    DEADLINE_SECONDS,
    QUEUE_CAPACITY,
    Waiting,
    deliver,
    stopping,
    too_late,
    too_many,
)

T = TypeVar("T")

_log = logging.getLogger(__name__)


class GroupCommit:
    """The queue and its one writer thread; `run_batch` commits and tells each command's outcome."""

    def __init__(
        self,
        run_batch: Callable[[Sequence[Command[object]]], list[Outcome[object]]],
        *,
        capacity: int = QUEUE_CAPACITY,
        batch_limit: int = BATCH_LIMIT,
    ) -> None:
        self._run_batch = run_batch
        self._capacity = capacity
        self._batch_limit = batch_limit
        self.counts = CommitCounts()
        self._gathered: dict[asyncio.AbstractEventLoop, list[Waiting]] = {}  # in the turn of a loop
        self._queue: deque[Waiting] = deque()
        self._something_to_do = threading.Condition()
        self._sweeps: dict[asyncio.AbstractEventLoop, asyncio.TimerHandle] = {}
        self._closing = False
        self._sound = True
        self._thread = threading.Thread(target=self._work, name="stanchion-writer", daemon=True)
        self._thread.start()

    @property
    def healthy(self) -> bool:
        """Whether commands are still written."""
        return self._sound and self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many commands wait for their turn."""
        return len(self._queue)

    async def submit(self, command: Command[T], *, deadline_seconds: float = DEADLINE_SECONDS) -> T:
        """Return the command's answer once it is on the disk.

        Raises what the command raises, ServiceUnavailable when it could not be run, and OutcomeUnknown when the
        disk failed while it was written.
        """
        loop = asyncio.get_running_loop()
        waiting = Waiting(command, loop, loop.create_future(), time.monotonic() + deadline_seconds)
        gathered = self._gathered.get(loop)
        if gathered is None:
            gathered = self._gathered[loop] = []
            loop.call_soon(self._enqueue, loop)
        gathered.append(waiting)
        self._sweep_in(loop, deadline_seconds)
        try:
            return cast("T", await waiting.answer)
        except asyncio.CancelledError:
            self._withdraw(waiting)
            raise

    def close(self) -> None:
        """Take no more commands, run those that wait, and return when they are answered."""
        with self._something_to_do:
            self._closing = True
            self._something_to_do.notify()
        self._thread.join()

    def _enqueue(self, loop: asyncio.AbstractEventLoop) -> None:
        """Put into the queue what was submitted in one turn of a loop, and wake the writer once for all of it."""
        gathered = [waiting for waiting in self._gathered.pop(loop) if not waiting.answer.done()]
        with self._something_to_do:
            room = self._capacity - len(self._queue) if self.healthy and not self._closing else 0
            self._queue += gathered[:room]
            self._something_to_do.notify()
        self.counts.turned_away += len(gathered[room:])
        for waiting in gathered[room:]:
            waiting.outcome = self._no_room()
        deliver(gathered[room:])

    def _no_room(self) -> Refused:
        if self._closing:
            return stopping()
        if not self.healthy:
            return never_run()
        return too_many()

    def _withdraw(self, waiting: Waiting) -> None:
        with self._something_to_do, suppress(ValueError):
            self._queue.remove(waiting)

    def _sweep_in(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """See to it that overdue commands are looked for by then; a timer for each would cost more than it does."""
        present = self._sweeps.get(loop)
        if present is not None:
            if present.when() <= loop.time() + seconds:
                return
            present.cancel()
        self._sweeps[loop] = loop.call_later(seconds, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Refuse the commands of a loop whose deadline has come, and look again at the next one's."""
        del self._sweeps[loop]
        now = time.monotonic()
        with self._something_to_do:
            mine = [waiting for waiting in self._queue if waiting.loop is loop]
            overdue = [waiting for waiting in mine if waiting.deadline <= now]
            for waiting in overdue:
                self._queue.remove(waiting)
                waiting.outcome = too_late()
        self.counts.turned_away += len(overdue)
        deliver(overdue)
        if later := [waiting.deadline - now for waiting in mine if waiting.deadline > now]:
            self._sweep_in(loop, min(later))

    def _work(self) -> None:
        batch: list[Waiting] = []
        try:
            while batch := self._take():
                self._answer(batch)
        except BaseException:  # noqa: BLE001 (a writer that dies unseen leaves everybody waiting)
            _log.critical("the writer thread failed; nothing more is written", exc_info=True)
            self._give_up(batch)

    def _give_up(self, batch: Sequence[Waiting]) -> None:
        """Answer those taken, of whom nobody knows more, and those who wait; take no more."""
        with self._something_to_do:
            self._sound = False
            queued = tuple(self._queue)
            self._queue.clear()
        for waiting in batch:
            waiting.outcome = waiting.outcome or unknown()
        for waiting in queued:
            waiting.outcome = never_run()
        _send([*batch, *queued])

    def _take(self) -> list[Waiting]:
        """Wait for commands and take those that wait; none are left to come when the list is empty."""
        with self._something_to_do:
            while not self._queue and not self._closing:
                self._something_to_do.wait()
            count = min(len(self._queue), self._batch_limit)
            return [self._queue.popleft() for _ in range(count)]

    def _answer(self, batch: list[Waiting]) -> None:
        now = time.monotonic()
        in_time = []
        for waiting in batch:
            if waiting.deadline < now:
                waiting.outcome = too_late()
            else:
                in_time.append(waiting)
        outcomes = self._run(in_time)
        self.counts.add(outcomes, seconds=time.monotonic() - now)
        for waiting, outcome in zip(in_time, outcomes, strict=True):
            waiting.outcome = outcome
        _send(batch)

    def _run(self, batch: Sequence[Waiting]) -> list[Outcome[object]]:
        if not batch:
            return []
        if not self._sound:
            return [never_run() for _ in batch]
        try:
            return self._run_batch([waiting.command for waiting in batch])
        except StoreBroken as broken:
            _log.critical("the database failed at COMMIT; nothing more is written", exc_info=True)
            self._sound = False
            return list(broken.outcomes)
        except Exception as bug:  # noqa: BLE001 (the writer thread must live, and everybody be answered)
            return [Refused(bug) for _ in batch]


def _send(batch: Sequence[Waiting]) -> None:
    for loop in {waiting.loop for waiting in batch}:
        mine = [waiting for waiting in batch if waiting.loop is loop]
        try:
            loop.call_soon_threadsafe(deliver, mine)
        except RuntimeError:  # The loop is closed: nobody waits any more.
            _log.debug("%d answers came after their event loop was closed", len(mine))
