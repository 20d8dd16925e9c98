"""Who asks for an entity as they asked before is answered by a shorter way, and by no other rules."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from stanchion import app
from stanchion.access import directory as directories
from stanchion.access.token import TokenVerifier
from stanchion.app import build_server
from stanchion.errors import ServiceUnavailable
from stanchion.ledger.working_set import Stored
from stanchion.logs import Trace
from stanchion.model.edm import EntitySet
from stanchion.web.edge import Edge
from stanchion.web.exchange import Request
from stanchion.web.familiar import MAX_FAMILIAR, FamiliarReads
from tests.conftest import MICROSOFT, OTHER_TENANT, Api, control
from tests.databases import AnyStore

pytestmark = pytest.mark.anyio

CONTROLS = "/v1.0/security/secureScoreControlProfiles"
CONTROL = f"{CONTROLS}/NonOwnerAccess"
OF_EACH = frozenset({"request-id", "client-request-id"})
TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the directory be looked at once: where that has to be done anew, a request goes the whole way."""
    monkeypatch.setattr(directories, "MAX_AGE_SECONDS", 3600.0)


@pytest.fixture
def edge(api: Api) -> Edge:
    """A server that knows nobody yet."""
    api.add(control(), control(id="Long", title="x" * 9_000))
    return build_server(api.store, api.settings)


@pytest.fixture
async def client(api: Api, edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    """One who asks it."""
    transport = httpx.ASGITransport(app=edge)
    async with httpx.AsyncClient(transport=transport, base_url=api.client.base_url) as client:
        yield client


def reads_of(edge: Edge) -> FamiliarReads:
    assert edge.reads is not None
    return edge.reads


def comparable(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in OF_EACH}
    return answer.status_code, headers, answer.content


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **{n.replace("_", "-"): v for n, v in headers.items()}}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "application/json;odata.metadata=minimal"},
        {"Accept-Encoding": "gzip"},
        {"Accept-Encoding": "gzip;q=0.5, identity;q=0.1"},
        {"Prefer": "odata.maxpagesize=3", "OData-MaxVersion": "4.0"},
        {"client-request-id": "an id of the caller's"},
        {"traceparent": TRACED},
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "path", [CONTROL, f"/beta{CONTROL[5:]}", f"{CONTROLS}('NonOwnerAccess')", f"{CONTROLS}/Long"]
)
async def test_the_second_answer_is_the_first_one(
    api: Api, edge: Edge, client: httpx.AsyncClient, *, path: str, headers: dict[str, str]
) -> None:
    given = bearer(api.token(), **headers)
    first, second = [await client.get(path, headers=given) for _ in range(2)]
    assert first.status_code == 200
    assert comparable(second) == comparable(first)
    assert second.headers["request-id"] != first.headers["request-id"]
    assert second.headers["client-request-id"] == headers.get(
        "client-request-id", second.headers["request-id"]
    )
    assert reads_of(edge).taken == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", f"{CONTROL}?$select=id", {}, 200),
        ("HEAD", CONTROL, {}, 200),
        ("GET", CONTROL, {"If-None-Match": "*"}, 304),
        ("GET", CONTROL, {"Accept": "application/json;odata.metadata=full"}, 200),
        ("GET", CONTROL, {"Accept": "text/html"}, 406),
        ("GET", CONTROL, {"OData-MaxVersion": "3.0"}, 400),
        ("GET", CONTROL, {"Isolation": "snapshot"}, 412),
        ("GET", CONTROL, {"Transfer-Encoding": "gzip"}, 501),
        ("GET", CONTROL, {"Cookie": "a secret"}, 200),
        ("GET", f"{CONTROLS}/absent", {}, 404),
        ("GET", f"{CONTROL}/title", {}, 200),
        ("GET", CONTROLS, {}, 200),
        ("GET", f"{CONTROLS}/{'x' * 9_000}", {}, 414),
        ("GET", CONTROL, {"traceparent": "x" * 40_000}, 431),
        ("DELETE", CONTROL, {}, 204),
    ],
)
async def test_all_else_goes_the_whole_way(
    api: Api,
    edge: Edge,
    client: httpx.AsyncClient,
    *,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    assert (await client.get(CONTROL, headers=bearer(api.token()))).status_code == 200
    given = {**bearer(api.token()), **headers}
    assert (await client.request(method, path, headers=given)).status_code == status
    assert reads_of(edge).taken == 0


async def test_who_asks_is_judged_each_time(api: Api, client: httpx.AsyncClient) -> None:
    whole = bearer(api.token())
    for _ in range(2):
        assert (await client.get(CONTROL, headers=whole)).status_code == 200
    assert (await client.get(CONTROL)).status_code == 401
    assert (await client.get(CONTROL, headers=bearer("not a token"))).status_code == 401
    assert (await client.get(CONTROL, headers=bearer(api.token("Ledger.Import")))).status_code == 403
    for provider, status in (("SecureScore", 200), ("Another", 404)):
        limited = bearer(api.token(provider=provider))
        assert [(await client.get(CONTROL, headers=limited)).status_code for _ in range(2)] == [status] * 2
    other = bearer(api.token(tenant=OTHER_TENANT))
    assert [(await client.get(CONTROL, headers=other)).status_code for _ in range(2)] == [404] * 2
    twice = [("Authorization", whole["Authorization"])] * 2
    assert (await client.get(CONTROL, headers=twice)).status_code == 401


async def test_whichever_way_a_request_goes_its_token_is_counted_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[TokenVerifier] = []

    def verifier(*args: Any, **named: Any) -> TokenVerifier:  # noqa: ANN401 (it hands on whatever is given)
        made.append(TokenVerifier(*args, **named))
        return made[-1]

    monkeypatch.setattr(app, "TokenVerifier", verifier)
    api.add(control())
    transport = httpx.ASGITransport(app=build_server(api.store, api.settings))
    async with httpx.AsyncClient(transport=transport, base_url=api.client.base_url) as client:
        assert (await client.get(CONTROL, headers=bearer(api.token()))).status_code == 200
        (tokens,) = made
        for token, path, status in (
            (api.token(), CONTROL, 200),
            (api.token(), f"{CONTROLS}/absent", 404),
            (api.token(), f"{CONTROL}/title", 200),
            (api.token("Ledger.Import"), CONTROL, 403),
            (api.token(provider="SecureScore"), CONTROL, 200),
            (api.token(tenant=OTHER_TENANT), CONTROL, 404),
        ):
            # A token is judged where it is new.
            assert (await client.get(path, headers=bearer(token))).status_code == status
            before = tokens.recognised, tokens.judged
            assert (await client.get(path, headers=bearer(token))).status_code == status
            assert (tokens.recognised, tokens.judged) == (before[0] + 1, before[1])


class Failing:
    """A store that cannot answer point reads, or whether the directory has changed, once it `fails`."""

    def __init__(self, store: AnyStore, *, directory: bool = False) -> None:
        self._store = store
        self._directory = directory
        self.fails = False
        self.asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def get(self, tenant_id: str, entity_set: EntitySet, id: str) -> Stored | None:
        """Answer, or fail."""
        self.asked += 1
        if self.fails and not self._directory:
            raise ServiceUnavailable("The database cannot be reached; try again.")
        return await self._store.get(tenant_id, entity_set, id)

    def directory_revision(self) -> int:
        """Answer, or fail."""
        if self.fails and self._directory:
            raise ServiceUnavailable("The directory cannot be read; try again.")
        return self._store.directory_revision()


@pytest.mark.parametrize("directory", [False, True])
async def test_what_the_store_fails_at_is_told_as_ever_and_asked_once(
    api: Api, monkeypatch: pytest.MonkeyPatch, *, directory: bool
) -> None:
    answers = []
    api.add(control())
    for familiar in (True, False):
        store = Failing(api.store, directory=directory)
        edge = build_server(store, api.settings)  # type: ignore[arg-type]
        edge.reads = edge.reads if familiar else None
        transport = httpx.ASGITransport(app=edge)
        async with httpx.AsyncClient(transport=transport, base_url=api.client.base_url) as client:
            given = bearer(api.token(), client_request_id="an id")
            assert (await client.get(CONTROL, headers=given)).status_code == 200
            store.fails = True
            with monkeypatch.context() as patch:
                if directory:
                    # What was read of it is too old by now.
                    patch.setattr(directories, "MAX_AGE_SECONDS", 0.0)
                answers.append(await client.get(CONTROL, headers=given))
        assert store.asked == (1 if directory else 2)
    first, second = answers
    assert (first.status_code, first.headers["cache-control"]) == (503, "no-cache")
    assert {n: v for n, v in comparable(first)[1].items() if n != "content-length"} == {
        n: v for n, v in comparable(second)[1].items() if n != "content-length"
    }
    assert first.json()["error"]["message"] == second.json()["error"]["message"]


async def test_a_write_is_seen_by_the_next_who_ask(api: Api, edge: Edge, client: httpx.AsyncClient) -> None:
    given = bearer(api.token())
    for number in range(3):
        written = {"comment": f"comment {number}", "state": "Reviewed", "vendorInformation": MICROSOFT}
        await client.patch(CONTROL, headers=given, json=written)
        shown = (await client.get(CONTROL, headers=given)).json()
        assert shown["controlStateUpdates"][0]["comment"] == f"comment {number}"
    assert reads_of(edge).taken == 2


async def test_headers_that_may_hold_a_secret_are_not_kept(
    api: Api, edge: Edge, client: httpx.AsyncClient
) -> None:
    for name in ("Cookie", "Proxy-Authorization", "X-Api-Key", "Ocp-Apim-Subscription-Key"):
        answer = await client.get(CONTROL, headers={**bearer(api.token()), name: "a secret"})
        assert answer.status_code == 200
    await client.get(CONTROL, headers={**bearer(api.token()), "User-Agent": "x" * 2_000})
    assert len(reads_of(edge)) == 0


async def test_only_so_many_headers_are_kept(api: Api, edge: Edge, client: httpx.AsyncClient) -> None:
    for number in range(MAX_FAMILIAR + 2):
        await client.get(CONTROL, headers={**bearer(api.token()), "User-Agent": f"client {number}"})
    assert len(reads_of(edge)) == 2


async def test_a_known_request_is_read_as_any_other(api: Api, edge: Edge) -> None:
    given = bearer(api.token(), client_request_id="an id", traceparent=TRACED)
    seen = []

    async def watched(scope: dict[str, object], receive: object, send: object) -> None:
        seen.append(scope)
        await edge(scope, receive, send)  # type: ignore[arg-type]

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=watched),  # type: ignore[arg-type]
        base_url=api.client.base_url,
    ) as watching:
        await watching.get(CONTROL, headers=given)

    async def receive() -> dict[str, object]:
        raise AssertionError("nothing is read")

    trace = Trace("an id")
    (scope,) = seen
    known = reads_of(edge).recognised(scope, receive, trace=trace)
    assert known is not None
    assert known[0] == Request.of(scope, receive, trace=trace)
