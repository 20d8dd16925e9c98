"""Paths, options, methods and conditions that cannot be followed: a clear 4xx, and nothing written."""

from collections.abc import Callable

import pytest

from stanchion.model.edm import SECURE_SCORES
from tests.conftest import MICROSOFT, OTHER_TENANT, Api, control, score
from tests.web.refusals import assert_envelope, assert_refused

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
CONTROLS = "/v1.0/security/secureScoreControlProfiles"
DAYS = [f"2026-01-{day:02}" for day in range(1, 8)]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("unheard-of", "unheard-of"),
        ("a%2Fb", "a/b"),
        ("a%27b", "a'b"),
        ("('a''b')", "a'b"),
        ("100%25", "100%"),
        ("a%0Ab", "does not exist"),
        ("a%00b", "does not exist"),
        ("%FF", "does not exist"),
        ("%C3%A9", "é"),
        ("x" * 257, "does not exist"),
        ("%2E%2E%2F%2E%2E", "../.."),
    ],
)
async def test_an_id_that_no_entity_has_is_not_found(api: Api, method: str, key: str, named: str) -> None:
    body = {"comment": "x", "vendorInformation": MICROSOFT} if method == "PATCH" else None
    path = f"{CONTROLS}{key}" if key.startswith("(") else f"{CONTROLS}/{key}"
    await assert_refused(api, api.send(method, path, json=body), 404, named)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_user_that_is_not_there_is_not_found(api: Api, method: str) -> None:
    body = {"displayName": "x"} if method == "PATCH" else None
    request = api.send(method, "/beta/security/userSecurityProfiles/nobody", json=body)
    await assert_refused(api, request, 404, "'nobody'", "userSecurityProfiles")


@pytest.mark.parametrize(
    ("query", "named", "target"),
    [
        ("$top=-1", "'-1'", "$top"),
        ("$top=abc", "'abc'", "$top"),
        ("$top=1.5", "'1.5'", "$top"),
        ("$top=", "''", "$top"),
        ("%24top=1e3", "'1e3'", "$top"),
        ("$skip=-1", "'-1'", "$skip"),
        ("$skip=abc", "'abc'", "$skip"),
        ("$count=perhaps", "'perhaps'", "$count"),
        ("$top=1&$top=2", "twice", "$top"),
        ("$top=1&%24TOP=2", "twice", "$top"),
        ("$orderby=controlScores", "controlScore", "$orderby"),
        ("$orderby=vendorInformation", "securityVendorInformation", "$orderby"),
        ("$orderby=enabledServices", "enabledServices", "$orderby"),
        ("$orderby=currentscore", "Did you mean 'currentScore'", "$orderby"),
        ("$orderby=vendorInformation/nothing", "'nothing'", "$orderby"),
        ("$orderby=currentScore/x", "no parts", "$orderby"),
        ("$orderby=currentScore sideways", "asc or desc", "$orderby"),
        ("$orderby=", "''", "$orderby"),
        ("$orderby=currentScore,,id", "''", "$orderby"),
        ("$select=a%20b", "'a b'", "$select"),
        ("$select=", "''", "$select"),
        ("$unheard=1", "'$unheard'", None),
        ("$deltatoken=x", "$deltatoken", None),
        ("$skip=1&$skiptoken=x", "$skip", "$skip"),
        ("$filter=currentscore ge 1", "Did you mean 'currentScore'", "$filter"),
        ("$filter=createdDateTime ge '2026-01-01T00:00:00Z'", "Invalid filter clause", "$filter"),
        ("$filter=currentScore ge", "the end, at character 16", "$filter"),
        ("$top=%FF", "UTF-8", "$top"),
    ],
)
async def test_an_option_that_cannot_be_followed_is_refused(
    api: Api, query: str, named: str, target: str | None
) -> None:
    reply = await assert_refused(api, api.send("GET", f"{SCORES}?{query}"), 400, named)
    assert reply.json()["error"].get("target") == target


async def test_expand_is_refused_in_the_gateway_s_way(api: Api) -> None:
    request = api.send("GET", f"{SCORES}?$expand=controlScores")
    await assert_refused(api, request, 400, "Expand", code="ExpandNotSupported")


@pytest.mark.parametrize("option", ["$search=a", "$apply=aggregate($count as n)"])
async def test_an_option_that_is_not_offered_is_501(api: Api, option: str) -> None:
    await assert_refused(api, api.send("GET", f"{SCORES}?{option}"), 501, option.partition("=")[0])


@pytest.mark.parametrize("option", ["$top=1", "$count=true", "$orderby=id", "$skip=1", "$filter=id eq 'a'"])
async def test_options_of_lists_are_refused_for_one_entity(api: Api, option: str) -> None:
    api.add(control())
    await assert_refused(api, api.send("GET", f"{CONTROLS}/NonOwnerAccess?{option}"), 400)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Accept", "text/html", 406),
        ("Accept", "application/json;q=0", 406),
        ("OData-MaxVersion", "3.0", 400),
        ("OData-MaxVersion", "newest", 400),
    ],
)
async def test_a_representation_that_is_not_offered_is_refused(
    api: Api, header: str, value: str, status: int
) -> None:
    await assert_refused(api, api.send("GET", SCORES, headers={header: value}), status)


async def test_a_format_that_is_not_offered_is_refused(api: Api) -> None:
    await assert_refused(api, api.send("GET", f"{SCORES}?$format=xml"), 406, "xml")


async def first_link(api: Api, query: str, *, token: str | None = None) -> str:
    reply = await api.send("GET", f"{SCORES}?{query}", token=token)
    link: str = reply.json()["@odata.nextLink"]
    return link


@pytest.mark.parametrize(
    "change",
    [
        lambda link: link[:-4] + "AAAA",
        lambda link: link[:-1],
        lambda link: link + "A",
        lambda link: link.partition("$skiptoken=")[0] + "$skiptoken=",
        lambda link: link.partition("$skiptoken=")[0] + "$skiptoken=!!!",
        lambda link: link.partition("$skiptoken=")[0] + "$skiptoken=eyJpZCI6MX0",
        lambda link: link.partition("$skiptoken=")[0] + "$skiptoken=" + "A" * 3000,
        lambda link: link.replace("/v1.0/", "/beta/"),
        lambda link: link.replace("/secureScores", "/secureScoreControlProfiles"),
        lambda link: link.replace("maxScore", "currentScore"),
        lambda link: link.replace("desc", "asc"),
        lambda link: link + "&$count=true",
        lambda link: link.replace("$orderby", "order"),
        lambda link: link + "&$filter=maxScore gt 0",
    ],
    ids=[
        "altered",
        "cut",
        "longer",
        "empty",
        "no base64",
        "forged",
        "huge",
        "another root",
        "another set",
        "another order",
        "another direction",
        "another option",
        "an option less",
        "a filter more",
    ],
)
async def test_a_skip_token_that_was_not_issued_for_the_query_is_refused(
    api: Api, change: Callable[[str], str]
) -> None:
    api.add(*(score(day) for day in DAYS), entity_set=SECURE_SCORES)
    link = await first_link(api, "$orderby=maxScore desc&$top=2")
    reply = await assert_refused(api, api.send("GET", change(link)), 400, "$skiptoken")
    assert reply.json()["error"]["target"] == "$skiptoken"


async def test_a_skip_token_of_another_tenant_is_refused(api: Api) -> None:
    api.add(*(score(day) for day in DAYS), entity_set=SECURE_SCORES)
    link = await first_link(api, "$top=2")
    token = api.token(tenant=OTHER_TENANT)
    await assert_refused(api, api.send("GET", link, token=token), 400, "$skiptoken")


SET, ITEM, COUNT = SCORES, f"{SCORES}/a", f"{SCORES}/$count"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", SET, "GET, HEAD, POST, PATCH"),
        ("DELETE", SET, "GET, HEAD, POST, PATCH"),
        ("PATCH", CONTROLS, "GET, HEAD, POST"),
        ("PATCH", "/beta/security/userSecurityProfiles", "GET, HEAD, POST"),
        ("PUT", ITEM, "GET, HEAD, PATCH, DELETE"),
        ("POST", ITEM, "GET, HEAD, PATCH, DELETE"),
        ("POST", COUNT, "GET, HEAD"),
        ("DELETE", "/v1.0/security", "GET, HEAD"),
        ("POST", "/v1.0", "GET, HEAD"),
        ("POST", "/v1.0/$metadata", "GET, HEAD"),
        ("OPTIONS", SET, "GET, HEAD, POST, PATCH"),
        ("BREW", SET, "GET, HEAD, POST, PATCH"),
        ("POST", "/healthz", "GET, HEAD"),
        ("GET", "/common/oauth2/v2.0/token", "POST"),
        ("POST", "/common/discovery/v2.0/keys", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_which_are_allowed(
    api: Api, method: str, path: str, allowed: str
) -> None:
    reply = await assert_refused(api, api.send(method, path), 405, method, allowed)
    assert reply.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/v2.0/security/secureScores",
        "/v1.0/security/secureScores/a/nothing",
        "/%0A",
        "/ledger",
        "/console",
    ],
)
async def test_a_route_that_does_not_exist_is_an_error_in_json(api: Api, path: str) -> None:
    await assert_refused(api, api.send("GET", path), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/v1.0/nothing",
        "/v1.0/$metadata/more",
        "/v1.0/security/nothing",
        "/v1.0/security/userSecurityProfiles",
        "/v1.0/security/userSecurityProfiles/$count",
        "/v1.0/security/secureScores/a/currentScore/more",
        "/v1.0/security/secureScores/a/$ref",
        "/v1.0/security/secureScores(5)",
        "/v1.0/security/secureScores('a",
        "/v1.0/security/secureScores('a'b')",
        "/v1.0/security/a%0Ab",
        "/v1.0/%FF",
        "/v1.0/me",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_segment_is_400_as_on_graph(api: Api, method: str, path: str) -> None:
    await assert_refused(api, api.send(method, path), 400, "Resource not found for the segment '")


async def test_a_path_with_its_query_over_8_kib_is_refused(api: Api) -> None:
    await assert_refused(api, api.send("GET", f"{SCORES}?x={'a' * 9000}"), 414, "8,192")


async def test_headers_over_32_kib_are_refused(api: Api) -> None:
    await assert_refused(api, api.send("GET", SCORES, headers={"X-Large": "a" * 33_000}), 431, "32,768")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("tag", ['W/"0-0"', '"0"', 'W/"another-1", "b"', '""'])
async def test_a_stale_if_match_is_refused(api: Api, method: str, tag: str) -> None:
    api.add(control())
    body = {"comment": "x", "vendorInformation": MICROSOFT} if method == "PATCH" else None
    request = api.send(method, f"{CONTROLS}/NonOwnerAccess", headers={"If-Match": tag}, json=body)
    reply = await assert_refused(api, request, 412, "If-Match", "NonOwnerAccess")
    assert reply.json()["error"]["target"] == "If-Match"


async def test_the_tag_before_the_last_change_is_stale(api: Api) -> None:
    api.add(control())
    path = f"{CONTROLS}/NonOwnerAccess"
    tag = (await api.send("GET", path)).headers["etag"]
    body = {"comment": "x", "vendorInformation": MICROSOFT}
    assert (await api.send("PATCH", path, json=body, headers={"If-Match": tag})).status_code == 204
    again = {**body, "comment": "y"}
    await assert_refused(api, api.send("PATCH", path, json=again, headers={"If-Match": tag}), 412)


@pytest.mark.parametrize("tag", ["1", "W/1", 'W/"a', '"a" "b"', "*, *"])
async def test_a_condition_that_is_no_entity_tag_is_refused(api: Api, tag: str) -> None:
    api.add(control())
    path = f"{CONTROLS}/NonOwnerAccess"
    body = {"comment": "x", "vendorInformation": MICROSOFT}
    await assert_refused(api, api.send("PATCH", path, json=body, headers={"If-Match": tag}), 400, "If-Match")
    await assert_refused(api, api.send("GET", path, headers={"If-None-Match": tag}), 400, "If-None-Match")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_if_none_match_of_anything_refuses_to_change_what_is_there(api: Api, method: str) -> None:
    api.add(control())
    body = {"comment": "x", "vendorInformation": MICROSOFT} if method == "PATCH" else None
    headers = {"If-None-Match": "*"}
    request = api.send(method, f"{CONTROLS}/NonOwnerAccess", headers=headers, json=body)
    await assert_refused(api, request, 412, "If-None-Match")


async def test_a_head_request_is_refused_like_a_get_without_the_body(api: Api) -> None:
    reply = await api.send("HEAD", f"{CONTROLS}/unheard-of")
    assert (reply.status_code, reply.content) == (404, b"")
    assert int(reply.headers["content-length"]) > 0
    assert_envelope(await api.send("GET", f"{CONTROLS}/unheard-of"), 404)
