"""Requests that nobody thought of are answered with the same bytes by both databases."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stanchion.model.edm import ENTITY_SETS
from stanchion.model.json_text import JsonValue
from tests.conftest import TENANT, control
from tests.differential.generated import SETS, Query, bodies, queries
from tests.differential.hard import BETA
from tests.differential.twins import Twins
from tests.store.commands import put_all
from tests.store.filter_rows import rows_of

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]

IDS = ("one", "two", "thrée")
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"Prefer": "return=representation"},
    {"Prefer": "return=minimal"},
    {"If-Match": "*"},
    {"If-None-Match": "*"},
    {"If-Match": 'W/"x-1"'},
)


def drawn(examples: int) -> settings:
    """Return settings under which what is asked changes no later run, though it changes the store."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
async def filled(shared_twins: Twins) -> Twins:
    """Both with the entities that filters are about."""
    for name in SETS:
        for api in (shared_twins.sqlite, shared_twins.postgresql):
            api.store.run(put_all(rows_of(name), ENTITY_SETS[name], tenant_id=TENANT))
    return shared_twins


@given(query=queries())
@drawn(60)
async def test_a_generated_query_gets_the_same_bytes(filled: Twins, query: Query) -> None:
    await filled.follow(query.path, rounds=4)


@pytest.mark.slow
@given(query=queries())
@drawn(600)
async def test_many_generated_queries_get_the_same_bytes(filled: Twins, query: Query) -> None:
    await filled.follow(query.path, rounds=4)


@given(
    method=st.sampled_from(("POST", "PATCH", "PATCH", "PUT", "DELETE")),
    id=st.sampled_from(IDS),
    headers=st.sampled_from(HEADERS),
    body=bodies(),
)
@drawn(150)
async def test_generated_writes_leave_the_same(
    shared_twins: Twins, *, method: str, id: str, headers: dict[str, str], body: dict[str, JsonValue]
) -> None:
    path = BETA if method == "POST" else f"{BETA}/{id}"
    sent = {**control(id), **body} if method == "POST" else body
    await shared_twins.ask(method, path, headers=headers, json=sent)
    await shared_twins.ask("GET", f"{BETA}/{id}")


async def test_what_generated_writes_left_is_told_the_same_by_delta(shared_twins: Twins) -> None:
    await shared_twins.follow(f"{BETA}/delta?$top=2")
    assert len(await shared_twins.follow(f"{BETA}?$top=2&$orderby=title%20desc")) > 0
