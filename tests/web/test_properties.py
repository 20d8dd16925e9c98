"""Parts of an entity under addresses of their own: as JSON, as text, and counted."""

import pytest

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES
from stanchion.model.json_text import JsonValue
from tests.conftest import MICROSOFT, ORIGIN, OTHER_TENANT, TENANT, Api, control, score
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
SCORE = f"{SCORES}/a%2Fb.c"
CONTEXT = f"{ORIGIN}/v1.0/$metadata#security/secureScores('a%2Fb.c')"


@pytest.fixture
async def scored(api: Api) -> Api:
    """A server with one score that has declared and open properties."""
    api.add(
        score(
            id="a/b.c",
            activeUserCount=5,
            licensedUserCount=None,
            enabledServices=["HasX", "HasY"],
            controlScores=[{"controlName": "A", "score": 1.5, "count": "2"}, {"controlName": "B"}],
            openText="é\n",
            openFlag=True,
            openNull=None,
            openObject={"deep": {"er": 1}, "b": 2},
            openList=[1, 2, 3],
        ),
        entity_set=SECURE_SCORES,
    )
    return api


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("currentScore", 12.5),
        ("CurrentScore/", 12.5),
        ("id", "a/b.c"),
        ("createdDateTime", "2026-01-31T00:00:00Z"),
        ("vendorInformation/provider", "SecureScore"),
        ("enabledServices", ["HasX", "HasY"]),
        ("averageComparativeScores", []),
        ("openText", "é\n"),
        ("openList", [1, 2, 3]),
        ("openObject/deep/er", 1),
        ("microsoft.graph.secureScore/maxScore", 50.0),
    ],
)
async def test_a_property_has_an_address_of_its_own(scored: Api, path: str, value: JsonValue) -> None:
    for entity in (SCORE, f"{SCORES}('a%2Fb.c')", SCORE.replace("/v1.0", "/V1.0")):
        reply = await scored.send("GET", f"{entity}/{path}")
        assert reply.status_code == 200, reply.text
        assert reply.json()["value"] == value
        assert reply.json()["@odata.context"].startswith(f"{CONTEXT}/")
        assert reply.headers["content-type"].startswith("application/json;odata.metadata=minimal")
        assert reply.headers["odata-version"] == "4.0"


async def test_a_complex_property_is_an_object_of_its_own(scored: Api) -> None:
    reply = await scored.send("GET", f"{SCORE}/vendorInformation")
    assert reply.json() == {"@odata.context": f"{CONTEXT}/vendorInformation", **MICROSOFT}
    opened = await scored.send("GET", f"{SCORE}/openObject")
    assert opened.json() == {"@odata.context": f"{CONTEXT}/openObject", "deep": {"er": 1}, "b": 2}


async def test_select_cuts_a_complex_property_and_each_item_of_a_collection(scored: Api) -> None:
    reply = await scored.send("GET", f"{SCORE}/vendorInformation?$select=vendor")
    assert reply.json() == {
        "@odata.context": f"{CONTEXT}/vendorInformation(vendor)",
        "vendor": "Microsoft",
    }
    items = await scored.send("GET", f"{SCORE}/controlScores?$select=controlName")
    assert items.json()["value"] == [{"controlName": "A"}, {"controlName": "B"}]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("currentScore", "12.5"),
        ("activeUserCount", "5"),
        ("id", "a/b.c"),
        ("vendorInformation/vendor", "Microsoft"),
        ("openText", "é\n"),
        ("openFlag", "true"),
        ("openObject/b", "2"),
    ],
)
async def test_the_value_of_a_property_by_itself_is_plain_text(scored: Api, path: str, text: str) -> None:
    reply = await scored.send("GET", f"{SCORE}/{path}/$value", headers={"Accept": "text/plain"})
    assert (reply.status_code, reply.text) == (200, text)
    assert reply.headers["content-type"] == "text/plain;charset=utf-8"


@pytest.mark.parametrize("path", ["licensedUserCount", "openNull", "vendorInformation/subProvider"])
@pytest.mark.parametrize("value", ["", "/$value"])
async def test_a_property_that_is_null_is_204_without_content(scored: Api, path: str, value: str) -> None:
    reply = await scored.send("GET", f"{SCORE}/{path}{value}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert "content-type" not in reply.headers


async def test_a_property_within_null_is_null(api: Api) -> None:
    api.add({"id": "u"}, entity_set=USER_PROFILES)
    path = "/beta/security/userSecurityProfiles/u/vendorInformation"
    for property_path in (path, f"{path}/provider"):
        reply = await api.send("GET", property_path)
        assert reply.status_code == 204
        assert reply.headers["deprecation"]


@pytest.mark.parametrize(
    ("path", "number"),
    [("controlScores", 2), ("enabledServices", 2), ("averageComparativeScores", 0), ("openList", 3)],
)
async def test_the_items_of_a_collection_are_counted_as_text(scored: Api, path: str, number: int) -> None:
    reply = await scored.send("GET", f"{SCORE}/{path}/$count")
    assert (reply.status_code, reply.text) == (200, str(number))
    assert reply.headers["content-type"] == "text/plain;charset=utf-8"


@pytest.mark.parametrize(
    ("path", "named"),
    [("unheardOf", "unheardOf"), ("unheardOf/$value", "unheardOf"), ("openObject/x/y", "openObject/x/y")],
)
async def test_an_open_property_that_the_entity_lacks_is_not_found(
    scored: Api, path: str, named: str
) -> None:
    reply = await assert_refused(scored, scored.send("GET", f"{SCORE}/{path}"), 404, f"no property '{named}'")
    assert reply.json()["error"]["target"] == named


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("vendorInformation/unheardOf", "unheardOf"),
        ("currentScore/within", "within"),
        ("controlScores/$value", "$value"),
        ("openObject/$value", "$value"),
        ("openText/$count", "$count"),
        ("currentScore/$count", "$count"),
        ("$value", "$value"),
    ],
)
async def test_a_part_that_no_value_of_the_type_has_is_an_unknown_segment(
    scored: Api, path: str, segment: str
) -> None:
    request = scored.send("GET", f"{SCORE}/{path}")
    await assert_refused(scored, request, 400, f"Resource not found for the segment '{segment}'")


@pytest.mark.parametrize("path", ["currentScore", "enabledServices/$count", "id/$value"])
async def test_a_property_of_nothing_is_not_found(api: Api, path: str) -> None:
    await assert_refused(api, api.send("GET", f"{SCORES}/nobody/{path}"), 404, "'nobody'")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize(
    "path", ["currentScore", "vendorInformation", "currentScore/$value", "controlScores/$count"]
)
async def test_a_property_cannot_be_written_by_itself(scored: Api, method: str, path: str) -> None:
    request = scored.send(method, f"{SCORE}/{path}", json={"value": 1})
    reply = await assert_refused(scored, request, 405, method, "allowed: GET, HEAD")
    assert reply.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("controlScores?$filter=score eq 1", 501, "$filter"),
        ("controlScores?$top=1", 501, "$top"),
        ("controlScores/$count?$filter=score eq 1", 501, "$filter"),
        ("controlScores/$count?search=x", 501, "$search"),
        ("openList?$filter=x eq 1", 501, "$filter"),
        ("currentScore?$select=x", 400, "$select"),
        ("currentScore?$filter=x", 400, "$filter"),
        ("currentScore/$value?$select=x", 400, "$select"),
        ("vendorInformation?$orderby=vendor", 400, "$orderby"),
    ],
)
async def test_an_option_that_a_property_does_not_have_is_refused(
    scored: Api, query: str, status: int, named: str
) -> None:
    await assert_refused(scored, scored.send("GET", f"{SCORE}/{query}"), status, named)


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("currentScore", "text/plain", 406),
        ("currentScore/$value", "application/json", 200),
        ("currentScore/$value", "image/png", 406),
        ("enabledServices/$count", "text/plain", 200),
    ],
)
async def test_a_property_is_json_and_its_value_text(
    scored: Api, path: str, accept: str, status: int
) -> None:
    assert (await scored.send("GET", f"{SCORE}/{path}", headers={"Accept": accept})).status_code == status


async def test_a_property_is_seen_only_by_who_may_see_the_entity(api: Api) -> None:
    api.add(control(), entity_set=CONTROL_PROFILES)
    path = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess/title"
    for token in (api.token(tenant=OTHER_TENANT), api.token(provider="prowler")):
        assert (await api.send("GET", path, token=token)).status_code == 404
    assert (await api.client.get(path)).status_code == 401
    assert (await api.send("GET", path)).json()["value"] == "Title of NonOwnerAccess"


@pytest.mark.parametrize("key", ["delta", "Delta()", "$count", "microsoft.graph.secureScore"])
async def test_an_entity_whose_id_means_something_else_is_reached_by_a_quoted_key(api: Api, key: str) -> None:
    made = await api.send("POST", SCORES, json=score(id=key))
    assert made.status_code == 201
    assert made.headers["location"].startswith(f"{ORIGIN}{SCORES}('")
    assert (await api.send("GET", made.headers["location"])).json()["id"] == key
    assert (await api.send("GET", f"{made.headers['location']}/id/$value")).text == key


@pytest.mark.parametrize("segment", ["(@key)", "(id=@key)"])
async def test_a_key_may_come_in_a_parameter_alias(scored: Api, segment: str) -> None:
    reply = await scored.send("GET", f"{SCORES}{segment}?@key='a%2Fb.c'&$select=id")
    assert (reply.status_code, reply.json()["id"]) == (200, "a/b.c")
    await assert_refused(scored, scored.send("GET", f"{SCORES}{segment}"), 400, "secureScores(")


@pytest.mark.parametrize(
    "path",
    [
        SCORES + "/microsoft.graph.secureScore",
        SCORES + "/Microsoft.Graph.SecureScore/$count",
        SCORES + "/microsoft.graph.secureScore?$filter=id eq 'a/b.c'",
        SCORE + "/microsoft.graph.secureScore",
        SCORES + "/microsoft.graph.secureScore('a%2Fb.c')",
    ],
)
async def test_a_cast_to_the_type_of_the_set_is_answered_as_without_it(scored: Api, path: str) -> None:
    plain = path.replace("/microsoft.graph.secureScore", "").replace("/Microsoft.Graph.SecureScore", "")
    cast, uncast = await scored.send("GET", path), await scored.send("GET", plain)
    assert cast.status_code == uncast.status_code == 200
    assert cast.content == uncast.content


async def test_the_address_of_the_tenant_s_own_score_leads_to_its_property(api: Api) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    reply = await api.send("GET", f"{SCORES}/{TENANT}_2026-01-31/currentScore/$value")
    assert reply.text == "12.5"
