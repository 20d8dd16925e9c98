"""What databases like to do each in its own way is answered with the same bytes by both."""

import httpx
import pytest

from stanchion.model.edm import SECURE_SCORES
from tests.differential.hard import BETA, Asked, controls, reads, scores
from tests.differential.twins import Twins

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


@pytest.fixture(scope="module")
async def filled(shared_twins: Twins) -> Twins:
    """Both with the hard entities; no request of those below that share them changes any."""
    answers = [await shared_twins.ask("POST", BETA, json=made) for made in controls()]
    assert sum(answer.status_code == httpx.codes.CREATED for answer in answers) > len(answers) / 2
    shared_twins.add(*scores(), entity_set=SECURE_SCORES)
    return shared_twins


@pytest.mark.parametrize("asked", reads(), ids=lambda asked: asked.name.encode("unicode_escape").decode())
async def test_it_is_answered_the_same(filled: Twins, asked: Asked) -> None:
    await filled.ask(asked.method, asked.path, headers=asked.headers, json=asked.json, content=asked.content)
