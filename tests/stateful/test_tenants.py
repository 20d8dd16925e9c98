"""No tenant ever sees another's data, and each sees its own as it was written, whatever anybody does."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.faults import FAULTS
from tests.stateful.machine import ServedTenants, Tenants
from tests.stateful.profiles import BRIEF, SERVED

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_tenants_and_callers_get_what_the_model_says() -> None:
    run_state_machine_as_test(Tenants, settings=BRIEF)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_they_get_it_of_a_server_that_is_stopped_and_killed_between() -> None:
    run_state_machine_as_test(ServedTenants, settings=SERVED)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_machine_comes_upon(fault: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.stateful.faulty", fault],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stdout[-500:] + ran.stderr[-2000:]
    assert ran.stdout.startswith(f"found {fault}: ")
