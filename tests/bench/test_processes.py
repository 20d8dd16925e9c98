"""What the kernel tells of a process tree, whatever comes and goes in it meanwhile."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import cpu_seconds, peak_bytes, resident_bytes, tree

# A thread other than the main one starts a child, which waits as its parent does.
_PARENT = """
import subprocess, sys, threading
child = lambda: subprocess.run([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"])
thread = threading.Thread(target=child)
thread.start()
thread.join()
"""


@pytest.fixture
def parent() -> Iterator[int]:
    started = subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with started:
        assert started.stdout is not None
        started.stdout.readline()  # the child is there
        yield started.pid
        started.communicate()


def test_a_child_of_any_thread_is_in_the_tree(parent: int) -> None:
    assert len(list(tree(parent))) == 2
    assert resident_bytes(parent) > resident_bytes(next(child for child in tree(parent) if child != parent))


def test_a_process_that_has_ended_took_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert list(tree(ended.pid)) == [ended.pid]
    assert (cpu_seconds(ended.pid), peak_bytes(ended.pid)) == (0.0, 0)


def test_a_kernel_that_is_busy_for_a_moment_is_asked_again(
    parent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    iterdir, read_text = Path.iterdir, Path.read_text

    def refuse_once(path: Path) -> None:
        if str(path) not in asked:
            asked.add(str(path))
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(path))

    def listed(path: Path) -> Iterator[Path]:
        refuse_once(path)
        return iterdir(path)

    def read(path: Path) -> str:
        refuse_once(path)
        return read_text(path)

    monkeypatch.setattr(Path, "iterdir", listed)
    monkeypatch.setattr(Path, "read_text", read)

    assert len(list(tree(parent))) == 2
    assert any(path.endswith("/children") for path in asked)
