"""Starting: from the command to the first answer, and the memory of a server that nobody asks anything.

- The product serves a store that is there, and its first answer is one control to an authenticated caller. Beside it
  a bare application of Starlette starts on the same HTTP server; they take turns, so that a busy machine is so for
  both.
- The files are in the kernel's cache and compiled by Python already, as after an update that was started once.
- Memory is the proportional set size of all processes: what several of them share counts once.
"""

import http.client
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.processes import cpu_seconds, tree
from bench.servers import environment, free_port

_STANCHION = (sys.executable, "-m", "stanchion", "serve", "--port")
_BARE = (sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "error", "--port")
# Whoever runs the bench may keep Python from that; then each start would compile what is no package.
_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
_READY_SECONDS = 60.0
_POLL_SECONDS = 0.002
# After it both have done what they do once they have started.
_IDLE_SECONDS = 1.0
_PROPORTIONAL = re.compile(r"^Pss:\s+([0-9]+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Start:
    """One start: the time to the first answer, the CPU until then, and the memory a moment later."""

    seconds: float
    cpu_seconds: float
    idle_bytes: int


@dataclass(frozen=True)
class Starts:
    """The starts of the product and of the bare application, in turns."""

    product: list[Start]
    bare: list[Start]


def run_starts(folder: Path, *, path: str, token: str, rounds: int) -> Starts:
    """Start both so many times; the product serves the store of a folder, whose first answer is that to a path."""
    found = Starts([], [])
    headers = {"Authorization": f"Bearer {token}"}
    # Once beforehand, so that both are compiled and in the kernel's cache.
    for _ in range(rounds + 1):
        found.product.append(_start(_STANCHION, (), folder, path=path, headers=headers))
        found.bare.append(
            _start(_BARE, ("bench.bare_starlette:application",), folder, path="/one", headers={})
        )
    return Starts(found.product[1:], found.bare[1:])


def start_table(found: Starts) -> str:
    """Return the medians, and how often the product has what the bare application has."""
    rows = [
        _row("seconds to the first answer", found, lambda start: start.seconds, "{:.2f}"),
        _row("seconds of CPU until then", found, lambda start: start.cpu_seconds, "{:.2f}"),
        _row("idle memory, MB", found, lambda start: start.idle_bytes / 1_000_000, "{:.1f}"),
    ]
    return "\n".join(["| start | product | bare | ratio |", "|---|---|---|---|", *rows])


def _row(name: str, found: Starts, value: Callable[[Start], float], form: str) -> str:
    product, bare = (median(map(value, starts)) for starts in (found.product, found.bare))
    return f"| {name} | {form.format(product)} | {form.format(bare)} | {product / bare:.2f} |"


def _start(
    command: Sequence[str], arguments: Sequence[str], folder: Path, *, path: str, headers: Mapping[str, str]
) -> Start:
    port = free_port()
    began = time.perf_counter()
    with _running((*command, str(port), *arguments), folder) as started:
        _await(port, path, headers, started)
        seconds = time.perf_counter() - began
        cpu = cpu_seconds(started.pid)
        time.sleep(_IDLE_SECONDS)
        return Start(seconds, cpu, sum(map(_proportional_bytes, tree(started.pid))))


@contextmanager
def _running(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "start.log").open("ab") as log:
        started = subprocess.Popen(command, cwd=folder, env=environment(_COMPILED), stdout=log, stderr=log)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(timeout=60)


def _await(port: int, path: str, headers: Mapping[str, str], started: subprocess.Popen[bytes]) -> None:
    end = time.perf_counter() + _READY_SECONDS
    while time.perf_counter() < end and started.poll() is None:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("GET", path, headers=dict(headers))
                status = connection.getresponse().status
        except OSError:
            time.sleep(_POLL_SECONDS)
            continue
        if status != http.client.OK:
            raise AssertionError(f"{path} was answered by {status}")
        return
    raise TimeoutError(f"{' '.join(started.args) if isinstance(started.args, tuple) else ''} gave no answer")


def _proportional_bytes(pid: int) -> int:
    try:
        found = _PROPORTIONAL.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:  # It ended meanwhile.
        return 0
    return int(found[1]) * 1024 if found else 0
