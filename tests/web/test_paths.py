"""How resources are named, and the documents that need no token."""

import xml.etree.ElementTree as ET

import pytest

from stanchion.model.edm import SECURE_SCORES, USER_PROFILES
from tests.conftest import MICROSOFT, ORIGIN, TENANT, Api, control, score

pytestmark = pytest.mark.anyio

CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"


@pytest.mark.parametrize(
    "path",
    [
        "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess",
        "/V1.0/Security/SECURESCORECONTROLPROFILES/NonOwnerAccess",
        "/BETA/security/securescorecontrolprofiles/NonOwnerAccess",
        "/beta/security/secureScoreControlProfiles/NonOwnerAccess/",
        "/beta//security/secureScoreControlProfiles/NonOwnerAccess",
        "/v1.0/security/secureScoreControlProfiles('NonOwnerAccess')",
        "/v1.0/security/secureScoreControlProfiles(%27NonOwnerAccess%27)",
        "/v1.0/security/secureScoreControlProfiles%28%27NonOwnerAccess%27%29",
        "/v1.0/security/secureScoreControlProfiles(id='NonOwnerAccess')",
        "/v1.0/%73ecurity/secureScoreControlProfiles/%4eonOwnerAccess",
    ],
)
async def test_a_control_is_found_however_its_path_is_spelt(api: Api, path: str) -> None:
    api.add(control())
    reply = await api.send("GET", path)
    assert (reply.status_code, reply.json()["id"]) == (200, "NonOwnerAccess")
    root = path[1:].partition("/")[0].lower()
    assert reply.json()["@odata.context"] == (
        f"{ORIGIN}/{root}/$metadata#security/secureScoreControlProfiles/$entity"
    )


async def test_an_id_itself_is_told_apart_by_its_case(api: Api) -> None:
    api.add(control())
    assert (await api.send("GET", CONTROL.replace("NonOwner", "nonowner"))).status_code == 404


@pytest.mark.parametrize(
    ("id", "segment", "quoted"),
    [
        ("a/b", "a%2Fb", "a%2Fb"),
        ("a'b", "a'b", "a''b"),
        ("a'b'", "a%27b%27", "a%27%27b%27%27"),
        ("100%", "100%25", "100%25"),
        ("a b+c", "a%20b+c", "a%20b+c"),
        ("é😀", "%C3%A9%F0%9F%98%80", "%C3%A9%F0%9F%98%80"),
        ("a.b.json", "a.b.json", "a.b.json"),
        ("$count", "%24count", "$count"),
        ("(x)", "(x)", "(x)"),
        ("a?b#c", "a%3Fb%23c", "a%3Fb%23c"),
        ("x" * 256, "x" * 256, "x" * 256),
    ],
)
async def test_an_id_may_hold_what_needs_encoding(api: Api, id: str, segment: str, quoted: str) -> None:
    made = await api.send("POST", "/v1.0/security/secureScores", json=score(id=id))
    assert made.status_code == 201
    for path in (f"/v1.0/security/secureScores/{segment}", f"/v1.0/security/secureScores('{quoted}')"):
        if path.endswith("/%24count"):  # the count, however it is written
            continue
        read = await api.send("GET", path)
        assert (read.status_code, read.json()["id"]) == (200, id)
    assert (await api.send("GET", made.headers["location"])).json()["id"] == id


@pytest.mark.parametrize(
    "option", ["%24top=1", "$top=1", "$TOP=1", "%24Top=%31", "$top=+1+", "custom=x&$top=1"]
)
async def test_an_option_is_understood_however_it_is_encoded(api: Api, option: str) -> None:
    api.add(control("a"), control("b"))
    reply = await api.send("GET", f"/v1.0/security/secureScoreControlProfiles?{option}")
    assert [row["id"] for row in reply.json()["value"]] == ["a"]


@pytest.mark.parametrize(
    "path",
    [
        CONTROL,
        "/v1.0/security/secureScoreControlProfiles?$count=true",
        "/v1.0/security/secureScoreControlProfiles/$count",
        "/v1.0/security",
        "/v1.0",
        "/v1.0/$metadata",
        "/beta/security/userSecurityProfiles",
        "/healthz",
        "/readyz",
        f"/{TENANT}/v2.0/.well-known/openid-configuration",
        f"/{TENANT}/discovery/v2.0/keys",
    ],
)
async def test_head_answers_with_the_headers_of_get_and_no_body(api: Api, path: str) -> None:
    api.add(control())
    differing = {"request-id", "client-request-id"}
    plain = {"Accept-Encoding": "identity"}  # of a packed body the client gives back another length
    get, head = [await api.send(method, path, headers=plain) for method in ("GET", "HEAD")]
    assert get.status_code == head.status_code == 200
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(get.content)
    assert {n: v for n, v in get.headers.items() if n not in differing} == {
        n: v for n, v in head.headers.items() if n not in differing
    }


SELECTED = [
    ("currentScore,maxScore", {"currentScore", "maxScore"}),
    (" id , currentScore ", {"id", "currentScore"}),
    ("id,unheardOf", {"id"}),
    ("controlName,title", set()),
    ("currentScore,currentScore", {"currentScore"}),
    ("openProperty", {"openProperty"}),
]


@pytest.mark.parametrize(("select", "names"), SELECTED)
async def test_select_gives_the_names_that_are_there_and_no_others(
    api: Api, select: str, names: set[str]
) -> None:
    api.add(score(openProperty={"a": [1]}), entity_set=SECURE_SCORES)
    page = await api.send("GET", f"/v1.0/security/secureScores?$select={select}")
    item = await api.send("GET", f"/v1.0/security/secureScores/{TENANT}_2026-01-31?$select={select}")
    assert [set(row) for row in page.json()["value"]] == [names]
    assert set(item.json()) == {"@odata.context", *names}
    fields = ",".join(dict.fromkeys(name.strip() for name in select.split(",")))
    assert page.json()["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/secureScores({fields})"
    assert item.json()["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/secureScores({fields})/$entity"


async def test_select_of_everything_gives_everything(api: Api) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    everything = await api.send("GET", "/v1.0/security/secureScores")
    selected = await api.send("GET", "/v1.0/security/secureScores?$select=*,id")
    assert selected.json() == everything.json()


async def test_an_entity_shows_every_declared_property_null_or_empty_where_it_has_none(api: Api) -> None:
    api.add({"id": "u"}, entity_set=USER_PROFILES)
    reply = await api.send("GET", "/beta/security/userSecurityProfiles/u")
    assert reply.json() == {
        "@odata.context": f"{ORIGIN}/beta/$metadata#security/userSecurityProfiles/$entity",
        "id": "u",
        "azureTenantId": TENANT,
        "accounts": [],
        "azureSubscriptionId": None,
        "createdDateTime": None,
        "displayName": None,
        "lastModifiedDateTime": None,
        "riskScore": None,
        "tags": [],
        "userPrincipalName": None,
        "vendorInformation": None,
    }


async def test_security_itself_has_no_properties(api: Api) -> None:
    reply = await api.send("GET", "/v1.0/security")
    assert reply.json() == {"@odata.context": f"{ORIGIN}/v1.0/$metadata#security"}


@pytest.mark.parametrize("root", ["v1.0", "beta"])
async def test_the_service_document_needs_no_token(api: Api, root: str) -> None:
    for path in (f"/{root}", f"/{root}/"):
        reply = await api.client.get(path)
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("application/json")
        assert reply.json()["@odata.context"] == f"{ORIGIN}/{root}/$metadata"
        assert {"name": "security", "kind": "Singleton", "url": "security"} in reply.json()["value"]


@pytest.mark.parametrize(("root", "has_users"), [("v1.0", False), ("beta", True)])
async def test_the_metadata_needs_no_token_and_is_xml(api: Api, root: str, has_users: bool) -> None:  # noqa: FBT001
    reply = await api.client.get(f"/{root}/$metadata", headers={"Accept": "*/*"})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/xml")
    ET.fromstring(reply.content)  # noqa: S314 (our own answer)
    assert b'EntityType Name="secureScore"' in reply.content
    assert (b'EntityType Name="userSecurityProfile"' in reply.content) is has_users


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_operations_say_nothing_but_ok_without_token_or_a_host_of_ours(api: Api, path: str) -> None:
    reply = await api.client.get(path, headers={"Host": "elsewhere.example.com"})
    assert (reply.status_code, reply.text) == (200, "ok\n")


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/json;odata.metadata=minimal;q=1.0,application/xml;q=0.7",
        "application/*",
        "",
    ],
)
async def test_json_is_answered_to_all_who_accept_it(api: Api, accept: str) -> None:
    reply = await api.send("GET", "/v1.0/security/secureScores", headers={"Accept": accept})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/json")


async def test_the_body_and_content_type_of_a_get_are_ignored(api: Api) -> None:
    api.add(control())
    headers = {"Content-Type": "application/json"}
    assert (await api.send("GET", CONTROL, headers=headers)).status_code == 200
    assert (await api.send("GET", CONTROL, content=b"nonsense")).status_code == 200
    body = {"vendorInformation": MICROSOFT}
    assert (await api.send("GET", CONTROL, json=body)).status_code == 200
