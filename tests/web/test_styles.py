"""How answers are written: levels of metadata, numbers as text, `$format`, versions, and the metadata as JSON."""

import json

import pytest

from stanchion.model.edm import SECURE_SCORES
from tests.conftest import MICROSOFT, ORIGIN, TENANT, Api, control, score
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
SCORE = f"{SCORES}/{TENANT}_2026-01-31"
CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
CONTENT_TYPE = "application/json;odata.metadata={};odata.streaming=true;IEEE754Compatible={};charset=utf-8"


@pytest.mark.parametrize("path", [SCORES, SCORE, f"{SCORE}/vendorInformation", "/v1.0/security", "/v1.0"])
@pytest.mark.parametrize("spelling", ["odata.metadata", "metadata", "OData.Metadata"])
@pytest.mark.parametrize("level", ["none", "minimal", "full"])
async def test_the_level_of_metadata_is_honoured_and_told(
    api: Api, path: str, spelling: str, level: str
) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    reply = await api.send("GET", path, headers={"Accept": f"application/json;{spelling}={level}"})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == CONTENT_TYPE.format(level, "false")
    assert ("@odata.context" in reply.json()) is (level != "none")
    if path not in {"/v1.0", SCORES}:
        assert ("@odata.type" in reply.json()) is (level == "full")
    same = await api.send("GET", f"{path}?$format=application/json;{spelling}={level}")
    assert (same.content, same.headers["content-type"]) == (reply.content, reply.headers["content-type"])


async def test_full_metadata_names_each_entity_of_a_page_by_its_address(api: Api) -> None:
    api.add(control("a b"), control("delta"))
    page = await api.send(
        "GET", "/v1.0/security/secureScoreControlProfiles?$select=title&$format=json;odata.metadata=full"
    )
    for row, id in zip(page.json()["value"], ["a b", "delta"], strict=True):
        assert row["@odata.type"] == "#microsoft.graph.secureScoreControlProfile"
        assert row["@odata.id"] == row["@odata.editLink"]
        assert (await api.send("GET", row["@odata.id"])).json()["id"] == id


async def test_without_metadata_a_page_still_has_its_link_and_count(api: Api) -> None:
    api.add(control("a"), control("b"))
    path = "/v1.0/security/secureScoreControlProfiles?$top=1&$count=true&$format=json;odata.metadata=none"
    first = await api.send("GET", path)
    assert list(first.json()) == ["@odata.count", "@odata.nextLink", "value"]
    second = await api.send("GET", first.json()["@odata.nextLink"])
    assert list(second.json()) == ["@odata.count", "value"]
    assert second.headers["content-type"] == CONTENT_TYPE.format("none", "false")


async def test_for_ieee_754_the_count_is_text_and_the_numbers_are_not(api: Api) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    headers = {"Accept": "application/json;IEEE754Compatible=true"}
    reply = await api.send("GET", f"{SCORES}?$count=true", headers=headers)
    assert reply.headers["content-type"] == CONTENT_TYPE.format("minimal", "true")
    assert reply.json()["@odata.count"] == "1"
    assert reply.json()["value"][0]["currentScore"] == 12.5


async def test_a_write_answers_in_the_style_that_was_asked(api: Api) -> None:
    headers = {"Accept": "application/json;odata.metadata=none"}
    made = await api.send("POST", SCORES, json=score(), headers=headers)
    assert made.status_code == 201
    assert "@odata.context" not in made.json()
    merged = await api.send("PATCH", f"{SCORE}?$format=json;odata.metadata=full", json={"maxScore": 60})
    assert merged.json()["@odata.type"] == "#microsoft.graph.secureScore"
    api.add(control())
    body = {"comment": "x", "vendorInformation": MICROSOFT}
    decided = await api.send(
        "PATCH", CONTROL, json=body, headers={**headers, "Prefer": "return=representation"}
    )
    assert decided.headers["content-type"] == CONTENT_TYPE.format("none", "false")


@pytest.mark.parametrize(
    ("accept", "query", "status"),
    [
        ("text/html", "", 406),
        ("text/html", "?$format=json", 200),
        ("text/html", "?format=json", 200),
        ("*/*", "?$format=xml", 406),
        ("application/json", "?$format=atom", 406),
        ("application/json;odata.metadata=verbose", "", 406),
        ("application/json;odata.metadata=verbose, */*;q=0.1", "", 406),
        ("application/json;q=0.2, text/html", "", 200),
        ("application/json;q=0", "", 406),
    ],
)
async def test_accept_is_honoured_or_refused_and_format_counts_instead(
    api: Api, accept: str, query: str, status: int
) -> None:
    for path in (SCORES, "/v1.0"):
        reply = await api.send("GET", path + query, headers={"Accept": accept})
        assert reply.status_code == status
        if status == 406:
            assert "offered: application/json, with odata.metadata" in reply.json()["error"]["message"]


async def test_a_format_that_is_not_offered_is_refused_before_the_other_options(api: Api) -> None:
    await assert_refused(api, api.send("GET", f"{SCORES}?$format=xml&$top=x"), 406, "'xml'")
    await assert_refused(api, api.send("GET", f"{SCORES}?$format=json&$top=x"), 400, "'x'")
    await assert_refused(api, api.send("GET", f"{SCORES}?$format=json&format=json"), 400, "twice")


@pytest.mark.parametrize("root", ["v1.0", "beta"])
@pytest.mark.parametrize(
    ("accept", "query", "content_type"),
    [
        (None, "", "application/xml;charset=utf-8"),
        ("*/*", "", "application/xml;charset=utf-8"),
        ("application/json, application/xml;q=0.1", "", "application/xml;charset=utf-8"),
        ("application/json", "", "application/json"),
        ("application/json;odata.metadata=minimal", "", "application/json"),
        (None, "?$format=json", "application/json"),
        ("application/xml", "?$format=application/json", "application/json"),
        ("application/json", "?$format=xml", "application/xml;charset=utf-8"),
    ],
)
async def test_metadata_is_json_for_those_who_take_nothing_else(
    api: Api, *, root: str, accept: str | None, query: str, content_type: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    reply = await api.client.get(f"/{root}/$metadata{query}", headers=headers)
    assert (reply.status_code, reply.headers["content-type"]) == (200, content_type)
    if content_type == "application/json":
        document = json.loads(reply.content)
        assert document["$EntityContainer"] == "microsoft.graph.GraphService"
        assert ("userSecurityProfile" in document["microsoft.graph"]) is (root == "beta")


@pytest.mark.parametrize("path", ["/v1.0", "/v1.0/$metadata"])
@pytest.mark.parametrize(("query", "status"), [("?$format=csv", 406), ("?$top=1", 400), ("?x=1", 200)])
async def test_a_document_has_no_options_but_its_format(api: Api, path: str, query: str, status: int) -> None:
    assert (await api.client.get(path + query)).status_code == status


async def test_security_has_no_options_either(api: Api) -> None:
    await assert_refused(
        api, api.send("GET", "/v1.0/security?$expand=secureScores"), 400, "Expand", code="ExpandNotSupported"
    )
    await assert_refused(api, api.send("GET", "/v1.0/security?$top=1"), 400, "$top")


@pytest.mark.parametrize("version", ["4.0", "4.01", "5.0"])
async def test_a_version_that_allows_4_0_is_answered_with_4_0(api: Api, version: str) -> None:
    for path in (SCORES, "/v1.0", "/v1.0/$metadata"):
        reply = await api.send("GET", path, headers={"OData-MaxVersion": version})
        assert (reply.status_code, reply.headers["odata-version"]) == (200, "4.0")


async def test_a_body_of_another_version_of_odata_is_refused(api: Api) -> None:
    for version, status in (("4.0", 201), ("4.01", 200)):
        reply = await api.send("POST", SCORES, json=score(), headers={"OData-Version": version})
        assert reply.status_code == status
    request = api.send("POST", SCORES, json=score(), headers={"OData-Version": "3.0"})
    await assert_refused(api, request, 400, "'3.0'", "allowed: 4.0, 4.01")
    # A request without a body says nothing of its own version.
    assert (await api.send("GET", SCORES, headers={"OData-Version": "3.0"})).status_code == 200


async def test_the_default_style_is_byte_for_byte_graph_s(api: Api) -> None:
    api.add(control())
    plain = await api.send("GET", CONTROL)
    asked = await api.send("GET", CONTROL, headers={"Accept": "application/json;odata.metadata=minimal"})
    assert plain.content == asked.content
    assert plain.content.startswith(
        f'{{"@odata.context":"{ORIGIN}/v1.0/$metadata#security/secureScoreControlProfiles/$entity",'.encode()
    )
