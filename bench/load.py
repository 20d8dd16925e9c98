"""A load of requests over keep-alive connections to a server on this machine, each answer checked.

One thread sends and reads raw HTTP/1.1, so that the client costs as little as it can. What is measured is the
server: its own CPU time, read from the kernel before and after.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """What a number of requests took; times in milliseconds, CPU in microseconds a request."""

    requests: int
    seconds: float
    cpu_us: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def measure(
    port: int, pid: int, requests: Callable[[int], bytes], *, clients: int, count: int, status: int
) -> Measured:
    """Send `count` requests, the n-th made by `requests(n)`, over `clients` connections; all must answer `status`."""
    return asyncio.run(_measure(port, pid, requests, clients=clients, count=count, status=status))


async def _measure(
    port: int, pid: int, requests: Callable[[int], bytes], *, clients: int, count: int, status: int
) -> Measured:
    numbers = iter(range(count))
    times: list[float] = []
    connections = [await asyncio.open_connection("127.0.0.1", port, limit=2**22) for _ in range(clients)]
    cpu, began = _cpu_seconds(pid), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for reader, writer in connections:
            group.create_task(_client(reader, writer, numbers, requests, status=status, times=times))
    seconds, cpu = time.perf_counter() - began, _cpu_seconds(pid) - cpu
    for _, writer in connections:
        writer.close()
    cuts = quantiles(times, n=100)
    return Measured(count, seconds, cpu / count * 1e6, cuts[49] * 1e3, cuts[98] * 1e3)


async def _client(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    numbers: Iterator[int],
    requests: Callable[[int], bytes],
    *,
    status: int,
    times: list[float],
) -> None:
    expected = f"HTTP/1.1 {status} ".encode()
    for number in numbers:
        began = time.perf_counter()
        writer.write(requests(number))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(expected):
            raise AssertionError(f"expected {status}, got {head[:200]!r}")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        if length:
            await reader.readexactly(int(length))
        times.append(time.perf_counter() - began)


def _cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and its children."""
    own = _stat_ticks(pid)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (own + sum(_stat_ticks(int(child)) for child in children)) / _TICKS_PER_SECOND


def _stat_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
