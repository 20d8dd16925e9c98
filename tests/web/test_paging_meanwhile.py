"""The law of paging while others write: whatever stays where it is comes exactly once."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stanchion.access.operator import add_tenant
from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import MICROSOFT, OPERATOR, Api

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PATH = "/v1.0/security/secureScores"
ORDERS = [
    "",
    "$orderby=currentScore",
    "$orderby=currentScore desc",
    "$orderby=licensedUserCount desc,currentScore",
    "$orderby=vendorInformation/subProvider,createdDateTime desc",
    "$orderby=id desc",
    "$filter=maxScore ge 0&$orderby=currentScore desc",
]
# Few values, so that rows tie; null is one of them.
DRAWN: dict[str, st.SearchStrategy[JsonValue]] = {
    "createdDateTime": st.sampled_from([f"2026-01-0{day}T00:00:00Z" for day in range(1, 5)]),
    "currentScore": st.sampled_from([None, 0.0, 1.0, 2.5, 9.0]),
    "licensedUserCount": st.sampled_from([None, 1, 2]),
}
VALUES = st.fixed_dictionaries(DRAWN)


@dataclass(frozen=True)
class Write:
    """One write between two pages; `row` counts the rows that were there at first and, after them, those added."""

    kind: str
    row: int
    values: JsonObject


WRITES = st.builds(Write, st.sampled_from(["add", "move", "touch", "remove"]), st.integers(0, 15), VALUES)


@dataclass(frozen=True)
class Walk:
    """A walk over all pages, and what is written beside the reading of each page."""

    rows: list[JsonObject]
    order: str
    top: int
    meanwhile: list[list[Write]]


WALKS = st.builds(
    Walk,
    st.lists(VALUES, max_size=12),
    st.sampled_from(ORDERS),
    st.integers(1, 4),
    st.lists(st.lists(WRITES, max_size=4), max_size=6),
)


class Scene:
    """A tenant of its own, its rows by number, and how often the sort keys of each were changed."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.tenant = str(uuid4())
        add_tenant(api.store, self.tenant, name="Paged", actor=OPERATOR)
        self.token = api.token(tenant=self.tenant)
        self.ids: list[str] = []
        self.moved: Counter[str] = Counter()
        self.removed: set[str] = set()

    def fill(self, rows: list[JsonObject]) -> None:
        """Store the rows that are there at first."""
        entities = [self._entity(values) for values in rows]
        if entities:
            self.api.add(*entities, entity_set=SECURE_SCORES, tenant=self.tenant)

    async def carry_out(self, write: Write) -> None:
        """Write; no row moves twice, and none that was removed is written again."""
        if write.kind == "add":
            await self._send("POST", PATH, self._entity(write.values))
            return
        if write.row >= len(self.ids) or (id := self.ids[write.row]) in self.removed:
            return
        if write.kind == "remove":
            self.removed.add(id)
            await self._send("DELETE", f"{PATH}/{id}", None)
        elif write.kind == "touch":
            await self._send("PATCH", f"{PATH}/{id}", {"activeUserCount": len(self.moved) + write.row})
        elif not self.moved[id]:
            self.moved[id] += 1
            await self._send("PATCH", f"{PATH}/{id}", write.values)

    async def page(self, link: str) -> tuple[list[str], str | None]:
        """Return the ids of a page and the link to the next one."""
        reply = await self.api.send("GET", link, token=self.token)
        assert reply.status_code == 200, reply.text
        return [row["id"] for row in reply.json()["value"]], reply.json().get("@odata.nextLink")

    def _entity(self, values: JsonObject) -> JsonObject:
        number = len(self.ids)
        # Ids in an order that is not that of their making.
        self.ids.append(f"{number * 7 % 10}-{number}")
        information = {**MICROSOFT, "subProvider": str(number % 3) if number % 4 else None}
        return {"id": self.ids[-1], "maxScore": 10.0, "vendorInformation": information, **values}

    async def _send(self, method: str, path: str, body: JsonObject | None) -> None:
        reply = await self.api.send(method, path, token=self.token, json=body)
        # Beside its removal a row may be gone already.
        assert reply.status_code in {200, 201, 204, 404}, reply.text


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(walk=WALKS)
async def test_paging_beside_writes_visits_what_stays_once_and_what_moves_at_most_twice(
    api: Api, walk: Walk
) -> None:
    scene = Scene(api)
    scene.fill(walk.rows)
    at_first = list(scene.ids)
    visits: Counter[str] = Counter()
    link: str | None = f"{PATH}?$top={walk.top}&{walk.order}"
    meanwhile = list(walk.meanwhile)
    while link is not None:
        writes = [scene.carry_out(write) for write in (meanwhile.pop(0) if meanwhile else [])]
        page = asyncio.create_task(scene.page(link))
        await asyncio.gather(*writes)
        ids, link = await page
        visits.update(ids)
        assert visits.total() <= 4 * (len(scene.ids) + 1)
    for id in at_first:
        if not scene.moved[id] and id not in scene.removed:
            assert visits[id] == 1, (id, visits)
    assert all(visits[id] <= 1 + scene.moved[id] for id in scene.ids), (visits, scene.moved)
