"""Under strace: each 204 is sent after an fdatasync of the log that came after its write to the log."""

import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.crash.killing import CHEATING
from tests.crash.trace import CALLS, SHOWN_BYTES, unproven
from tests.crash.writers import DECISIONS, write
from tests.serving.place import Place
from tests.serving.process import STANCHION, running

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("watches the log of the file by strace")]
_TRACER_SECONDS = 120.0
_TRACED = 800


@pytest.fixture(scope="module", autouse=True)
def _strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed.")
    probe = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"strace may not trace here: {probe.stderr.strip()}")


def test_each_204_follows_an_fdatasync_that_follows_its_write_to_the_log(
    file_place: Place, tmp_path: Path
) -> None:
    answered, wrong = traced_writers(file_place, tmp_path, STANCHION)

    assert wrong == []
    assert answered > 100


@pytest.mark.parametrize(("fault", "found"), [("early", "written to the log"), ("unsynced", "synchronised")])
def test_a_build_that_cheats_is_found_out(file_place: Place, tmp_path: Path, fault: str, found: str) -> None:
    answered, wrong = traced_writers(file_place, tmp_path, (*CHEATING, fault))

    assert answered > 100
    assert len(wrong) > answered / 2
    assert found in wrong[0]


def traced_writers(place: Place, folder: Path, program: Sequence[str]) -> tuple[int, list[str]]:
    """Let some writers write to a traced server; return how many 204s it sent and what is wrong with them."""
    trace = folder / "trace"
    # -D makes the server the child of this process; the tracer ends when the last traced process did.
    strace = ("strace", "-D", "-f", "-y", "-s", str(SHOWN_BYTES), "-e", f"trace={CALLS}", "-e", "signal=none")
    with running(place, program=(*strace, "-o", str(trace), *program)) as server:
        load = asyncio.run(
            write(
                place,
                server.port,
                name="traced",
                writers=16,
                kinds=DECISIONS,
                enough=lambda notes: notes.acknowledged >= _TRACED,
            )
        )
        assert server.stop() == 0
        wait_for_end(trace, server.process.pid)
    with trace.open(encoding="latin-1") as lines:
        answered, wrong = unproven(lines)
    assert answered == len(load.acknowledged)
    return answered, wrong


def wait_for_end(trace: Path, pid: int) -> None:
    """Wait until the tracer has written that the main process ended."""
    end = time.monotonic() + _TRACER_SECONDS
    # A short pid is padded.
    exited = re.compile(rf"^{pid} +\+\+\+ exited", re.MULTILINE)
    while exited.search(trace.read_text(encoding="latin-1")) is None:
        assert time.monotonic() < end
        time.sleep(0.05)
