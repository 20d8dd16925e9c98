"""API4:2023, unrestricted resource consumption: to make the server spend without bound.

Each limit is tried below, at and above its border: what is within is answered, what is beyond is refused with the
status and the limit in words, and nothing is written. Slow, idle and packed callers: tests/security/wire.
"""

from collections.abc import Callable

import pytest

from stanchion.access.bearer import MAX_TOKEN_BYTES
from stanchion.access.token_request import MAX_FORM_BYTES
from stanchion.model.json_text import MAX_DEPTH as JSON_DEPTH
from stanchion.model.json_text import MAX_VALUES
from stanchion.odata.batch import MAX_REQUESTS
from stanchion.odata.filter import MAX_BYTES, MAX_DEPTH, MAX_TESTS
from stanchion.odata.options import MAX_PAGE_SIZE
from stanchion.settings import Settings
from stanchion.web.answering import MAX_CLIENT_REQUEST_ID
from tests.conftest import MICROSOFT, TENANT, Api, Serve, control
from tests.web.batching import BATCH, get

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
LIMITS = Settings()


def nested(levels: int) -> bytes:
    """Return a score whose JSON has so many levels."""
    inside = levels - 1
    return b'{"id":"a","x":' + b"[" * inside + b"]" * inside + b"}"


def values(count: int) -> bytes:
    """Return a score of so many values in all: itself, its id, an array and its items."""
    return b'{"id":"a","x":[' + b",".join([b"1"] * (count - 3)) + b"]}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (nested(JSON_DEPTH), 201),
        (nested(JSON_DEPTH + 1), 400),
        (values(MAX_VALUES - 10), 201),
        (values(MAX_VALUES + 10), 400),
        (b'{"id":"' + b"i" * 256 + b'"}', 201),
        (b'{"id":"' + b"i" * 257 + b'"}', 400),
        (b'{"id":"a","x":' + b"9" * 5000 + b"}", 400),
        (b'{"id":"a","x":1e' + b"9" * 5000 + b"}", 400),
    ],
    ids=["deep", "too deep", "many values", "too many", "a long id", "too long", "digits", "an exponent"],
)
async def test_a_body_is_bounded_in_depth_values_and_ids(api: Api, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await api.send("POST", SCORES, content=body, headers=headers)
    assert reply.status_code == status, reply.text[:300]


@pytest.mark.parametrize(("extra", "status"), [(-1, 201), (0, 201), (1, 413)])
async def test_a_body_is_bounded_in_bytes(serve: Serve, extra: int, status: int) -> None:
    async with serve(Settings(max_body_bytes=100_000)) as api:
        frame = b'{"id":"a","x":""}'
        body = frame[:-2] + b"x" * (100_000 + extra - len(frame)) + frame[-2:]
        headers = {"Content-Type": "application/json"}
        reply = await api.send("POST", SCORES, content=body, headers=headers)
        assert reply.status_code == status
        if status == 413:
            assert "100,000" in reply.json()["error"]["message"]


@pytest.mark.parametrize(("extra", "status"), [(-1, 200), (0, 200), (1, 414)])
async def test_an_address_is_bounded(api: Api, extra: int, status: int) -> None:
    head = f"{SCORES}?x="
    length = LIMITS.max_url_bytes + extra - len(head) + 1  # The question mark is not counted.
    assert (await api.send("GET", head + "x" * length)).status_code == status


@pytest.mark.parametrize(("extra", "status"), [(-1, 200), (0, 200), (1, 431)])
async def test_headers_are_bounded(api: Api, extra: int, status: int) -> None:
    sent = (await api.send("GET", SCORES, headers={"X-Long": ""})).request.headers
    size = sum(len(name) + len(value) for name, value in sent.items())
    padding = "x" * (LIMITS.max_header_bytes + extra - size)
    assert (await api.send("GET", SCORES, headers={"X-Long": padding})).status_code == status


def or_of(count: int) -> str:
    return " or ".join(["id eq 'a'"] * count)


def levels_of(depth: int) -> str:
    return "(" * depth + "id eq 'a'" + ")" * depth


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (or_of(MAX_TESTS), or_of(MAX_TESTS + 1)),
        (levels_of(MAX_DEPTH - 2), levels_of(MAX_DEPTH + 1)),
        ("id eq '" + "x" * (MAX_BYTES - 8) + "'", "id eq '" + "x" * (MAX_BYTES - 7) + "'"),
        ("not " * 5 + "(id eq 'a')", "not " * 500 + "(id eq 'a')"),
        ("concat(id,id) eq 'a'", "concat(" * 400 + "id,id" + ")" * 400 + " eq 'a'"),
        ("controlScores/any(c:c/score gt 1)", " or ".join(["controlScores/any(c:c/score gt 1)"] * 110)),
    ],
    ids=["tests", "levels", "bytes", "not", "calls", "any"],
)
async def test_a_filter_is_bounded(api: Api, within: str, beyond: str) -> None:
    for filter_, status in ((within, 200), (beyond, 400)):
        reply = await api.client.get(
            SCORES, params={"$filter": filter_}, headers={"Authorization": f"Bearer {api.token()}"}
        )
        assert reply.status_code == status, reply.text[:300]


@pytest.mark.parametrize("top", [MAX_PAGE_SIZE, MAX_PAGE_SIZE + 1, 10**9, 10**30])
async def test_a_page_is_bounded_whatever_is_asked(api: Api, top: int) -> None:
    api.add(*(control(f"c{n}") for n in range(MAX_PAGE_SIZE + 5)))
    reply = await api.send("GET", f"/v1.0/security/secureScoreControlProfiles?$top={top}")
    assert reply.status_code in {200, 400}
    if reply.status_code == 200:
        assert len(reply.json()["value"]) == MAX_PAGE_SIZE
    beyond = await api.send("GET", f"{SCORES}?$skip={10**30}")
    assert beyond.status_code == 400 or beyond.json()["value"] == []


@pytest.mark.parametrize(("count", "status"), [(MAX_REQUESTS, 200), (MAX_REQUESTS + 1, 400), (5_000, 400)])
async def test_a_batch_is_bounded(api: Api, count: int, status: int) -> None:
    requests = [get(str(n), "/security/secureScores") for n in range(count)]
    assert (await api.send("POST", BATCH, json={"requests": requests})).status_code == status


@pytest.mark.parametrize(("extra", "status"), [(0, 401), (1, 413)])
async def test_a_form_for_a_token_is_bounded(api: Api, extra: int, status: int) -> None:
    head = "grant_type=client_credentials&client_id=a&client_secret=b&scope=x/.default&x="
    reply = await api.client.post(
        f"/{TENANT}/oauth2/v2.0/token",
        content=head + "x" * (MAX_FORM_BYTES + extra - len(head)),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert reply.status_code == status


async def test_a_token_is_bounded(api: Api) -> None:
    for size in (MAX_TOKEN_BYTES, MAX_TOKEN_BYTES + 1):
        assert (await api.send("GET", SCORES, token="x" * size)).status_code == 401


@pytest.mark.parametrize(
    ("size", "echoed"), [(MAX_CLIENT_REQUEST_ID, True), (MAX_CLIENT_REQUEST_ID + 1, False)]
)
async def test_an_id_that_is_echoed_is_bounded(api: Api, size: int, *, echoed: bool) -> None:
    reply = await api.send("GET", SCORES, headers={"client-request-id": "x" * size})
    assert (reply.headers["client-request-id"] == "x" * size) == echoed


LONG: list[Callable[[str], str]] = [
    lambda text: f"/v1.0/security/secureScores/{text}",
    lambda text: f"/v1.0/{text}",
    lambda text: f"{SCORES}?$orderby={text}",
    lambda text: f"{SCORES}?$filter={text} eq 1",
    lambda text: f"{SCORES}?$skiptoken={text}",
    lambda text: f"{SCORES}/delta()?$deltatoken={text}",
]


@pytest.mark.parametrize("address", LONG)
async def test_no_refusal_grows_with_what_was_sent(api: Api, address: Callable[[str], str]) -> None:
    reply = await api.send("GET", address("x" * 3_000))
    assert reply.status_code in {400, 404, 410}
    assert len(reply.content) < 2_000


async def test_no_refusal_of_a_body_grows_with_it(api: Api) -> None:
    api.add(control())
    for body in ({"x" * 100_000: 1}, {"state": "x" * 100_000}, {"maxScore": ["x"] * 10_000}):
        reply = await api.send("PATCH", CONTROL, json={**body, "vendorInformation": MICROSOFT})
        assert (reply.status_code, len(reply.content) < 2_000) == (400, True)
