"""A soak that is told to end leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.processes import tree

_BEGUN_SECONDS = 300.0
_ENDED_SECONDS = 120.0


@pytest.fixture
def soaking(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = (sys.executable, "-m", "bench.soak", "--minutes", "5", "--folder", str(tmp_path))
    # A script that starts it in the background keeps Ctrl-C from it.
    started = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 (no thread runs here)
    )
    with started:
        try:
            yield started
        finally:
            left = [*tree(started.pid)] if started.poll() is None else []
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:  # It ended meanwhile.
        return []


def _is_under_way(pid: int) -> bool:
    """Say whether an import runs beside the server, as it does from the first seconds of a soak on."""
    commands = [_arguments(each)[3:4] for each in tree(pid)]
    return ["serve"] in commands and ["import"] in commands


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sigterm_ends_a_soak_its_server_and_its_import(
    soaking: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    until = time.monotonic() + _BEGUN_SECONDS
    while not _is_under_way(soaking.pid):
        assert soaking.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    started = list(tree(soaking.pid))
    soaking.terminate()
    _, said = soaking.communicate(timeout=_ENDED_SECONDS)

    # Where the interrupt is felt, in a request or between two, nobody knows.
    assert soaking.returncode != 0, said
    # What outlives its parent goes once somebody else has taken note of its end.
    until = time.monotonic() + _ENDED_SECONDS
    while left := [pid for pid in started if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < until, left
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
