"""Graph's limits on requests: what is one too many is 429, and waiting as long as it says is enough."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import httpx
import pytest

from stanchion.access.caller import Caller
from stanchion.app import build_server
from stanchion.errors import TooManyRequests
from stanchion.ledger.changes import Actor
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.odata.query import ListQuery
from stanchion.settings import Settings
from stanchion.web.throttle import GRAPH, Limit, Limits, Throttle
from tests.conftest import OTHER_TENANT, TENANT, Api, Serve, control, score
from tests.databases import AnyStore
from tests.web.batching import CONTROLS, DECISION, SCORES, batched, get, patch, statuses

SMALL = Limits(
    in_time=(
        Limit(requests=3, seconds=60, sets=(SECURE_SCORES,)),
        Limit(requests=5, seconds=600, sets=(SECURE_SCORES, CONTROL_PROFILES)),
        Limit(requests=8, seconds=10, sets=None),
    ),
    at_once=2,
    sets=(SECURE_SCORES, CONTROL_PROFILES),
)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def caller(app: str = "an app", tenant: str = TENANT) -> Caller:
    return Caller(tenant, Actor("an issuer", TENANT, "a name"), app, frozenset(), delegated=False)


def ask(
    throttle: Throttle, entity_set: EntitySet | None, *, who: Caller | None = None, times: int = 1
) -> None:
    for _ in range(times):
        with throttle.turn(who or caller(), entity_set):
            pass


def wait_of(throttle: Throttle, entity_set: EntitySet | None, *, who: Caller | None = None) -> int:
    """Return how long a refused request is to wait."""
    with pytest.raises(TooManyRequests) as refusal:
        ask(throttle, entity_set, who=who)
    return int(refusal.value.headers["Retry-After"])


def test_the_limits_are_those_that_graph_publishes() -> None:
    both = (SECURE_SCORES, CONTROL_PROFILES)
    assert (
        Limits(
            in_time=(
                Limit(requests=150, seconds=60, sets=(SECURE_SCORES,)),
                Limit(requests=10_000, seconds=600, sets=both),
                Limit(requests=130_000, seconds=10, sets=None),
            ),
            at_once=4,
            sets=both,
        )
        == GRAPH
    )


def test_the_limit_reached_first_refuses_and_says_how_long(clock: Clock) -> None:
    throttle = Throttle(SMALL, clock=clock)
    ask(throttle, SECURE_SCORES, times=3)
    assert wait_of(throttle, SECURE_SCORES) == 60
    ask(throttle, CONTROL_PROFILES, times=2)
    assert wait_of(throttle, CONTROL_PROFILES) == 600
    ask(throttle, USER_PROFILES)
    ask(throttle, None, times=2)
    assert wait_of(throttle, USER_PROFILES) == 10


def test_what_is_refused_counts_nowhere(clock: Clock) -> None:
    throttle = Throttle(SMALL, clock=clock)
    ask(throttle, SECURE_SCORES, times=3)
    for _ in range(50):
        wait_of(throttle, SECURE_SCORES)
    ask(throttle, CONTROL_PROFILES, times=2)


@pytest.mark.parametrize("passed", [0.0, 0.5, 17.25, 59.001, 59.999])
def test_waiting_as_long_as_said_is_enough(clock: Clock, passed: float) -> None:
    throttle = Throttle(SMALL, clock=clock)
    ask(throttle, SECURE_SCORES, times=3)
    clock.seconds += passed
    wait = wait_of(throttle, SECURE_SCORES)
    assert 1 <= wait <= 60
    clock.seconds += wait
    ask(throttle, SECURE_SCORES)


def test_of_several_limits_the_longest_wait_is_told(clock: Clock) -> None:
    throttle = Throttle(SMALL, clock=clock)
    ask(throttle, CONTROL_PROFILES, times=2)
    ask(throttle, SECURE_SCORES, times=3)
    assert wait_of(throttle, SECURE_SCORES) == 600
    clock.seconds += 600
    ask(throttle, SECURE_SCORES)


def test_apps_and_tenants_are_counted_apart_but_for_the_limit_across_tenants(clock: Clock) -> None:
    throttle = Throttle(SMALL, clock=clock)
    ask(throttle, SECURE_SCORES, times=3)
    ask(throttle, SECURE_SCORES, who=caller("another app"), times=3)
    ask(throttle, SECURE_SCORES, who=caller(tenant=OTHER_TENANT), times=3)
    ask(throttle, CONTROL_PROFILES, who=caller(tenant=OTHER_TENANT), times=2)
    for tenant in (TENANT, OTHER_TENANT):
        assert wait_of(throttle, None, who=caller(tenant=tenant)) == 10
    ask(throttle, None, who=caller("another app"))


def test_only_so_many_run_at_once(clock: Clock) -> None:
    throttle = Throttle(SMALL, clock=clock)
    with throttle.turn(caller(), SECURE_SCORES), throttle.turn(caller(), CONTROL_PROFILES):
        assert wait_of(throttle, CONTROL_PROFILES) == 1
        ask(throttle, USER_PROFILES)
        ask(throttle, CONTROL_PROFILES, who=caller("another app"))
    ask(throttle, CONTROL_PROFILES)


def test_a_request_that_fails_runs_no_more(clock: Clock) -> None:
    throttle = Throttle(SMALL, clock=clock)
    for _ in range(2):
        with pytest.raises(LookupError), throttle.turn(caller(), CONTROL_PROFILES):
            raise LookupError
    ask(throttle, CONTROL_PROFILES)


def test_no_more_counts_are_kept_than_may_and_the_oldest_go_first(clock: Clock) -> None:
    throttle = Throttle(SMALL, clock=clock, max_counts=4)
    ask(throttle, SECURE_SCORES, who=caller("app 0"), times=3)
    for number in range(1, 4):
        ask(throttle, SECURE_SCORES, who=caller(f"app {number}"), times=3)
    assert wait_of(throttle, SECURE_SCORES, who=caller("app 0")) == 60
    for number in range(4, 1000):
        ask(throttle, SECURE_SCORES, who=caller(f"app {number}"))
        assert throttle.counts <= 4 * len(SMALL.in_time)
    ask(throttle, SECURE_SCORES, who=caller("app 0"))


@pytest.fixture
async def api(serve: Serve) -> AsyncIterator[Api]:
    """A server that throttles as Graph does, with twenty controls."""
    async with serve(Settings(throttle="graph")) as served:
        served.add(*(control(f"C{number}") for number in range(20)))
        yield served


@pytest.mark.anyio
async def test_the_request_over_the_limit_is_429_in_graph_s_words(api: Api) -> None:
    for _ in range(150):
        assert (await api.send("GET", f"/v1.0{SCORES}/none")).status_code == 404
    reply = await api.send("GET", f"/v1.0{SCORES}")
    assert reply.status_code == 429
    assert 0 < int(reply.headers["retry-after"]) <= 60
    error = reply.json()["error"]
    assert error["code"] == "TooManyRequests"
    assert error["message"].startswith("Please retry again later")
    assert "150 requests in 60 seconds" in error["message"]
    inner = error["innerError"]
    assert (inner["code"], inner["status"], inner["message"]) == ("429", "429", "Please retry after")
    assert inner["request-id"] == reply.headers["request-id"]
    # Other sets, apps and tenants have limits of their own; so has what needs no token.
    assert (await api.send("GET", f"/v1.0{CONTROLS}")).status_code == 200
    assert (await api.send("GET", f"/v1.0{SCORES}", token=api.token(tenant=OTHER_TENANT))).status_code == 200
    other = api.token("SecurityEvents.Read.All")
    assert (await api.send("GET", f"/v1.0{SCORES}", token=other)).status_code == 200
    assert (await api.client.get("/v1.0/$metadata")).status_code == 200
    assert (await api.client.get(f"/v1.0{SCORES}")).status_code == 401


@pytest.mark.anyio
async def test_each_request_of_a_batch_is_judged_by_itself(api: Api) -> None:
    for _ in range(7):
        assert statuses(await batched(api, *(get(n, SCORES) for n in range(20)))) == [200] * 20
    assert statuses(await batched(api, *(get(n, SCORES) for n in range(11)))) == [200] * 10 + [429]
    answers = await batched(api, get(1, SCORES), get(2, f"{CONTROLS}/C1"), get(3, CONTROLS, dependsOn=[1]))
    assert statuses(answers) == [429, 200, 424]
    assert 0 < int(answers[0]["headers"]["Retry-After"]) <= 60
    assert answers[0]["body"]["error"]["code"] == "TooManyRequests"


@pytest.mark.anyio
async def test_a_batch_does_not_trip_over_its_own_requests(api: Api) -> None:
    answers = await batched(api, *(patch(n, f"C{n}") for n in range(20)))
    assert statuses(answers) == [204] * 20


@pytest.mark.anyio
async def test_of_many_writes_at_once_four_are_made_and_the_others_come_again(api: Api) -> None:
    path = f"/v1.0{CONTROLS}"
    replies = await asyncio.gather(*(api.send("PATCH", f"{path}/C{n}", json=DECISION) for n in range(20)))
    found = sorted(reply.status_code for reply in replies)
    assert found[0] == 204
    assert found[-1] == 429
    assert {reply.headers["retry-after"] for reply in replies if reply.status_code == 429} == {"1"}
    assert (await api.send("PATCH", f"{path}/C0", json=DECISION)).status_code == 204


class Slow:
    """A store whose pieces of long lists wait for a gate; `all_wait` once so many do."""

    def __init__(self, store: AnyStore, *, lists: int) -> None:
        self._store = store
        self._lists = lists
        self.gate, self.all_wait = asyncio.Event(), asyncio.Event()
        self.asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def piece(self, tenant_id: str, query: ListQuery, ids: tuple[str, ...]) -> bytes:
        """Wait, then read."""
        self.asked += 1
        if self.asked == self._lists:
            self.all_wait.set()
        await self.gate.wait()
        return await self._store.piece(tenant_id, query, ids)


@pytest.mark.anyio
async def test_a_long_list_runs_until_all_of_it_is_read(api: Api) -> None:
    days = [f"2026-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29)]
    api.add(*(score(day, note="x" * 40_000) for day in days), entity_set=SECURE_SCORES)
    store = Slow(api.store, lists=4)
    transport = httpx.ASGITransport(build_server(store, api.settings))  # type: ignore[arg-type]
    given = {"Authorization": f"Bearer {api.token()}"}
    async with httpx.AsyncClient(transport=transport, base_url=api.client.base_url) as client:
        lists = [asyncio.create_task(client.get(f"/v1.0{SCORES}", headers=given)) for _ in range(4)]
        await asyncio.wait_for(store.all_wait.wait(), 60)
        refused = await client.get(f"/v1.0{CONTROLS}", headers=given)
        assert (refused.status_code, refused.headers.get("retry-after")) == (429, "1")
        store.gate.set()
        for reply in await asyncio.gather(*lists):
            assert len(reply.json()["value"]) == len(days)
        asked = store.asked
        assert (await client.head(f"/v1.0{SCORES}", headers=given)).status_code == 200
        assert store.asked == asked
        assert (await client.get(f"/v1.0{CONTROLS}", headers=given)).status_code == 200


@pytest.mark.anyio
async def test_nothing_is_throttled_unless_it_is_asked_for(serve: Serve) -> None:
    async with serve() as api:
        for _ in itertools.repeat(None, 160):
            assert (await api.send("GET", f"/v1.0{SCORES}")).status_code == 200
