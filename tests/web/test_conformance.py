"""What the conformance levels of OData demand, as it is served: tests that `docs/reference/odata.md` names."""

import re
from urllib.parse import quote

import pytest

from stanchion.model.edm import (
    GRAPH_SETS,
    SECURE_SCORES,
    USER_PROFILES,
    Collection,
    EntitySet,
    Enumeration,
    Primitive,
    Property,
    StructuredType,
)
from stanchion.model.json_text import JsonObject
from tests.conftest import ORIGIN, TENANT, Api, control, score
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
CONTROLS = "/v1.0/security/secureScoreControlProfiles"
USERS = "/beta/security/userSecurityProfiles"
VERSIONS = pytest.mark.parametrize("version", [None, "4.0", "4.01"])


async def found(api: Api, path: str, filter: str, *, version: str | None = None, options: str = "") -> str:
    """Return the ids that a filter finds, joined."""
    headers = {} if version is None else {"OData-MaxVersion": version}
    reply = await api.send("GET", f"{path}?$filter={quote(filter)}&$select=id{options}", headers=headers)
    assert reply.status_code == 200, reply.text
    return "".join(sorted(row["id"] for row in reply.json()["value"]))


def fill(api: Api) -> None:
    """Store two controls, and two users of whom one has an account."""
    api.add(
        control("a", title="Block", rank=7, threats=["x", "y"], lastModifiedDateTime="2026-01-31T10:20:30Z"),
        control("b", title="Allow", rank=2, threats=[], lastModifiedDateTime="2026-02-01T00:00:00Z"),
    )
    account: JsonObject = {"status": "active", "service": "EXO"}
    api.add({"id": "u", "accounts": [account]}, {"id": "v", "accounts": []}, entity_set=USER_PROFILES)


FOLLOWED = [
    ("title eq 'Block'", "a"),
    ("title ne 'Block'", "b"),
    ("rank gt 2", "a"),
    ("rank ge 7", "a"),
    ("rank lt 7", "b"),
    ("rank le 2", "b"),
    ("rank gt 2 and title eq 'Block'", "a"),
    ("rank gt 2 or title eq 'Allow'", "ab"),
    ("not (rank gt 2)", "b"),
    ("rank in (2,3)", "b"),
    ("rank add 1 eq 8", "a"),
    ("rank sub 1 eq 6", "a"),
    ("-rank eq -7", "a"),
    ("rank mul 2 eq 14", "a"),
    ("rank div 2 eq 3", "a"),
    ("rank divby 2 eq 3.5", "a"),
    ("rank mod 2 eq 1", "a"),
    ("threats/any(t:t eq 'x')", "a"),
    ("threats/all(t:t eq 'x')", "b"),
    ("threats/$count eq 2", "a"),
    ("'y' in threats", "a"),
    ("concat(title,'!') eq 'Block!'", "a"),
    ("contains(title,'loc')", "a"),
    ("endswith(title,'ck')", "a"),
    ("indexof(title,'ck') eq 3", "a"),
    ("length(title) eq 5", "ab"),
    ("startswith(title,'Bl')", "a"),
    ("substring(title,3) eq 'ck'", "a"),
    ("substring(title,-2) eq 'ck'", "a"),
    ("substring(title,1,2) eq 'lo'", "a"),
    ("tolower(title) eq 'block'", "a"),
    ("toupper(title) eq 'BLOCK'", "a"),
    ("trim(title) eq 'Block'", "a"),
    ("year(lastModifiedDateTime) eq 2026", "ab"),
    ("month(lastModifiedDateTime) eq 1", "a"),
    ("day(lastModifiedDateTime) eq 31", "a"),
    ("hour(lastModifiedDateTime) eq 10", "a"),
    ("minute(lastModifiedDateTime) eq 20", "a"),
    ("second(lastModifiedDateTime) eq 30", "a"),
    ("date(lastModifiedDateTime) eq 2026-01-31", "a"),
    ("lastModifiedDateTime lt now()", "ab"),
    ("date(lastModifiedDateTime) eq cast('2026-01-31',Edm.Date)", "a"),
]
WHOLE, LIST = '{"vendor":"x"}', '["x","y"]'
NOT_FOLLOWED = [
    "rank has 1",
    "hassubset(threats,threats)",
    "hassubsequence(threats,threats)",
    "matchesPattern(title,'B')",
    "fractionalseconds(lastModifiedDateTime) eq 0",
    "time(lastModifiedDateTime) eq 10:20:30",
    "totaloffsetminutes(lastModifiedDateTime) eq 0",
    "totalseconds(duration'PT1H') eq 3600",
    "lastModifiedDateTime gt mindatetime()",
    "lastModifiedDateTime lt maxdatetime()",
    "round(maxScore) eq 5",
    "floor(maxScore) eq 5",
    "ceiling(maxScore) eq 5",
    "cast(rank,Edm.String) eq '7'",
    "isof(microsoft.graph.secureScoreControlProfile)",
    "isof(title,Edm.String)",
    "case(rank gt 5:1,true:0) eq 1",
    "geo.distance(title,geography'SRID=0;Point(1 1)') lt 1",
    "geo.intersects(title,title)",
    "geo.length(title) lt 1",
    "lastModifiedDateTime sub duration'P1D' lt now()",
    "now() sub 'P1D' lt now()",
    "rank eq NaN",
    "threats/$count($filter=$this eq 'x') gt 0",
    "vendorInformation eq @whole",
    "threats eq @list",
    "$root/security/secureScores/any()",
]


IN_ANY_CASE = re.compile(r"\b(?:eq|ne|g[te]|l[te]|and|or|not|in|divby|any|all)\b|\w+(?=\()")


@pytest.mark.parametrize("spelt", ["as the standard has it", "in upper case"])
async def test_operators_and_functions_of_the_standard_are_followed_in_any_case(api: Api, spelt: str) -> None:
    fill(api)
    for text, ids in FOLLOWED:
        upper = IN_ANY_CASE.sub(lambda word: word[0].upper(), text)
        assert await found(api, CONTROLS, upper if spelt == "in upper case" else text) == ids, text


@pytest.mark.parametrize("text", NOT_FOLLOWED)
async def test_an_operator_or_function_of_the_standard_that_is_not_followed_is_501(
    api: Api, text: str
) -> None:
    aliases = f"&@whole={quote(WHOLE)}&@list={quote(LIST)}"
    await assert_refused(api, api.send("GET", f"{CONTROLS}?$filter={quote(text)}{aliases}"), 501)


def comparisons(prop: Property) -> list[str]:
    """Return what asks whether a property is, and is not, some value."""
    literals = {"Edm.String": "'a'", "Edm.Boolean": "true", "Edm.DateTimeOffset": "2026-01-01T00:00:00Z"}
    match prop.type:
        case Primitive(name):
            return [
                f"{prop.name} {o} {value}"
                for o in ("eq", "ne")
                for value in (literals.get(name, "1"), "null")
            ]
        case StructuredType() as kind:
            return [f"{prop.name} {o} null" for o in ("eq", "ne")] + [
                f"{prop.name}/{text}" for part in kind.properties for text in comparisons(part)
            ]
        case Collection(StructuredType() as kind):
            parts = (text for part in kind.properties for text in comparisons(part) if "/any(" not in text)
            return [f"{prop.name}/any(x:x/{text})" for text in parts]
        case Enumeration():
            return [f"{prop.name} {o} 'active'" for o in ("eq", "ne")]
        case Collection():
            return [f"{prop.name}/any(x:x {o} 'a')" for o in ("eq", "ne")]


@pytest.mark.parametrize("entity_set", GRAPH_SETS, ids=lambda s: s.name)
async def test_every_property_compares_by_eq_and_ne(api: Api, entity_set: EntitySet) -> None:
    fill(api)
    api.add(score(), entity_set=SECURE_SCORES)
    rows = int((await api.send("GET", f"/beta/security/{entity_set.name}/$count")).text)
    assert rows > 0
    for prop in entity_set.type.properties:
        for text in comparisons(prop):
            counts = [
                int((await api.send("GET", f"/beta/security/{entity_set.name}/$count?$filter={asked}")).text)
                for asked in (quote(text), quote(f"not ({text})"))
            ]
            # Neither is ever null, so that each row is on one side.
            assert sum(counts) == rows, text


@VERSIONS
@pytest.mark.parametrize(
    "literal",
    ["'active'", "microsoft.graph.accountStatus'active'", "graph.accountStatus'active'", "'2'", "@status"],
)
async def test_a_member_of_an_enumeration_is_written_with_or_without_its_type(
    api: Api, literal: str, version: str | None
) -> None:
    fill(api)
    text, alias = f"accounts/any(a:a/status eq {literal})", "&@status='active'"
    assert await found(api, USERS, text, version=version, options=alias) == "u"


@VERSIONS
@pytest.mark.parametrize(
    "query",
    [
        "$filter=rank eq 7",
        "FILTER=rank EQ 7",
        "$filter=rank in (7,9)",
        "$filter=rank divby 2 eq 3.5",
        "$filter=rank eq @r&@r=7",
        "$filter=startswith(title,'B')",
        "filter=STARTSWITH(title,'B')",
        "$filter=rank eq cast('7',Edm.Int32)",
        "$filter=substring(title,-2) eq 'ck'",
    ],
)
async def test_the_syntax_of_4_0_and_of_4_01_is_read_whatever_version_is_asked(
    api: Api, query: str, version: str | None
) -> None:
    fill(api)
    headers = {} if version is None else {"OData-MaxVersion": version}
    reply = await api.send("GET", f"{CONTROLS}?{query}", headers=headers)
    assert [row["id"] for row in reply.json()["value"]] == ["a"]
    keyed = await api.send("GET", f"{CONTROLS}(@id)?@id='a'", headers=headers)
    assert keyed.json()["id"] == "a"
    for name in ("delta", "delta()", "microsoft.graph.delta()"):
        assert (await api.send("GET", f"{CONTROLS}/{name}", headers=headers)).status_code == 200


@pytest.mark.parametrize("version", [None, "4.0", "4.01"])
async def test_control_information_of_a_body_has_its_prefix_or_not(api: Api, version: str | None) -> None:
    headers = {} if version is None else {"OData-Version": version}
    marked = {
        "@context": f"{ORIGIN}/v1.0/$metadata#security/secureScores/$entity",
        "@type": "#microsoft.graph.secureScore",
        "@odata.id": f"{ORIGIN}{SCORES}/x",
        "enabledServices@type": "#Collection(String)",
    }
    made = await api.send("POST", SCORES, json={**marked, **score()}, headers=headers)
    assert made.status_code == 201, made.text
    assert [name for name in made.json() if "@" in name] == ["@odata.context"]
    merged = await api.send(
        "PATCH", f"{SCORES}/{TENANT}_2026-01-31", json={**marked, "maxScore": 60}, headers=headers
    )
    assert [name for name in merged.json() if "@" in name] == ["@odata.context"]


@pytest.mark.parametrize("header", ["Isolation", "OData-Isolation"])
async def test_an_isolation_is_refused_by_either_name(api: Api, header: str) -> None:
    for method, path in (("GET", SCORES), ("POST", SCORES), ("GET", f"{SCORES}/x"), ("POST", "/v1.0/$batch")):
        body = {"requests": [{"id": "1", "method": "GET", "url": "/security/secureScores"}]}
        request = api.send(
            method, path, headers={header: "snapshot"}, json=body if method == "POST" else None
        )
        reply = await assert_refused(api, request, 412, "'snapshot'")
        assert reply.json()["error"]["target"] == header


async def test_nothing_needs_a_header_or_an_annotation_of_our_own(api: Api) -> None:
    fill(api)
    bare = {"Authorization": f"Bearer {api.token()}"}
    page = await api.client.get(f"{CONTROLS}?$top=1&$format=json;odata.metadata=none", headers=bare)
    assert list(page.json()) == ["@odata.nextLink", "value"]
    second = await api.client.get(page.json()["@odata.nextLink"], headers=bare)
    assert [row["id"] for reply in (page, second) for row in reply.json()["value"]] == ["a", "b"]
    made = await api.client.post(SCORES, headers=bare, json=score())
    path = made.headers["location"]
    assert (await api.client.patch(path, headers=bare, json={"maxScore": 60})).json()["maxScore"] == 60
    assert (await api.client.delete(path, headers=bare)).status_code == 204


async def test_a_patch_of_what_is_not_there_fails_altogether(api: Api) -> None:
    request = api.send("PATCH", f"{SCORES}/nobody", json=score(id="nobody"))
    await assert_refused(api, request, 404, "nobody")
    assert (await api.send("GET", f"{SCORES}/$count")).text == "0"
