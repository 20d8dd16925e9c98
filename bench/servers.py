"""The servers that are measured: the product as `serve` runs by default, and the bare one; each ends with its block.

What they write to stderr goes to a file, as a log would; it is shown when one does not start.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.bodies import SMALL_TENANT, TENANT
from bench.connection import Answer
from bench.load import Server

_STANCHION = (sys.executable, "-m", "stanchion")
_GRANIAN = (sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "error")
# Variables that change how a server runs.
_SETTINGS = ("STANCHION_", "GRANIAN_")
# None of them, so that its defaults are measured.
DEFAULTS: Mapping[str, str] = MappingProxyType({})
_READY_SECONDS = 120.0
# What the HTTP server adds to every reply by itself.
_ADDED_BY_GRANIAN = frozenset({"server", "date", "transfer-encoding"})


@dataclass(frozen=True)
class Store:
    """A database by its URL, or the one that a folder has by default."""

    url: str | None

    @property
    def options(self) -> tuple[str, ...]:
        """The options by which a command finds it."""
        return () if self.url is None else ("--database", self.url)


OWN = Store(None)


@dataclass(frozen=True)
class Product:
    """The product as it serves its store, a token that may write, and one for the small tenant."""

    server: Server
    folder: Path
    token: str
    small_token: str


@contextmanager
def product(
    folder: Path, pages: Sequence[Path], *, small: Path, settings: Mapping[str, str] = DEFAULTS
) -> Iterator[Product]:
    """Serve a new store in a folder that holds these pages of entities, those of the small tenant in one of them.

    Settings are given as variables.
    """
    token = new_tenant(folder, TENANT, pages)
    small_token = new_tenant(folder, SMALL_TENANT, [small])
    with serving(folder, settings=settings) as server:
        yield Product(server, folder, token, small_token)


@contextmanager
def serving(
    folder: Path, store: Store = OWN, *, workers: int = 1, settings: Mapping[str, str] = DEFAULTS
) -> Iterator[Server]:
    """Serve a store, by default that of the folder."""
    port = free_port()
    processes = () if workers == 1 else ("--workers", str(workers))
    command = (*_STANCHION, "serve", "--port", str(port), *processes, *store.options)
    with _process(command, folder, **settings) as pid:
        _await(port, folder)
        yield Server(port, pid)


def new_tenant(folder: Path, tenant: str, pages: Sequence[Path], *, store: Store = OWN) -> str:
    """Add a tenant with these entities; return a token that may write to it."""
    where = store.options
    stanchion(folder, "tenant", "add", tenant, "--name", "Bench", *where)
    stanchion(folder, "import", *map(str, pages), "--tenant", tenant, *where)
    wish = ("--tenant", tenant, "--name", "Bench", "--permission", "SecurityEvents.ReadWrite.All")
    app = json.loads(stanchion(folder, "app", "add", *wish, "--json", *where))
    return _token(folder, tenant, app["client_id"], *where)


def token_of(folder: Path, tenant: str) -> str:
    """Return another token of a tenant's first app."""
    apps = json.loads(stanchion(folder, "app", "list", "--tenant", tenant, "--json"))
    return _token(folder, tenant, apps[0]["client_id"])


def _token(folder: Path, tenant: str, client_id: str, *where: str) -> str:
    return stanchion(folder, "token", "--tenant", tenant, "--client-id", client_id, *where).strip()


@contextmanager
def bare(folder: Path, answer: Answer) -> Iterator[Server]:
    """Serve one recorded answer with the same HTTP server and nothing else."""
    recorded = folder / "answer.json"
    lines = answer.head.decode().split("\r\n")[1:]
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    kept = [(name, value) for name, value in headers if name not in _ADDED_BY_GRANIAN]
    recorded.write_text(json.dumps({"status": answer.status, "headers": kept, "body": answer.body.decode()}))
    port = free_port()
    command = (*_GRANIAN, "--port", str(port), "bench.bare:application")
    with _process(command, folder, BENCH_ANSWER=str(recorded)) as pid:
        _await(port, folder)
        yield Server(port, pid)


def stanchion(folder: Path, *arguments: str) -> str:
    """Run a command of the product in a folder and return what it prints; fails with what it says."""
    command = (*_STANCHION, *arguments)
    ran = subprocess.run(command, cwd=folder, env=environment(), check=False, capture_output=True, text=True)
    if ran.returncode != 0:
        raise AssertionError(f"stanchion {' '.join(arguments)} failed: {ran.stderr}")
    return ran.stdout


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without settings of the product, so that its defaults are measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[1]), **(extra or {})}


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _process(command: Sequence[str], folder: Path, **extra: str) -> Iterator[int]:
    with (folder / "stderr.log").open("ab") as log:
        started = subprocess.Popen(command, cwd=folder, env=environment(extra), stdout=log, stderr=log)
    try:
        yield started.pid
    finally:
        started.terminate()
        started.wait(timeout=60)


def _await(port: int, folder: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    log = (folder / "stderr.log").read_text()[-2000:]
    raise TimeoutError(f"nothing listens on port {port}: {log}")
