"""A writer in a process of its own that sends PATCHes at a fixed rate, whatever becomes of those before.

Each is due at its time, and its latency is counted from then on: a stall of the server is felt by every request
that was due in it, and not by one alone (as in a closed loop, which waits in silence: coordinated omission).
`python -m bench.probe` reads its orders from the first line of its standard input, says "ready", writes until that
is closed, and prints the moment (monotonic) and latency of each PATCH.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count

from bench.bodies import control_id
from bench.connection import Conversation
from bench.load import run
from bench.traffic import patch

_CONNECTIONS = 64
_NO_CONTENT = 204
_ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Orders:
    """Where to write, what, and how often."""

    port: int
    token: str
    controls: int
    per_second: float


@dataclass(frozen=True)
class Sample:
    """One PATCH: when it was due (monotonic), and how many seconds later it was answered."""

    due: float
    latency: float


class Probe:
    """The writer, seen from the process that started it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def samples(self) -> list[Sample]:
        """Stop it, and return every PATCH, in the order in which they were due."""
        out, _ = self._process.communicate(timeout=_ANSWER_SECONDS)
        if self._process.returncode != 0:
            raise AssertionError("the probe failed; its reason stands above")
        return [Sample(due, latency) for due, latency in json.loads(out)]


@contextmanager
def probing(orders: Orders) -> Iterator[Probe]:
    """Let a writer write beside, until its samples are asked for."""
    command = (sys.executable, "-m", "bench.probe")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
        process.wait()


async def _write(orders: Orders) -> list[Sample]:
    writer = _Writer(orders)
    await writer.connect()
    print("ready", flush=True)
    stopped = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    began = time.monotonic()
    async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as under_way:
        for number in count():
            due = began + number / orders.per_second
            await asyncio.sleep(due - time.monotonic())
            if stopped.done():
                limit.reschedule(asyncio.get_running_loop().time() + _ANSWER_SECONDS)
                break
            under_way.create_task(writer.write(due, number))
    return writer.samples


class _Writer:
    """Some connections; a PATCH that is due takes one that is free, or waits for it."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._free: asyncio.Queue[Conversation] = asyncio.Queue()
        self.samples: list[Sample] = []

    async def connect(self) -> None:
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(await Conversation.open(self._orders.port))

    async def write(self, due: float, number: int) -> None:
        control = control_id(random.randrange(self._orders.controls))
        conversation = await self._free.get()
        answer = await conversation.ask(patch(control, f"probe {due} {number}", self._orders.token))
        self.samples.append(Sample(due, time.monotonic() - due))
        if answer.status != _NO_CONTENT:
            raise AssertionError(f"the probe was answered {answer.head!r} {answer.body[:500]!r}")
        self._free.put_nowait(conversation)


if __name__ == "__main__":
    written = run(_write(Orders(**json.loads(sys.stdin.readline()))))
    json.dump([(sample.due, sample.latency) for sample in written], sys.stdout)
