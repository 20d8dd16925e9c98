"""What every reply carries: ids, versions, tags, preferences applied, and words of deprecation."""

import re

import httpx
import pytest

from stanchion.model.edm import SECURE_SCORES, USER_PROFILES
from stanchion.store import SQLiteStore
from tests.conftest import MICROSOFT, TENANT, Api, control, score
from tests.web.refusals import assert_envelope

pytestmark = pytest.mark.anyio

CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
SCORE = f"/v1.0/security/secureScores/{TENANT}_2026-01-31"
USER = "/beta/security/userSecurityProfiles/u"
BODY = {"comment": "x", "vendorInformation": MICROSOFT}
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def replies(api: Api, headers: dict[str, str] | None = None) -> list[httpx.Response]:
    """Return one reply of each kind: data, no content, documents, errors."""
    api.add(control())
    asked = [
        ("GET", CONTROL),
        ("GET", "/v1.0/security/secureScores"),
        ("GET", "/v1.0/security/secureScores/$count"),
        ("GET", "/v1.0"),
        ("GET", "/v1.0/$metadata"),
        ("GET", "/v1.0/security/nothing"),
        ("PUT", CONTROL),
        ("DELETE", "/v1.0/security/secureScores/nothing"),
    ]
    found = [await api.send(method, path, headers=headers) for method, path in asked]
    found.append(await api.send("PATCH", CONTROL, json=BODY, headers=headers))
    found.append(await api.client.get(CONTROL, headers=headers))
    return found


async def test_every_reply_says_its_version_of_odata_exactly_once(api: Api) -> None:
    for reply in await replies(api):
        assert reply.headers.get_list("odata-version") == ["4.0"]


async def test_every_reply_has_a_new_request_id(api: Api) -> None:
    ids = [reply.headers["request-id"] for reply in await replies(api)]
    assert all(GUID.fullmatch(id) for id in ids)
    assert len(set(ids)) == len(ids)


async def test_the_client_s_request_id_is_echoed_and_repeated_in_errors(api: Api) -> None:
    sent = "7c1d6a26-9b51-4c24-93a1-7a8d7d3f2b61"
    for reply in await replies(api, {"client-request-id": sent}):
        assert reply.headers.get_list("client-request-id") == [sent]
        if reply.is_error:
            assert reply.json()["error"]["innerError"]["client-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 129, "a\tb", "é".encode(), b"\xff"])
async def test_an_unusable_client_request_id_is_replaced(api: Api, sent: str | bytes) -> None:
    headers = [(b"client-request-id", sent.encode() if isinstance(sent, str) else sent)]
    reply = await api.client.get("/v1.0", headers=headers)
    assert reply.headers["client-request-id"] == reply.headers["request-id"]


async def test_only_replies_about_users_speak_of_deprecation(api: Api) -> None:
    api.add({"id": "u"}, entity_set=USER_PROFILES)
    users = [
        await api.send("GET", USER),
        await api.send("GET", "/beta/security/userSecurityProfiles"),
        await api.send("GET", "/beta/security/userSecurityProfiles/$count"),
        await api.send("PATCH", USER, json={"tags": ["a"]}),
        await api.send("GET", "/beta/security/userSecurityProfiles/nobody"),
        await api.send("PUT", USER),
    ]
    for reply in users:
        assert reply.headers["deprecation"]
        assert reply.headers["sunset"]
        assert 'rel="deprecation"' in reply.headers["link"]
    for reply in await replies(api):
        assert not {"deprecation", "sunset"} & set(reply.headers)
        assert "deprecation" not in reply.headers.get("link", "")


async def test_only_single_entities_have_a_tag_and_none_stands_in_a_body(api: Api) -> None:
    api.add(control())
    item = await api.send("GET", CONTROL)
    assert re.fullmatch(r'W/"[0-9a-f]{8}-\d+"', item.headers["etag"])
    page = await api.send("GET", "/v1.0/security/secureScoreControlProfiles")
    assert "etag" not in page.headers
    assert "@odata.etag" not in item.text + page.text


async def test_the_tag_changes_with_the_entity_and_with_nothing_else(api: Api) -> None:
    api.add(control(), control("Another"))
    before = (await api.send("GET", CONTROL)).headers["etag"]
    await api.send("PATCH", CONTROL.replace("NonOwnerAccess", "Another"), json=BODY)
    assert (await api.send("GET", CONTROL)).headers["etag"] == before
    changed = await api.send("PATCH", CONTROL, json=BODY)
    assert changed.headers["etag"] != before
    assert (await api.send("GET", CONTROL)).headers["etag"] == changed.headers["etag"]
    assert (await api.send("GET", f"{CONTROL}?$select=id")).headers["etag"] == changed.headers["etag"]
    assert (await api.send("GET", CONTROL.replace("v1.0", "beta"))).headers["etag"] == changed.headers["etag"]


def strong(tag: str) -> str:
    return tag.removeprefix("W/")


@pytest.mark.parametrize(
    "wrap", ["{tag}", "{strong}", "*", '"other", {tag}', '{tag},"other"', ' W/"a" , {strong} ']
)
async def test_a_get_of_what_the_client_holds_is_304_without_a_body(api: Api, wrap: str) -> None:
    api.add(control())
    tag = (await api.send("GET", CONTROL)).headers["etag"]
    header = wrap.format(tag=tag, strong=strong(tag))
    reply = await api.send("GET", CONTROL, headers={"If-None-Match": header})
    assert (reply.status_code, reply.content) == (304, b"")
    assert reply.headers["etag"] == tag
    assert "content-type" not in reply.headers


@pytest.mark.parametrize("header", ['"other"', 'W/"0-1"', '""'])
async def test_a_get_of_what_has_changed_is_200(api: Api, header: str) -> None:
    api.add(control())
    assert (await api.send("GET", CONTROL, headers={"If-None-Match": header})).status_code == 200


@pytest.mark.parametrize("wrap", ["{tag}", "{strong}", "*", '"other", {tag}', '{strong}, W/"other"'])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_write_goes_ahead_where_if_match_holds(api: Api, method: str, wrap: str) -> None:
    api.add(control())
    tag = (await api.send("GET", CONTROL)).headers["etag"]
    headers = {"If-Match": wrap.format(tag=tag, strong=strong(tag))}
    reply = await api.send(method, CONTROL, headers=headers, json=BODY if method == "PATCH" else None)
    assert reply.status_code == 204


@pytest.mark.parametrize(
    ("prefer", "status", "applied"),
    [
        (None, 204, None),
        ("return=representation", 200, "return=representation"),
        ("Return=Representation", 200, "return=representation"),
        ('return="representation"', 200, "return=representation"),
        ("odata.return=representation", 200, "return=representation"),
        ("respond-async, wait=5, return=representation; foo=bar", 200, "return=representation"),
        ("return=representation, return=minimal", 200, "return=representation"),
        ("return=minimal", 204, "return=minimal"),
        ("return=everything", 204, None),
        ("odata.maxpagesize=5", 204, None),
    ],
)
async def test_prefer_decides_what_a_patch_of_a_control_answers(
    api: Api, prefer: str | None, status: int, applied: str | None
) -> None:
    api.add(control())
    headers = {} if prefer is None else {"Prefer": prefer}
    for _ in ("a change", "and none"):
        reply = await api.send("PATCH", CONTROL, json=BODY, headers=headers)
        assert reply.status_code == status
        assert reply.headers.get("preference-applied") == applied
        assert ("content-type" in reply.headers) is (status == 200)
        assert bool(reply.content) is (status == 200)


@pytest.mark.parametrize(
    ("prefer", "status"), [(None, 200), ("return=representation", 200), ("Return=Minimal", 204)]
)
async def test_prefer_decides_what_a_patch_of_a_score_answers(
    api: Api, prefer: str | None, status: int
) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    headers = {} if prefer is None else {"Prefer": prefer}
    reply = await api.send("PATCH", SCORE, json={"currentScore": 1}, headers=headers)
    assert reply.status_code == status
    assert reply.headers.get("preference-applied") == (prefer.lower() if prefer else None)


async def test_prefer_is_ignored_on_get(api: Api) -> None:
    api.add(control())
    for prefer in ("return=minimal", "return=representation", "odata.maxpagesize=0"):
        for path in (CONTROL, "/v1.0/security/secureScoreControlProfiles"):
            reply = await api.send("GET", path, headers={"Prefer": prefer})
            assert reply.status_code == 200
            assert "preference-applied" not in reply.headers
            assert "NonOwnerAccess" in reply.text


async def test_the_content_type_is_the_one_that_graph_sends(api: Api) -> None:
    reply = await api.send("GET", "/v1.0/security/secureScores")
    assert reply.headers["content-type"] == (
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    )


async def test_a_fault_of_our_own_is_500_without_a_word_of_its_cause(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.database.execute("DROP TABLE secure_scores")
    for method, path in (("GET", SCORE), ("GET", "/v1.0/security/secureScores"), ("PATCH", SCORE)):
        reply = await api.send(method, path, json={} if method == "PATCH" else None)
        assert_envelope(reply, 500, "request id", code="InternalServerError")
        assert "secure_scores" not in reply.text
        assert reply.headers["odata-version"] == "4.0"
    assert caplog.text.count("secure_scores") >= 3


@pytest.mark.sqlite("writes no more to a file that failed")
async def test_readyz_fails_once_writing_has_stopped(api: Api) -> None:
    assert isinstance(api.store, SQLiteStore)
    api.store._broken = True
    reply = await api.client.get("/readyz")
    assert_envelope(reply, 503, "stopped", code="ServiceUnavailable")
    assert int(reply.headers["retry-after"]) > 0
    assert (await api.client.get("/healthz")).status_code == 200
