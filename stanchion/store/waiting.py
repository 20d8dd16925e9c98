"""Commands that wait for their turn to be written, and how each caller gets its answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from stanchion.errors import ServiceUnavailable
from stanchion.ledger.fold import Command
from stanchion.store.outcome import Done, Outcome, Refused

# At some 10,000 writes a second a full queue is a wait of 0.1 s; on a slow disk it bounds the memory held.
QUEUE_CAPACITY = 1024
# A larger batch gains nothing more on one fsync and delays the first of its commands.
BATCH_LIMIT = 256
# How long a command may wait for its turn; a request as a whole has 60 s.
DEADLINE_SECONDS = 10.0


@dataclass(eq=False, slots=True)
class Waiting:
    """A command, and whom its outcome is for."""

    command: Command[object]
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[object]"
    deadline: float  # by time.monotonic()
    outcome: Outcome[object] | None = field(default=None)


def deliver(batch: Sequence[Waiting]) -> None:
    """Give each caller who still waits what became of the command; on the event loop of them all."""
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


def stopping() -> Refused:
    """Return the outcome of a command that came when the store was closing."""
    return Refused(ServiceUnavailable("The server is stopping; nothing was changed."))


def too_many() -> Refused:
    """Return the outcome of a command that found the queue full."""
    return Refused(ServiceUnavailable("Too many writes wait already; nothing was changed."))


def too_late() -> Refused:
    """Return the outcome of a command whose turn did not come in time."""
    return Refused(ServiceUnavailable("The write waited too long for its turn and was not made; try again."))
