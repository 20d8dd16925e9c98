"""`make fuzz` finds what is there to be found, and a short run of it finds nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.targets import TARGETS

BROKEN = """
import sys
from fuzz import run, targets
from fuzz.target import reading

def broken(data):
    if data.startswith(b"/v1.0"):
        raise RuntimeError("a fault of ours")

targets.TARGETS = {"url": reading(broken)}
sys.argv = ["fuzz", "url", sys.argv[1], "-runs=1000", "-artifact_prefix=" + sys.argv[1]]
run.main()
"""


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.slow
def test_a_fault_is_found_and_its_input_kept(tmp_path: Path) -> None:
    ran = fuzz("-c", BROKEN, f"{tmp_path}/")
    assert ran.returncode != 0
    assert "a fault of ours" in ran.stdout + ran.stderr
    assert [path.read_bytes()[:5] for path in tmp_path.glob("crash-*")] == [b"/v1.0"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_some_seconds_of_fuzzing_find_nothing(name: str, tmp_path: Path) -> None:
    ran = fuzz("-m", "fuzz", name, "--seconds", "3", "--corpus", str(tmp_path))
    assert ran.returncode == 0, ran.stdout[-4000:]


def test_a_target_that_is_none_is_refused_with_those_that_are() -> None:
    ran = fuzz("-m", "fuzz", "nonsense")
    assert ran.returncode == 2
    assert "no target: nonsense; there are: addresses, archive" in ran.stderr
