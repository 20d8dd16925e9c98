"""No tenant ever sees another's data, and each sees its own as it was written, whatever anybody does."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis.stateful import run_state_machine_as_test

from stanchion.store.compile import DialectName
from tests.databases import Databases
from tests.stateful.faults import FAULTS
from tests.stateful.machine import ServedTenants, Tenants, on
from tests.stateful.profiles import ROUNDS, SERVED
from tests.stateful.stores import Stores

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stores(databases: Databases, dialect: DialectName) -> Stores:
    """What lends stores with the estate in them."""
    return Stores(databases, dialect)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_tenants_and_callers_get_what_the_model_says(stores: Stores) -> None:
    run_state_machine_as_test(on(stores, Tenants), settings=ROUNDS[stores.dialect])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_they_get_it_of_a_server_that_is_stopped_and_killed_between(stores: Stores) -> None:
    run_state_machine_as_test(on(stores, ServedTenants), settings=SERVED[stores.dialect])


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
