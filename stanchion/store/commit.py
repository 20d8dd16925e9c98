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
from dataclasses import dataclass, field
from typing import TypeVar, cast

from stanchion.errors import ServiceUnavailable
from stanchion.ledger.fold import Command
from stanchion.store.outcome import Done, Outcome, Refused, StoreBroken, never_run, unknown

T = TypeVar("T")

# At some 10,000 writes a second a full queue is a wait of 0.1 s; on a slow disk it bounds the memory held.
QUEUE_CAPACITY = 1024
# A larger batch gains nothing more on one fsync and delays the first of its commands.
BATCH_LIMIT = 256
# How long a command may wait for its turn; a request as a whole has 60 s.
DEADLINE_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Waiting:
    command: Command[object]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[object]"
    deadline: float  # by time.monotonic()
    outcome: Outcome[object] | None = field(default=None)


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
        self._gathered: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}  # in the turn of a loop
        self._queue: deque[_Waiting] = deque()
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

    async def submit(self, command: Command[T], *, deadline_seconds: float = DEADLINE_SECONDS) -> T:
        """Return the command's answer once it is on the disk.

        Raises what the command raises, ServiceUnavailable when it could not be run, and OutcomeUnknown when the
        disk failed while it was written.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(command, loop, loop.create_future(), time.monotonic() + deadline_seconds)
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
        for waiting in gathered[room:]:
            waiting.outcome = self._no_room()
        _deliver(gathered[room:])

    def _no_room(self) -> Refused:
        if self._closing:
            return Refused(ServiceUnavailable("The server is stopping; nothing was changed."))
        if not self.healthy:
            return never_run()
        return Refused(ServiceUnavailable("Too many writes wait already; nothing was changed."))

    def _withdraw(self, waiting: _Waiting) -> None:
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
                waiting.outcome = Refused(_too_late())
        _deliver(overdue)
        if later := [waiting.deadline - now for waiting in mine if waiting.deadline > now]:
            self._sweep_in(loop, min(later))

    def _work(self) -> None:
        batch: list[_Waiting] = []
        try:
            while batch := self._take():
                self._answer(batch)
        except BaseException:  # noqa: BLE001 (a writer that dies unseen leaves everybody waiting)
            _log.critical("the writer thread failed; nothing more is written", exc_info=True)
            self._give_up(batch)

    def _give_up(self, batch: Sequence[_Waiting]) -> None:
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

    def _take(self) -> list[_Waiting]:
        """Wait for commands and take those that wait; none are left to come when the list is empty."""
        with self._something_to_do:
            while not self._queue and not self._closing:
                self._something_to_do.wait()
            count = min(len(self._queue), self._batch_limit)
            return [self._queue.popleft() for _ in range(count)]

    def _answer(self, batch: list[_Waiting]) -> None:
        now = time.monotonic()
        in_time = []
        for waiting in batch:
            if waiting.deadline < now:
                waiting.outcome = Refused(_too_late())
            else:
                in_time.append(waiting)
        for waiting, outcome in zip(in_time, self._run(in_time), strict=True):
            waiting.outcome = outcome
        _send(batch)

    def _run(self, batch: Sequence[_Waiting]) -> list[Outcome[object]]:
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


def _send(batch: Sequence[_Waiting]) -> None:
    for loop in {waiting.loop for waiting in batch}:
        mine = [waiting for waiting in batch if waiting.loop is loop]
        try:
            loop.call_soon_threadsafe(_deliver, mine)
        except RuntimeError:  # The loop is closed: nobody waits any more.
            _log.debug("%d answers came after their event loop was closed", len(mine))


def _deliver(batch: Sequence[_Waiting]) -> None:
    for waiting in batch:
        if waiting.answer.done():
            continue
        match waiting.outcome:
            case Done(result):
                waiting.answer.set_result(result)
            case Refused(StopIteration() as error):  # No future takes it, and those after it wait too.
                waiting.answer.set_exception(RuntimeError(f"A command raised {error!r}."))
            case Refused(error):
                waiting.answer.set_exception(error)
            case None:
                waiting.answer.cancel()


def _too_late() -> ServiceUnavailable:
    return ServiceUnavailable("The write waited too long for its turn and was not made; try again.")
