"""A closed loop: so many clients, each asking its next request when its last was answered, for so many seconds.

Every answer is judged; the first wrong one ends the measurement. What is measured is the server's own CPU, read
from the kernel before and after, and the time between a request and the end of its answer.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop

from bench.connection import Answer, Connection, Conversation
from bench.processes import cpu_seconds
from bench.traffic import Traffic

T = TypeVar("T")

_ANSWER_SECONDS = 60.0
# The kernel counts CPU in such steps; what is less than one is taken for one.
_TICK_SECONDS = 0.01


@dataclass(frozen=True)
class Server:
    """Where a server listens, and its main process."""

    port: int
    pid: int


@dataclass(frozen=True)
class Measured:
    """A stretch of time between two readings of the clock (monotonic), the server's CPU in it, and each latency."""

    began: float
    ended: float
    cpu_seconds: float
    latencies: list[float]  # seconds, sorted

    @property
    def requests(self) -> int:
        """How many were answered."""
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / (self.ended - self.began)


def quantile(ordered: list[float], share: float) -> float:
    """Return the smallest value that this share of the sorted values does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(server: Server, traffic: Traffic, *, clients: int, seconds: float) -> Measured:
    """Load a server; requests under way at the end are waited for and counted."""
    return run(_measure(server, traffic, clients=clients, seconds=seconds))


def ask(server: Server, request: bytes) -> Answer:
    """Ask once."""
    return run(_ask(server, request))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the event loop that costs least."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _measure(server: Server, traffic: Traffic, *, clients: int, seconds: float) -> Measured:
    each = [_Client(traffic, number) for number in range(clients)]
    with ExitStack() as opened:
        for client in each:
            await client.connect(server.port)
            opened.callback(client.connection.close)
        cpu, began, ended = await _load(server, each, seconds=seconds)
    latencies = sorted(latency for client in each for latency in client.latencies)
    return Measured(began, ended, cpu, latencies)


async def _load(server: Server, each: Sequence["_Client"], *, seconds: float) -> tuple[float, float, float]:
    """Let all ask; return the CPU that it took, when it began and when it ended."""
    cpu, began = cpu_seconds(server.pid), time.monotonic()
    for client in each:
        client.begin(until=began + seconds)
    async with asyncio.timeout(seconds + _ANSWER_SECONDS):
        await asyncio.gather(*(client.finished for client in each))
    ended = time.monotonic()
    return max(cpu_seconds(server.pid) - cpu, _TICK_SECONDS), began, ended


async def _ask(server: Server, request: bytes) -> Answer:
    conversation = await Conversation.open(server.port)
    async with asyncio.timeout(_ANSWER_SECONDS):
        answer = await conversation.ask(request)
    conversation.close()
    return answer


class _Client:
    """One connection that asks until the time is over."""

    def __init__(self, traffic: Traffic, number: int) -> None:
        self._traffic = traffic
        self._number = number
        self._until = 0.0
        self._asked = 0.0
        self.latencies: list[float] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.connection = Connection(self._answered, self._fail)

    async def connect(self, port: int) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self.connection, "127.0.0.1", port)

    def begin(self, *, until: float) -> None:
        self._until = until
        self._ask()

    def _ask(self) -> None:
        request = self._traffic.request(self._number)
        self._asked = time.monotonic()
        self.connection.ask(request)

    def _answered(self, answer: Answer) -> None:
        now = time.monotonic()
        self.latencies.append(now - self._asked)
        if not self._traffic.is_right(self._number, answer):
            self._fail(f"a wrong answer: {answer.head!r} {answer.body[:500]!r}")
        elif now < self._until:
            self._ask()
        else:
            self.finished.set_result(None)

    def _fail(self, reason: str) -> None:
        if not self.finished.done():
            self.finished.set_exception(AssertionError(reason))
