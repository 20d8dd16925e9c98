"""`make fuzz` finds what is there to be found, and a short run of it finds nothing.

What is made up is bounded by a number and begins with one seed: a machine that is slow tries no less than another.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.targets import TARGETS

# The inputs of each target, in steps of so many: about as many as are read in a second and a half.
STEP, USUAL = 500, 5
STEPS = {
    "addresses": 7,
    "archive": 40,
    "assertion": 7,
    "batch": 60,
    "bearer": 3,
    "certificate": 40,
    "claims": 35,
    "decision": 40,
    "discovery": 40,
    "encoding": 70,
    "entity": 15,
    "etags": 15,
    "export": 1,
    "fields": 1,
    "filter": 3,
    "form": 6,
    "hosts": 10,
    "ids": 2,
    "instant": 240,
    "json": 50,
    "keys": 25,
    "lines": 13,
    "links": 7,
    "media": 13,
    "operations": 50,
    "options": 10,
    "properties": 55,
    "request": 6,
    "settings": 6,
    "traces": 700,
    "url": 60,
}
BROKEN = """
import sys
from fuzz import run, targets
from fuzz.target import reading

def broken(data):
    if data.startswith(b"/v1.0"):
        raise RuntimeError("a fault of ours")

targets.TARGETS = {"url": reading(broken)}
sys.argv = ["fuzz", "url", sys.argv[1], "-seed=1", "-runs=1000", "-artifact_prefix=" + sys.argv[1]]
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
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TARGETS)
def test_some_seconds_of_fuzzing_find_nothing(name: str, tmp_path: Path) -> None:
    runs = str(STEP * STEPS.get(name, USUAL))
    # A pause of the machine in the midst of an input is no finding.
    effort = ("--runs", runs, "--seed", "1", "--slow-seconds", "120")
    ran = fuzz("-m", "fuzz", name, *effort, "--corpus", str(tmp_path))
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert f"stat::number_of_executed_units: {runs}\n" in ran.stdout


def test_a_target_that_is_none_is_refused_with_those_that_are() -> None:
    ran = fuzz("-m", "fuzz", "nonsense")
    assert ran.returncode == 2
    assert "no target: nonsense; there are: addresses, archive" in ran.stderr
