"""Bodies that cannot be taken: a clear 400, 413 or 415 that names the place, and nothing written."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.settings import Settings
from tests.conftest import MICROSOFT, TENANT, Api, Serve, control, score
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
SCORES = "/v1.0/security/secureScores"
SCORE = f"{SCORES}/{TENANT}_2026-01-31"
WRITES = pytest.mark.parametrize(
    ("method", "path"), [("PATCH", CONTROL), ("POST", SCORES), ("PATCH", SCORES), ("PATCH", SCORE)]
)

TEXTS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"state=Ignored", "not JSON"),
    "cut off": (b'{"comment": "x"', "not JSON"),
    "more behind": (b"{} {}", "not JSON"),
    "trailing comma": (b'{"comment": "x",}', "not JSON"),
    "empty": (b"", "empty"),
    "blank": (b"  \r\n ", "empty"),
    "array": (b'[{"comment": "x"}]', "array"),
    "string": (b'"comment"', "a string"),
    "number": (b"1", "a number"),
    "null": (b"null", "null"),
    "duplicate names": (b'{"comment": "x", "comment": "y"}', "comment appears twice"),
    "duplicate names inside": (
        b'{"vendorInformation": {"vendor": "x", "vendor": "x"}}',
        "vendor appears twice",
    ),
    "depth 1,000": (b'{"a":' * 1000 + b"1" + b"}" * 1000, "64"),
    "depth 1,000 of arrays": (b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", "64"),
    "depth 1,000,000": (b"[" * 1_000_000, "64"),
    "invalid UTF-8": (b'{"comment": "\xff"}', "UTF-8"),
    "UTF-16": ('{"comment": "x"}'.encode("utf-16"), "UTF-8"),
    "NaN": (b'{"currentScore": NaN}', "NaN"),
    "Infinity": (b'{"currentScore": -Infinity}', "Infinity"),
    "1e400": (b'{"currentScore": 1e400}', "1e400"),
    "integer beyond 64 bits": (b'{"open": 9223372036854775808}', "64 bits"),
    "5,000 digits": (b'{"open": ' + b"9" * 5000 + b"}", "64 bits"),
    "U+0000": (b'{"comment": "a\\u0000b"}', "U+0000"),
    "U+0000 in a name": (b'{"a\\u0000b": 1}', "U+0000"),
    "lone surrogate": (b'{"comment": "\\ud800"}', "surrogate"),
    "lone low surrogate": (b'{"comment": "\\udc00x"}', "surrogate"),
}


@WRITES
@pytest.mark.parametrize(("content", "named"), TEXTS.values(), ids=TEXTS.keys())
async def test_a_text_that_is_no_sound_json_object_is_refused(
    api: Api, *, method: str, path: str, content: bytes, named: str
) -> None:
    api.add(control())
    api.add(score(), entity_set=SECURE_SCORES)
    await assert_refused(api, api.send(method, path, content=content), 400, named)


@WRITES
async def test_5_mib_are_refused(api: Api, method: str, path: str) -> None:
    content = b'{"comment": "' + b"x" * (5 * 1024 * 1024) + b'"}'
    await assert_refused(api, api.send(method, path, content=content), 413, "4,194,304")


async def test_a_body_that_does_not_arrive_in_time_is_refused(serve: Serve) -> None:
    async def dawdling() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(3600)

    async with serve(Settings(request_timeout_seconds=1)) as api:
        request = api.send("PATCH", CONTROL, content=dawdling())
        await assert_refused(api, request, 408, "1 second", code="RequestTimeout")


async def test_5_mib_in_chunks_of_undeclared_length_are_refused(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 1024 * 1024

    await assert_refused(api, api.send("PATCH", CONTROL, content=chunks()), 413)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/json;charset=latin-1"]
)
async def test_a_body_of_another_media_type_is_refused(api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    request = api.send("PATCH", CONTROL, headers=headers, content=b"{}")
    await assert_refused(api, request, 415, "application/json")


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
async def test_a_compressed_body_is_refused_in_the_way_after_which_sdks_send_it_plain(
    api: Api, encoding: str
) -> None:
    headers = {"Content-Encoding": encoding}
    request = api.send("PATCH", CONTROL, headers=headers, content=gzip.compress(b"{}"))
    reply = await assert_refused(api, request, 415, encoding)
    assert reply.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", "application/json;odata.metadata=full"],
)
async def test_a_body_of_json_in_utf_8_is_taken_whatever_its_parameters(api: Api, content_type: str) -> None:
    api.add(control())
    reply = await api.send(
        "PATCH",
        "/beta" + CONTROL.removeprefix("/v1.0"),
        headers={"Content-Type": content_type},
        content=b"{}",
    )
    assert reply.status_code == 204


CONTROL_BODIES: dict[str, tuple[JsonObject, str]] = {
    "wrapped": ({"secureScoreControlProfile": {"comment": "x"}}, "secureScoreControlProfile"),
    "unknown state": ({"state": "Resolved"}, "state"),
    "null state": ({"state": None}, "state"),
    "number as state": ({"state": 1}, "state"),
    "array as state": ({"state": []}, "state"),
    "object as state": ({"state": {"a": 1}}, "state"),
    "number as comment": ({"comment": 5}, "comment"),
    "array as assignedTo": ({"assignedTo": ["a"]}, "assignedTo"),
    "Boolean as tenantNote": ({"tenantNote": True}, "tenantNote"),
    "unknown old state": ({"controlStateUpdates": "Resolved"}, "controlStateUpdates"),
    "number as controlStateUpdates": ({"controlStateUpdates": 5}, "controlStateUpdates"),
    "comment and tenantNote differ": ({"comment": "a", "tenantNote": "b"}, "tenantNote"),
    "state and old state differ": (
        {"state": "Ignored", "controlStateUpdates": "reviewed"},
        "controlStateUpdates",
    ),
    "string as vendorInformation": ({"vendorInformation": "Microsoft"}, "vendorInformation"),
    "number as vendor": ({"vendorInformation": {**MICROSOFT, "vendor": 5}}, "vendorInformation/vendor"),
    "unknown member of vendorInformation": (
        {"vendorInformation": {**MICROSOFT, "vendorr": "x"}},
        "Did you mean 'vendor'",
    ),
    "no vendorInformation": ({"vendorInformation": None}, "vendorInformation"),
    "no vendor": ({"vendorInformation": {"provider": "SecureScore"}}, "vendorInformation/vendor"),
    "no provider": ({"vendorInformation": {"vendor": "Microsoft"}}, "vendorInformation/provider"),
    "read-only title": ({"title": "another"}, "title"),
    "read-only maxScore": ({"maxScore": 6}, "maxScore"),
    "read-only id": ({"id": "another"}, "id"),
    "read-only tenant": ({"azureTenantId": "bbbbbbbb-0000-4000-8000-000000000002"}, "azureTenantId"),
    "read-only history": ({"controlStateUpdates": [{"state": "Ignored"}]}, "controlStateUpdates"),
    "read-only open property": ({"tags": ["another"]}, "tags"),
    "null of a property that has a value": ({"title": None}, "title"),
    "wrong type of a property": ({"rank": "first"}, "rank"),
    "misspelt": ({"asignedTo": "x"}, "Did you mean 'assignedTo'"),
    "unheard of": ({"somethingElse": 1}, "somethingElse"),
}


@pytest.mark.parametrize("root", ["v1.0", "beta"])
@pytest.mark.parametrize(("part", "named"), CONTROL_BODIES.values(), ids=CONTROL_BODIES.keys())
async def test_a_body_that_is_no_decision_is_refused(
    api: Api, root: str, part: JsonObject, named: str
) -> None:
    api.add(control(tags=["one"]))
    path = CONTROL.replace("v1.0", root)
    body = {"vendorInformation": MICROSOFT, "comment": "x", **part}
    if root == "beta" and part == {"vendorInformation": None}:
        assert (await api.send("PATCH", path, json=body)).status_code == 204
        return
    reply = await assert_refused(api, api.send("PATCH", path, json=body), 400, named)
    assert reply.json()["error"]["target"]


async def test_an_unknown_state_is_refused_with_the_states_allowed(api: Api) -> None:
    api.add(control())
    body = {"state": "Resolved", "vendorInformation": MICROSOFT}
    request = api.send("PATCH", CONTROL, json=body)
    await assert_refused(api, request, 400, "Resolved", "Default", "Ignored", "ThirdParty", "Reviewed")


@pytest.mark.parametrize("root", ["v1.0", "beta"])
async def test_a_vendor_that_does_not_own_the_control_is_told_who_does(api: Api, root: str) -> None:
    api.add(control())
    body = {"comment": "x", "vendorInformation": {"vendor": "Microsoft", "provider": "Defender"}}
    request = api.send("PATCH", CONTROL.replace("v1.0", root), json=body)
    await assert_refused(api, request, 404, "Microsoft/Defender", "belongs to Microsoft/SecureScore")


SCORE_BODIES: dict[str, tuple[JsonObject, str]] = {
    "text as number": ({"currentScore": "12"}, "currentScore"),
    "Boolean as number": ({"currentScore": True}, "currentScore"),
    "fraction as whole number": ({"activeUserCount": 1.5}, "activeUserCount"),
    "whole number of 33 bits": ({"activeUserCount": 2**31}, "activeUserCount"),
    "object as collection": ({"controlScores": {}}, "controlScores"),
    "text in a collection of objects": ({"controlScores": ["a"]}, "controlScores/0"),
    "null in a collection": ({"enabledServices": ["a", None]}, "enabledServices/1"),
    "text as object": ({"vendorInformation": "a"}, "vendorInformation"),
    "wrong inside": ({"controlScores": [{"score": 1}, {"score": "2"}]}, "controlScores/1/score"),
    "unknown in a closed type": ({"vendorInformation": {"unheardOf": 1}}, "unheardOf"),
    "time without a zone": ({"createdDateTime": "2026-01-31T00:00:00"}, "createdDateTime"),
    "no such day": ({"createdDateTime": "2026-02-30T00:00:00Z"}, "createdDateTime"),
    "number as time": ({"createdDateTime": 5}, "createdDateTime"),
    "null tenant": ({"azureTenantId": None}, "azureTenantId"),
    "another tenant": ({"azureTenantId": "bbbbbbbb-0000-4000-8000-000000000002"}, "azureTenantId"),
    "empty id": ({"id": ""}, "id"),
    "number as id": ({"id": 5}, "id"),
    "id of 257 characters": ({"id": "x" * 257}, "id"),
    "id with a newline": ({"id": "a\nb"}, "id"),
}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(("part", "named"), SCORE_BODIES.values(), ids=SCORE_BODIES.keys())
async def test_a_body_that_is_no_score_is_refused(
    api: Api, method: str, part: JsonObject, named: str
) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    path = SCORES if method == "POST" else SCORE
    body: dict[str, JsonValue] = (
        {"createdDateTime": "2026-02-01T00:00:00Z", **part} if method == "POST" else part
    )
    reply = await assert_refused(api, api.send(method, path, json=body), 400, named)
    assert reply.json()["error"]["target"]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (SCORES, {"currentScore": 1}, "createdDateTime"),
        ("/v1.0/security/secureScoreControlProfiles", {"title": "x"}, "'id'"),
    ],
)
async def test_a_new_entity_without_an_id_to_be_made_is_refused(
    api: Api, path: str, body: JsonObject, named: str
) -> None:
    await assert_refused(api, api.send("POST", path, json=body), 400, named)


async def test_a_patch_that_names_another_id_than_the_path_is_refused(api: Api) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    await assert_refused(api, api.send("PATCH", SCORE, json={"id": "another"}), 400, "'another'")


async def test_a_status_that_no_account_has_is_refused_with_those_it_may_have(api: Api) -> None:
    body = {"id": "u", "accounts": [{"status": "asleep"}]}
    request = api.send("POST", "/beta/security/userSecurityProfiles", json=body)
    await assert_refused(api, request, 400, "accounts/0/status", "suspended")


@pytest.mark.parametrize(("length", "status"), [("9" * 5000, 413), ("4194305", 413), ("-1", 400), ("x", 400)])
async def test_a_content_length_that_is_no_length_or_too_long_is_refused(
    api: Api, length: str, status: int
) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": length}
    await assert_refused(api, api.send("POST", SCORES, content=b"", headers=headers), status)
