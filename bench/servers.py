"""The servers that are measured: the product as `serve` runs by default, and the bare one, each with its port."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
_STANCHION = (sys.executable, "-m", "stanchion")


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    port: int
    pid: int


@dataclass(frozen=True)
class Product:
    """The product, its store and a token to write with."""

    running: Running
    token: str


@contextmanager
def product(controls: list[dict[str, object]], scores: list[dict[str, object]]) -> Iterator[Product]:
    """Serve a new store that holds these entities."""
    with tempfile.TemporaryDirectory() as folder:
        for name, values in (("controls", controls), ("scores", scores)):
            (Path(folder) / f"{name}.json").write_text(json.dumps({"value": values}))
        run = partial(_run, folder)
        run("tenant", "add", TENANT, "--name", "Bench")
        run("import", "controls.json", "scores.json", "--tenant", TENANT)
        permission = ("--permission", "SecurityEvents.ReadWrite.All")
        app = json.loads(run("app", "add", "--tenant", TENANT, "--name", "Bench", *permission, "--json"))
        token = run("token", "--tenant", TENANT, "--client-id", app["client_id"]).strip()
        port = free_port()
        with _process((*_STANCHION, "serve", "--port", str(port), "--log-level", "warning"), folder) as pid:
            _await(port)
            yield Product(Running(port, pid), token)


@contextmanager
def bare(reply: Mapping[str, object]) -> Iterator[Running]:
    """Serve a recorded reply with the same HTTP server and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "reply.json"
        recorded.write_text(json.dumps(reply))
        port = free_port()
        command = (sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "error")
        with _process(
            (*command, "--port", str(port), "bench.bare:application"),
            str(Path.cwd()),
            BENCH_REPLY=str(recorded),
        ) as pid:
            _await(port)
            yield Running(port, pid)


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _process(command: tuple[str, ...], folder: str, **environment: str) -> Iterator[int]:
    started = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment})
    try:
        yield started.pid
    finally:
        started.terminate()
        started.wait(timeout=30)


def _await(port: int) -> None:
    for _ in range(500):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def _run(folder: str, *arguments: str) -> str:
    command = (*_STANCHION, *arguments)
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
