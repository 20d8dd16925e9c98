"""The requests of real programs are answered with the same bytes on both databases."""

import pytest

from tests.differential.twins import Twins
from tests.web.recorded import RECORDED, Recorded
from tests.web.recorded_tenant import fill

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture(scope="module")
async def filled(shared_twins: Twins) -> Twins:
    fill(shared_twins.sqlite)
    fill(shared_twins.postgresql)
    return shared_twins


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.name)
async def test_a_recorded_request_gets_the_same_bytes(filled: Twins, recorded: Recorded) -> None:
    answer = await filled.ask(
        recorded.method, recorded.target, headers=dict(recorded.headers), json=recorded.body
    )
    assert answer.status_code in recorded.statuses
