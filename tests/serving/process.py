"""`stanchion` as a process of its own: commands that end, and the server, ended with exactly its own processes."""

import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import httpx

from bench.processes import told
from tests.serving.place import Place

STANCHION = (sys.executable, "-c", "from stanchion.cli import main; main(prog_name='stanchion')")
# As long as the slowest machine takes, which may stand still for a while; only what fails waits for all of it.
READY_SECONDS = 100.0
PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.02
# Below those that a kernel gives to whoever names none, so that no connection takes one before it is listened on;
# above the last one that Fetch refuses to speak to, 10080.
_PORTS = range(10_081, 32_000)
_given: set[int] = set()


@dataclass(frozen=True)
class Certificates:
    """What `stanchion certificate` writes."""

    folder: Path

    @property
    def authority(self) -> Path:
        """What clients trust."""
        return self.folder / "ca.pem"

    @property
    def chain(self) -> Path:
        """What the server shows."""
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        """The server's private key."""
        return self.folder / "server-key.pem"

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `serve` that use them."""
        return ("--tls-certificate", str(self.chain), "--tls-key", str(self.key))

    def trust(self) -> ssl.SSLContext:
        """Return a client's context that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))


class Server:
    """A running `stanchion serve`; its process group is its own."""

    def __init__(
        self, process: subprocess.Popen[bytes], *, port: int, log: Path, tls: Certificates | None
    ) -> None:
        self.process = process
        self.port = port
        self._log = log
        self.tls = tls

    @property
    def origin(self) -> str:
        """The address of the server."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    @property
    def log(self) -> str:
        """What it wrote to stdout and stderr so far."""
        return self._log.read_text()

    def worker(self) -> int:
        """Return the process id of the worker, which the main process forked."""
        children = self.children()
        assert len(children) == 1, children
        return children[0]

    def children(self) -> list[int]:
        """Return the ids of the processes that the main process forked and that are there; none when it has ended."""
        found = told(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text)
        return [int(child) for child in (found or "").split()]

    def client(self, token: str | None = None, *, http2: bool = False) -> httpx.Client:
        """Return an HTTP client for it, which sends a token if one is given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        verify = self.tls.trust() if self.tls else False
        return httpx.Client(
            base_url=self.origin,
            headers=headers,
            verify=verify,
            http1=not http2,
            http2=http2,
            timeout=PATIENCE_SECONDS,
        )

    def wait_until_ready(self) -> None:
        """Wait until it answers that it is ready; fails with its log when it ends before."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            assert self.process.poll() is None, f"The server ended: {self.log}"
            if self.ready():
                return
            time.sleep(_POLL_SECONDS)
        raise AssertionError(f"The server did not become ready: {self.log}")

    def ready(self) -> bool:
        """Ask /readyz once."""
        with suppress(OSError, HTTPException), closing(self._connection()) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal to its main process and return the exit status."""
        self.process.send_signal(number)
        # A worker that hangs is killed 70 seconds after the signal, unless the time of a request was set.
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def destroy(self) -> None:
        """Kill what is left of its process group."""
        # As long as the leader was not waited for, its number belongs to no other group.
        if self.process.poll() is None or Path(f"/proc/{self.process.pid}").exists():
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE_SECONDS)

    def _connection(self) -> HTTPConnection:
        if self.tls:
            return HTTPSConnection("localhost", self.port, timeout=PATIENCE_SECONDS, context=self.tls.trust())
        return HTTPConnection("localhost", self.port, timeout=PATIENCE_SECONDS)


def free_port() -> int:
    """Return a port that nobody listens on and that was not given before, nor to tests that run beside these."""
    mine = _ports_of_this_process()
    for _ in range(len(mine)):
        port = secrets.choice(mine)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise AssertionError("No port is free.")


@contextmanager
def running(
    place: Place,
    *options: str,
    tls: Certificates | None = None,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = STANCHION,
    port: int | None = None,
) -> Iterator[Server]:
    """Serve a place, from the moment it is ready to the end of the block."""
    with started(place, *options, tls=tls, environment=environment, program=program, port=port) as server:
        server.wait_until_ready()
        yield server


@contextmanager
def started(
    place: Place,
    *options: str,
    tls: Certificates | None = None,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = STANCHION,
    port: int | None = None,
) -> Iterator[Server]:
    """Start a server, without waiting for it, until the end of the block."""
    port = port or free_port()
    command = [*program, "serve", *place.options, "--port", str(port), *(tls.options if tls else ())]
    log = place.folder / f"serve-{port}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, *options],
            cwd=place.folder,
            env=clean_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(process, port=port, log=log, tls=tls)
    try:
        yield server
    finally:
        server.destroy()


def stanchion(
    *arguments: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: float = 120,
    program: Sequence[str] = STANCHION,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*program, *map(str, arguments)],
        cwd=folder,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without settings of ours, and with `extra`."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("STANCHION_")}
    # The checkout is imported wherever the process runs.
    root = str(Path(__file__).parents[2])
    return {**mine, "PYTHONPATH": root, **(extra or {})}


def _ports_of_this_process() -> range:
    """Return those of `_PORTS` that no other one of the processes that run tests side by side takes.

    One that replaces another has a number beyond their count, and may share the ports of one that goes on.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    size, turn = len(_PORTS) // count, number % count
    return _PORTS[turn * size : (turn + 1) * size]


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
