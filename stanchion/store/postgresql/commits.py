"""Group commit on PostgreSQL: a queue for each tenant, and one transaction of it under way at a time.

- Tenants are written in parallel, as far as there are connections. What comes while a tenant's transaction is under
  way waits for the next one, which takes all of it.
- The queues are bounded together: full ones refuse, so that nobody waits for what cannot be done in time.
- A command still queued at its deadline, or whose caller has left, is removed and never run. Once taken it runs to
  its end, whoever still waits.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context
from typing import TypeVar, cast

from sqlalchemy.util import greenlet_spawn

from stanchion.ledger.fold import Command
from stanchion.store.commit_counts import CommitCounts
from stanchion.store.outcome import Outcome, Refused
from stanchion.store.postgresql.committing import committed_each
from stanchion.store.postgresql.pool import Pool
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

# A batch is tried for so long at least, even if the first of its commands has less time left.
_LEAST_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Watched:
    """The queues of a store as they are watched: the counts go on, whichever event loop the queues are on."""

    def __init__(self) -> None:
        self.counts = CommitCounts()
        self.present: TenantCommits | None = None

    @property
    def waiting(self) -> int:
        """How many commands wait for their turn."""
        return 0 if self.present is None else self.present.waiting


class TenantCommits:
    """The queues of the tenants on one event loop, and the tasks that write them."""

    def __init__(
        self,
        pool: Pool,
        *,
        patience_seconds: float,
        counts: CommitCounts | None = None,
        capacity: int = QUEUE_CAPACITY,
        batch_limit: int = BATCH_LIMIT,
    ) -> None:
        self._pool = pool
        self._patience_seconds = patience_seconds
        self._capacity = capacity
        self._batch_limit = batch_limit
        self.counts = counts or CommitCounts()
        self._queued = 0
        self._queues: dict[str, deque[Waiting]] = {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """How many commands wait for their turn."""
        return self._queued

    async def submit(self, command: Command[T], *, deadline_seconds: float = DEADLINE_SECONDS) -> T:
        """Return the command's answer once its COMMIT has returned.

        Raises what the command raises, ServiceUnavailable when it could not be run, and OutcomeUnknown when it
        cannot be found out whether it was.
        """
        if self._closing or self._queued >= self._capacity:
            self.counts.turned_away += 1
            raise (stopping() if self._closing else too_many()).error
        loop = asyncio.get_running_loop()
        waiting = Waiting(command, loop, loop.create_future(), time.monotonic() + deadline_seconds)
        queue = self._queues.setdefault(command.tenant_id, deque())
        queue.append(waiting)
        self._queued += 1
        if command.tenant_id not in self._working:
            # It begins in the next turn of the loop, and takes all that was submitted in this one.
            self._working[command.tenant_id] = loop.create_task(
                self._work(command.tenant_id, queue), context=Context()
            )
        self._sweep_in(loop, deadline_seconds)
        try:
            return cast("T", await waiting.answer)
        except asyncio.CancelledError:
            with suppress(ValueError):
                queue.remove(waiting)
                self._queued -= 1
            raise

    async def close(self) -> None:
        """Take no more commands, and return when those that wait are answered."""
        self._closing = True
        while self._working:
            await asyncio.wait(self._working.values())
        if self._sweep is not None:
            self._sweep.cancel()

    async def _work(self, tenant_id: str, queue: "deque[Waiting]") -> None:
        try:
            while batch := self._take(queue):
                await self._answer(batch)
        finally:
            # Nothing is awaited in between: what comes next finds neither, and begins anew.
            del self._working[tenant_id], self._queues[tenant_id]

    def _take(self, queue: "deque[Waiting]") -> list[Waiting]:
        count = min(len(queue), self._batch_limit)
        self._queued -= count
        return [queue.popleft() for _ in range(count)]

    async def _answer(self, batch: list[Waiting]) -> None:
        now = time.monotonic()
        in_time = [waiting for waiting in batch if waiting.deadline >= now]
        for waiting in batch:
            waiting.outcome = too_late()
        outcomes = await self._run(in_time, now=now)
        self.counts.turned_away += len(batch) - len(in_time)
        self.counts.add(outcomes, seconds=time.monotonic() - now)
        for waiting, outcome in zip(in_time, outcomes, strict=True):
            waiting.outcome = outcome
        deliver(batch)

    async def _run(self, batch: Sequence[Waiting], *, now: float) -> Sequence[Outcome[object]]:
        if not batch:
            return []
        until = max(min(waiting.deadline for waiting in batch), now + _LEAST_SECONDS)
        commands = [waiting.command for waiting in batch]
        try:
            return await greenlet_spawn(
                committed_each, self._pool, commands, until=until, patience_seconds=self._patience_seconds
            )
        except Exception as bug:  # noqa: BLE001 (every caller must be answered)
            _log.critical("a batch failed", exc_info=True)
            return [Refused(bug) for _ in batch]

    def _sweep_in(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """See to it that overdue commands are looked for by then; a timer for each would cost more than it does."""
        if self._sweep is not None:
            if self._sweep.when() <= loop.time() + seconds:
                return
            self._sweep.cancel()
        self._sweep = loop.call_later(seconds, self._refuse_overdue, loop)

    def _refuse_overdue(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep = None
        now = time.monotonic()
        for queue in self._queues.values():
            overdue = [waiting for waiting in queue if waiting.deadline <= now]
            for waiting in overdue:
                queue.remove(waiting)
                self._queued -= 1
                waiting.outcome = too_late()
            self.counts.turned_away += len(overdue)
            deliver(overdue)
        later = [waiting.deadline - now for queue in self._queues.values() for waiting in queue]
        if later:
            self._sweep_in(loop, min(later))
