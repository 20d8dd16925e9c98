"""A client in a process of its own that sends PATCHes, or GETs, at a fixed rate, whatever becomes of those before.

Each is due at its time, and its latency is counted from then on: a stall of the server is felt by every request
that was due in it, and not by one alone (as in a closed loop, which waits in silence: coordinated omission).
`python -m bench.probe` reads its orders from the first line of its standard input, says "ready", asks what is due
until that is closed, and prints the moment (monotonic) and latency of each request.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count

from bench.bodies import control_id
from bench.connection import Conversation
from bench.load import Measured, run
from bench.traffic import CONTROLS_PATH, get, patch

_CONNECTIONS = 64
_OK, _NO_CONTENT = 200, 204
_ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Orders:
    """Where to ask, what, and how often; it writes unless it is told to read.

    With tokens of other tenants, whose controls have the same ids, any of all tenants is asked.
    """

    port: int
    token: str
    controls: int
    per_second: float
    reads: bool = False
    others: Sequence[str] = ()


@dataclass(frozen=True)
class Sample:
    """One request: when it was due (monotonic), and how many seconds later it was answered."""

    due: float
    latency: float

    @property
    def answered(self) -> float:
        """When it was answered (monotonic)."""
        return self.due + self.latency


class Probe:
    """The client, seen from the process that started it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def samples(self) -> list[Sample]:
        """Stop it, and return every request, in the order in which they were due."""
        out, _ = self._process.communicate(timeout=_ANSWER_SECONDS)
        if self._process.returncode != 0:
            raise AssertionError("the probe failed; its reason stands above")
        return [Sample(due, latency) for due, latency in json.loads(out)]


@contextmanager
def probing(orders: Orders) -> Iterator[Probe]:
    """Let a client ask beside, until its samples are asked for."""
    command = (sys.executable, "-m", "bench.probe")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{json.dumps(asdict(orders))}\n")
            process.stdin.flush()
            if process.stdout.readline() != "ready\n":
                raise AssertionError("the probe did not start; its reason stands above")
            yield Probe(process)
        finally:
            process.kill()


def measure_beside(orders: Orders, load: Callable[[], Measured]) -> tuple[Measured, int]:
    """Load a server while a client asks beside; return how many of its requests were answered meanwhile, too."""
    with probing(orders) as probe:
        measured = load()
        samples = probe.samples()
    return measured, sum(measured.began <= sample.answered < measured.ended for sample in samples)


async def _probe(orders: Orders) -> list[Sample]:
    client = _Client(orders)
    await client.connect()
    # What is due between "ready" and the end is asked, however late this process goes on.
    began = time.monotonic()
    print("ready", flush=True)
    stopped = asyncio.get_running_loop().run_in_executor(None, _closed)
    async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as under_way:
        for number in count():
            due = began + number / orders.per_second
            await asyncio.sleep(due - time.monotonic())
            if stopped.done() and due > stopped.result():
                limit.reschedule(asyncio.get_running_loop().time() + _ANSWER_SECONDS)
                break
            under_way.create_task(client.ask(due, number))
    return client.samples


def _closed() -> float:
    """Wait until there is no more to read; return when that was (monotonic)."""
    sys.stdin.read()
    return time.monotonic()


class _Client:
    """Some connections; a request that is due takes one that is free, or waits for it."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._tokens = (orders.token, *orders.others)
        self._right = _OK if orders.reads else _NO_CONTENT
        self._free: asyncio.Queue[Conversation] = asyncio.Queue()
        self.samples: list[Sample] = []

    async def connect(self) -> None:
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(await Conversation.open(self._orders.port))

    async def ask(self, due: float, number: int) -> None:
        request = self._request(due, number)
        conversation = await self._free.get()
        answer = await conversation.ask(request)
        self.samples.append(Sample(due, time.monotonic() - due))
        if answer.status != self._right:
            raise AssertionError(f"the probe was answered {answer.head!r} {answer.body[:500]!r}")
        self._free.put_nowait(conversation)

    def _request(self, due: float, number: int) -> bytes:
        control = control_id(random.randrange(self._orders.controls))
        token = random.choice(self._tokens)
        if self._orders.reads:
            return get(f"{CONTROLS_PATH}/{control}", token)
        return patch(control, f"probe {due} {number}", token)


if __name__ == "__main__":
    probed = run(_probe(Orders(**json.loads(sys.stdin.readline()))))
    json.dump([(sample.due, sample.latency) for sample in probed], sys.stdout)
