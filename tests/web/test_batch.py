"""`$batch`: each request answered, checked and logged as if it came alone, those that wait after the others."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from xml.etree import ElementTree as ET

import httpx
import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject
from stanchion.settings import Settings
from tests.conftest import MICROSOFT, ORIGIN, TENANT, Api, Serve, Statements, control, score
from tests.web.batching import CONTROLS, DECISION, SCORES, batched, get, patch, sent, statuses

pytestmark = pytest.mark.anyio

READ_ONLY = "SecurityEvents.Read.All"


@pytest.fixture
async def api(serve: Serve) -> AsyncIterator[Api]:
    """A server with a score and twenty controls."""
    async with serve() as served:
        served.add(*(control(f"C{number}") for number in range(20)))
        served.add(score(), entity_set=SECURE_SCORES)
        yield served


async def test_the_answers_are_those_of_the_single_requests(api: Api) -> None:
    urls = [f"{SCORES}?$top=1", f"{CONTROLS}/C1", f"{CONTROLS}/none", "/security", f"{SCORES}?$filter=a b"]
    answers = await batched(api, *(get(place, url) for place, url in enumerate(urls)))
    for url, answer in zip(urls, answers, strict=True):
        alone = await api.send("GET", f"/v1.0{url}")
        assert answer["status"] == alone.status_code
        assert answer["headers"]["Content-Type"] == alone.headers["content-type"]
        assert answer["headers"].get("ETag") == alone.headers.get("etag")
        if alone.status_code == 200:
            assert answer["body"] == alone.json()
        else:
            assert answer["body"]["error"]["message"] == alone.json()["error"]["message"]


async def test_answers_keep_the_order_of_the_requests_whatever_waits_for_what(api: Api) -> None:
    answers = await batched(
        api,
        patch("z", "C1"),
        get("a", f"{CONTROLS}/C1", dependsOn=["z"]),
        get("m", SCORES),
        patch(7, "C2", dependsOn=["a"]),
    )
    assert [answer["id"] for answer in answers] == ["z", "a", "m", "7"]
    assert statuses(answers) == [204, 200, 200, 204]
    assert answers[1]["body"]["controlStateUpdates"][0]["comment"] == DECISION["comment"]


@pytest.mark.parametrize("root", ["v1.0", "beta"])
async def test_both_roots_have_a_batch_and_urls_are_relative_to_it(api: Api, root: str) -> None:
    users = "/security/userSecurityProfiles"
    answers = await batched(
        api,
        get(1, f"{CONTROLS}/C1"),
        get(2, users),
        get(3, f"/beta{users}"),
        get(4, f"{ORIGIN}/v1.0{CONTROLS}/C1"),
        path=f"/{root}/$batch",
    )
    assert statuses(answers) == [200, 400 if root == "v1.0" else 200, 200, 200]
    assert answers[0]["body"]["@odata.context"].startswith(f"{ORIGIN}/{root}/$metadata#")


async def test_the_batch_that_the_python_sdk_writes_is_carried_out(api: Api) -> None:
    urls = [f"{ORIGIN}/v1.0{SCORES}?%24top=2", f"{CONTROLS}/C1?%24select=id", f"/v1.0{CONTROLS}/C2"]
    requests = [
        get(str(n), url, depends_on=[], headers={"accept": "application/json"}) for n, url in enumerate(urls)
    ]
    answers = await batched(api, *requests)
    assert statuses(answers) == [200, 200, 200]
    assert all(isinstance(answer["body"], dict) for answer in answers)


async def test_the_batch_that_cipp_writes_is_carried_out(api: Api) -> None:
    requests: list[JsonObject] = [
        {
            "id": number,
            "method": "PATCH",
            "url": f"security/secureScoreControlProfiles/C{number}",
            "body": {"state": "thirdParty", "comment": "x", "vendorInformation": MICROSOFT},
            "headers": {"Content-Type": "application/json"},
        }
        for number in range(20)
    ]
    answers = await batched(api, *requests, path="/beta/$batch")
    assert [answer["id"] for answer in answers] == [str(number) for number in range(20)]
    assert set(statuses(answers)) <= {200, 204}


async def test_twenty_decisions_are_committed_together(api: Api, statements: Statements) -> None:
    before, began = await api.sequence(), statements.count("COMMIT")
    # While one write is made, the others come to wait for the next one.
    first = asyncio.create_task(
        api.send("PATCH", f"/v1.0{CONTROLS}/C0", json={**DECISION, "comment": "first"})
    )
    answers = await batched(api, *(patch(number, f"C{number}") for number in range(20)))
    assert (await first).status_code == 204
    assert statuses(answers) == [204] * 20
    assert await api.sequence() == before + 21
    assert statements.count("COMMIT") - began <= 3
    assert len({answer["headers"]["ETag"] for answer in answers}) == 20


async def test_requests_that_wait_for_one_another_are_committed_one_by_one(
    api: Api, statements: Statements
) -> None:
    began = statements.count("COMMIT")
    chain = [
        patch(n, "C1", dependsOn=[n - 1] if n else [], body={**DECISION, "comment": f"{n}"}) for n in range(5)
    ]
    assert statuses(await batched(api, *chain)) == [204] * 5
    assert statements.count("COMMIT") - began == 5
    with api.store.snapshot(TENANT) as moment:
        assert len(moment.history("C1")) == 5


async def test_what_depends_on_a_failure_is_424_and_not_done(api: Api) -> None:
    before = await api.sequence()
    answers = await batched(
        api,
        get("fails", f"{CONTROLS}/none"),
        get("fine", f"{CONTROLS}/C1"),
        patch("waits", "C1", dependsOn=["fine", "FAILS"]),
        patch("waits for it", "C2", dependsOn=["waits"]),
    )
    assert statuses(answers) == [404, 200, 424, 424]
    assert await api.sequence() == before
    error = answers[2]["body"]["error"]
    assert error["code"] == "FailedDependency"
    assert "'fails'" in error["message"]
    assert "'waits'" in answers[3]["body"]["error"]["message"]


async def test_what_is_not_modified_has_not_failed(api: Api) -> None:
    tag = (await api.send("GET", f"/v1.0{CONTROLS}/C1")).headers["etag"]
    answers = await batched(
        api,
        get(1, f"{CONTROLS}/C1", headers={"if-none-match": tag}),
        get(2, f"{CONTROLS}/C1", dependsOn=[1]),
    )
    assert statuses(answers) == [304, 200]
    assert "body" not in answers[0]


async def test_headers_of_a_request_are_its_own(api: Api) -> None:
    answers = await batched(
        api,
        patch(1, "C1", headers={"PREFER": "return=representation", "content-type": "application/json"}),
        patch(2, "C2", headers={"If-Match": 'W/"0-0"'}),
        patch(3, "C3"),
        get(4, f"{CONTROLS}/C1", headers={"Accept": "text/html"}),
        Prefer="return=representation, respond-async, continue-on-error",
    )
    assert statuses(answers) == [200, 412, 204, 406]
    assert answers[0]["headers"]["Preference-Applied"] == "return=representation"
    assert answers[0]["body"]["id"] == "C1"


async def test_a_body_may_be_in_base64url(api: Api) -> None:
    encoded = base64.urlsafe_b64encode(json.dumps({**DECISION, "comment": "wörds?>"}).encode()).decode()
    answers = await batched(
        api,
        patch(1, "C1", body=encoded.rstrip("="), headers={"Prefer": "return=representation"}),
        patch(2, "C2", body="{}"),
        patch(3, "C3", body=base64.urlsafe_b64encode(b"not JSON").decode()),
        patch(4, "C4", body=[]),
        patch(5, "C5", body=None),
        patch(6, "C6", body="{}", headers={"Content-Type": "text/plain"}),
    )
    assert statuses(answers) == [200, 400, 400, 400, 400, 415]
    assert answers[0]["body"]["controlStateUpdates"][0]["comment"] == "wörds?>"


async def test_answers_that_are_no_json_are_text_or_base64url(api: Api) -> None:
    count, metadata, deleted, headed = await batched(
        api,
        get(1, f"{CONTROLS}/$count"),
        get(2, "/$metadata"),
        {"id": 3, "method": "delete", "url": f"{CONTROLS}/C19", "dependsOn": [1]},
        {"id": 4, "method": "HEAD", "url": f"{CONTROLS}/C1"},
    )
    assert (count["body"], count["headers"]["Content-Type"]) == ("20", "text/plain;charset=utf-8")
    xml = base64.urlsafe_b64decode(metadata["body"] + "==")
    assert ET.fromstring(xml).tag.endswith("Edmx")  # noqa: S314 (our own)
    assert metadata["headers"]["Content-Type"].startswith("application/xml")
    assert (deleted["status"], "body" in deleted) == (204, False)
    assert (headed["status"], "body" in headed) == (200, False)


async def test_whatever_a_root_has_may_be_asked_for_in_a_batch(api: Api) -> None:
    urls = [
        f"{CONTROLS}/delta?$select=id&$top=2",
        "/openapi.json",
        "/docs",
        "/",
        "/$metadata?$format=json",
        f"{CONTROLS}/C1/title/$value",
        f"{CONTROLS}/C1/title",
    ]
    answers = await batched(api, *(get(place, url) for place, url in enumerate(urls)))
    for url, answer in zip(urls, answers, strict=True):
        alone = await api.send("GET", f"/v1.0{url}")
        assert (answer["status"], answer["headers"]["Content-Type"]) == (200, alone.headers["content-type"])
        is_json = answer["headers"]["Content-Type"].startswith("application/json")
        assert answer["body"] == (alone.json() if is_json else alone.text), url


async def test_answers_are_compressed_together_and_none_by_itself(api: Api) -> None:
    long = get(1, "/openapi.json", headers={"Accept-Encoding": "gzip, identity;q=0"})
    reply = await sent(api, long, Accept_Encoding="gzip")
    assert reply.headers["content-encoding"] == "gzip"
    (answer,) = reply.json()["responses"]
    assert answer["body"]["openapi"] == "3.1.0"
    assert not {name.lower() for name in answer["headers"]} & {"content-encoding", "vary"}


async def test_each_request_needs_its_own_permission(api: Api) -> None:
    answers = await batched(
        api, get(1, SCORES), patch(2, "C1"), get(3, SCORES, dependsOn=[2]), token=api.token(READ_ONLY)
    )
    assert statuses(answers) == [200, 403, 424]
    assert answers[1]["body"]["error"]["code"] == "Forbidden"


async def test_each_request_has_an_id_of_its_own_and_the_caller_s(api: Api) -> None:
    reply = await sent(
        api,
        get(1, f"{CONTROLS}/C1"),
        get(2, f"{CONTROLS}/none", headers={"client-request-id": "mine"}),
        get(3, "//evil.example.com"),
        client_request_id="the batch's",
    )
    assert reply.headers["client-request-id"] == "the batch's"
    answers = reply.json()["responses"]
    headers = [answer["headers"] for answer in answers]
    assert len({reply.headers["request-id"], *(each["request-id"] for each in headers)}) == 4
    assert [each["client-request-id"] for each in headers] == ["the batch's", "mine", "the batch's"]
    inner = answers[1]["body"]["error"]["innerError"]
    assert inner["request-id"] == headers[1]["request-id"]
    assert inner["client-request-id"] == "mine"


async def test_of_a_page_of_another_origin_the_batch_carries_the_headers(serve: Serve) -> None:
    async with serve(Settings(cors_origin=("https://app.example.com",))) as api:
        reply = await sent(api, get(1, SCORES), Origin="https://app.example.com")
        assert reply.headers["access-control-allow-origin"] == "https://app.example.com"
        (answer,) = reply.json()["responses"]
        assert not any(name.lower().startswith("access-control") for name in answer["headers"])


async def test_requests_that_each_wait_for_all_before_them_are_done(api: Api) -> None:
    answers = await batched(api, *(patch(n, f"C{n}", dependsOn=list(range(n))) for n in range(20)))
    assert statuses(answers) == [204] * 20


async def test_a_large_batch_is_carried_out(api: Api) -> None:
    long = {**DECISION, "comment": "x" * 9_000}
    answers = await batched(api, *(patch(n, f"C{n}", body=long) for n in range(20)))
    assert statuses(answers) == [204] * 20


async def test_batches_side_by_side_are_each_done(api: Api) -> None:
    before = await api.sequence()
    replies: list[httpx.Response] = await asyncio.gather(
        *(
            sent(api, *(patch(n, f"C{n}", body={**DECISION, "comment": f"{k}"}) for n in range(20)))
            for k in range(8)
        )
    )
    assert [statuses(reply.json()["responses"]) for reply in replies] == [[204] * 20] * 8
    assert await api.sequence() == before + 160
