"""`$batch`, refused: as a whole where it cannot be read, else request by request; none reaches further than alone."""

import json
from collections.abc import AsyncIterator

import pytest

from stanchion.model.json_text import JsonObject
from stanchion.settings import Settings
from tests.conftest import ORIGIN, OTHER_TENANT, TENANT, Api, Serve, control
from tests.web.batching import BATCH, CONTROLS, SCORES, batched, get, patch, statuses
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api(serve: Serve) -> AsyncIterator[Api]:
    """A server with a control."""
    async with serve() as served:
        served.add(control("C1"))
        yield served


async def test_a_batch_needs_a_token_and_reaches_its_own_tenant_alone(api: Api) -> None:
    body = {"requests": [get(1, f"{CONTROLS}/C1")]}
    await assert_refused(api, api.client.post(BATCH, json=body), 401)
    answers = await batched(
        api, get(1, f"{CONTROLS}/C1"), patch(2, "C1"), token=api.token(tenant=OTHER_TENANT)
    )
    assert statuses(answers) == [404, 404]


@pytest.mark.parametrize(
    "url", [f"{ORIGIN}/v1.0{SCORES}", "/v1.0/$metadata", "v1.0/", "/security/unknown", "/$BATCH"]
)
async def test_no_part_of_a_batch_without_a_token_is_answered(api: Api, url: str) -> None:
    await assert_refused(api, api.client.post(BATCH, json={"requests": [get(1, url)]}), 401)


async def test_a_request_speaks_for_the_batch_s_caller(api: Api) -> None:
    own, other = api.token(), api.token(tenant=OTHER_TENANT)
    answers = await batched(
        api,
        get(1, f"{CONTROLS}/C1", headers={"authorization": f"Bearer {own}"}),
        get(2, f"{CONTROLS}/C1", headers={"Authorization": f"Bearer {other}"}),
        get(3, f"{CONTROLS}/C1", headers={"Authorization": ""}),
        get(
            4, f"{CONTROLS}/C1", headers={"Authorization": f"Bearer {own}", "AUTHORIZATION": f"Bearer {own}"}
        ),
        token=own,
    )
    assert statuses(answers) == [200, 400, 400, 400]
    assert answers[1]["body"]["error"]["target"] == "Authorization"


@pytest.mark.parametrize("url", ["/$batch", "$batch", "/beta/%24Batch", f"{ORIGIN}/v1.0/$batch?a=b"])
async def test_a_batch_holds_no_other_one(api: Api, url: str) -> None:
    inner: JsonObject = {"id": 1, "method": "POST", "url": url, "body": {"requests": [get(1, SCORES)]}}
    (answer,) = await batched(api, inner)
    assert answer["status"] == 400
    assert "another" in answer["body"]["error"]["message"]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://graph.microsoft.com/v1.0/security/secureScores", 400),
        ("https://us@evil.example.com/v1.0/security", 400),
        ("//evil.example.com/v1.0/security", 400),
        ("\\\\evil.example.com\\v1.0", 400),
        (f"{ORIGIN}@evil.example.com/v1.0", 400),
        (f"{ORIGIN}/healthz", 400),
        (f"{ORIGIN}/{TENANT}/v2.0/.well-known/openid-configuration", 400),
        ("/security/secureScores\r\nX-Injected: 1", 400),
        ("/../healthz", 400),
        ("/%2e%2e/healthz", 400),
        ("/v1.0/%2e%2e/healthz", 400),
        ("/healthz", 400),
        ("/security/" + "x" * 9000, 414),
        ("/security/secureScores?$filter=" + "%20" * 4000, 414),
    ],
)
async def test_a_url_leads_nowhere_else(api: Api, url: str, status: int) -> None:
    evil, fine = await batched(api, get("evil", url), get("fine", f"{CONTROLS}/C1"))
    assert (evil["status"], fine["status"]) == (status, 200)
    assert "X-Injected" not in evil["headers"]


async def test_an_address_of_this_server_may_be_any_of_its_own(serve: Serve) -> None:
    settings = Settings(public_url=("https://posture.example.com", "https://other.example.com"))
    async with serve(settings, origin="https://posture.example.com") as api:
        urls = [
            f"https://{host}/v1.0{SCORES}"
            for host in ("OTHER.example.com:443", "posture.example.com", "localhost")
        ]
        answers = await batched(api, *(get(n, url) for n, url in enumerate(urls)))
        assert statuses(answers) == [200, 200, 400]
        context = answers[0]["body"]["@odata.context"]
        assert context.startswith("https://posture.example.com/v1.0/$metadata#")


@pytest.mark.parametrize("headers", [{"X-Large": "x" * 40_000}, {f"x-{n}": "y" * 900 for n in range(40)}])
async def test_headers_of_a_request_are_limited_as_any(api: Api, headers: JsonObject) -> None:
    (answer,) = await batched(api, get(1, SCORES, headers=headers))
    assert answer["status"] == 431


async def test_headers_of_the_connection_mean_nothing_in_a_request(api: Api) -> None:
    headers: JsonObject = {
        "Host": "evil.example.com",
        "Content-Length": "999999999999",
        "Transfer-Encoding": "chunked",
        "X-Forwarded-Host": "evil.example.com",
        "Content-Type": "application/json",
        "Prefer": "return=representation",
    }
    (answer,) = await batched(api, patch(1, "C1", headers=headers))
    assert answer["status"] == 200
    assert answer["body"]["@odata.context"].startswith(ORIGIN)


@pytest.mark.parametrize("method", ["PUT", "post", "OPTIONS", "TRACE", "CONNECT", "Unheard"])
async def test_a_method_that_a_resource_does_not_know_is_405(api: Api, method: str) -> None:
    (answer,) = await batched(api, {"id": 1, "method": method, "url": f"{CONTROLS}/C1", "body": {}})
    assert answer["status"] == 405
    assert answer["headers"]["Allow"] == "GET, HEAD, PATCH, DELETE"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_batch_is_posted(api: Api, method: str) -> None:
    reply = await api.send(method, BATCH)
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json;odata.metadata=minimal; charset=UTF-8", 200),
        ("APPLICATION/JSON", 200),
        ("multipart/mixed; boundary=batch_1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
async def test_a_batch_is_json(api: Api, content_type: str, status: int) -> None:
    content = json.dumps({"requests": [get(1, SCORES)]}).encode()
    reply = await api.send("POST", BATCH, content=content, headers={"Content-Type": content_type})
    assert reply.status_code == status
    if status == 415:
        assert "application/json" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"", 400, "empty"),
        (b"nonsense", 400, "not JSON"),
        (b"--batch_1\r\nContent-Type: application/http\r\n\r\n", 400, "not JSON"),
        (b'{"a":' * 100_000, 400, "deep"),
        (b'{"requests":[]}', 400, "0 requests"),
        (json.dumps({"requests": [get(n, SCORES) for n in range(21)]}).encode(), 400, "21 requests"),
        (json.dumps({"requests": [get("a", SCORES), get("A", SCORES)]}).encode(), 400, "twice"),
        (json.dumps({"requests": [get(1, SCORES), get("1", SCORES)]}).encode(), 400, "twice"),
        (json.dumps({"requests": [get(1, SCORES, dependsOn=[1])]}).encode(), 400, "no earlier"),
        (json.dumps({"requests": [get(10**30, SCORES)]}).encode(), 400, "64 bits"),
        (json.dumps({"requests": [get(1, SCORES, atomicityGroup="g")]}).encode(), 501, "atomicityGroup"),
        (b'{"requests":[' + b" " * 5_000_000 + b"]}", 413, "4,194,304"),
    ],
)  # fmt: skip
async def test_a_batch_that_cannot_be_read_is_refused_as_a_whole(
    api: Api, content: bytes, status: int, said: str
) -> None:
    write = json.dumps(patch("w", "C1")).encode()
    content = content.replace(b'{"requests":[{', b'{"requests":[' + write + b",{")
    headers = {"Content-Type": "application/json"}
    await assert_refused(api, api.send("POST", BATCH, content=content, headers=headers), status, said)
