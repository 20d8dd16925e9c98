"""The lock file: one server for a SQLite database, for as long as it or a fork of it lives."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stanchion.errors import OperatorError
from stanchion.store.lock import ServeLock, serving_process

pytestmark = pytest.mark.sqlite("is about the lock file")

ROOT = Path(__file__).parents[2]


def test_the_second_server_is_told_who_the_first_is(path: Path) -> None:
    lock = ServeLock(path)
    assert lock.path.read_text() == f"{os.getpid()}\n"
    with pytest.raises(OperatorError, match=rf"served by process {os.getpid()} already"):
        ServeLock(path)
    lock.release()
    ServeLock(path).release()


def test_the_process_id_of_an_earlier_server_is_overwritten(path: Path) -> None:
    Path(f"{path}.lock").write_text("12345678901234567890\n")
    lock = ServeLock(path)
    assert lock.path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_who_serves_is_told_without_a_trace(path: Path) -> None:
    assert serving_process(path) is None
    assert not Path(f"{path}.lock").exists()

    lock = ServeLock(path)
    assert serving_process(path) == str(os.getpid())
    lock.release()
    assert serving_process(path) is None


def test_a_server_starts_while_somebody_asks_who_serves(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(f"{path}.lock")
    file.touch()
    with file.open() as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)

        def nap(seconds: float) -> None:
            if seconds > 0:
                fcntl.flock(asking, fcntl.LOCK_UN)

        monkeypatch.setattr("stanchion.store.lock.time.sleep", nap)
        ServeLock(path).release()


FORK = """
import os, sys
from pathlib import Path
from stanchion.store.lock import ServeLock
lock = ServeLock(Path(sys.argv[1]))
if os.fork() == 0:
    sys.stdin.read()  # until the test lets go of it, or ends
    os._exit(0)
print(os.getpid(), flush=True)
os._exit(0)
"""


def test_a_forked_worker_keeps_the_lock(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as server:
        assert server.stdout is not None
        first = server.stdout.readline().strip()
        assert server.wait(60) == 0
        with pytest.raises(OperatorError, match=f"served by process {first} already"):
            ServeLock(path)
        assert server.stdin is not None
        server.stdin.close()
        # The worker holds the other end until it has ended, and with it the lock.
        assert server.stdout.read() == ""
    ServeLock(path).release()


def test_a_lock_file_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="nowhere is not a directory; make it first"):
        ServeLock(tmp_path / "nowhere" / "stanchion.db")
