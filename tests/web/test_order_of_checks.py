"""Of two things wrong with one request the earlier in the order of checks is answered, for each adjacent pair.

401, route 404 and 405, 403, 406 and 415, 413, the body by itself 400, entity 404, its owner 404, If-Match 412, the
body against the entity 400, conflict 409, and only then "nothing changed".
"""

from collections.abc import Mapping

import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject
from tests.conftest import MICROSOFT, TENANT, Api, control, score
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
MISSING = "/v1.0/security/secureScoreControlProfiles/Missing"
OTHER_VENDOR: JsonObject = {"vendor": "Other", "provider": "Another"}
STALE = {"If-Match": 'W/"0-0"'}
HTML = {"Accept": "text/html"}
PLAIN = {"Content-Type": "text/plain"}
TOO_LARGE = b"x" * (5 * 1024 * 1024)


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("path", ["/v1.0/security/nothing", "/nothing", "/v1.0/security/secureScores/a/b"])
async def test_a_missing_token_comes_before_an_unknown_route(api: Api, method: str, path: str) -> None:
    await assert_refused(api, api.client.request(method, path), 401)


async def test_a_missing_token_comes_before_a_wrong_method(api: Api) -> None:
    await assert_refused(api, api.client.put(CONTROL), 401)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PATCH", "/v1.0/security/nothing", 400), ("PUT", CONTROL, 405), ("POST", CONTROL, 405)],
)
async def test_the_route_comes_before_the_permission(api: Api, method: str, path: str, status: int) -> None:
    read_only = api.token("SecurityEvents.Read.All")
    await assert_refused(api, api.send(method, path, token=read_only), status)


@pytest.mark.parametrize("headers", [HTML, PLAIN])
async def test_the_permission_comes_before_what_is_accepted_and_sent(
    api: Api, headers: Mapping[str, str]
) -> None:
    read_only = api.token("SecurityEvents.Read.All")
    request = api.send("PATCH", CONTROL, token=read_only, headers=dict(headers), content=b"{}")
    await assert_refused(api, request, 403)


@pytest.mark.parametrize(("headers", "status"), [(HTML, 406), (PLAIN, 415)])
async def test_what_is_accepted_and_sent_comes_before_the_size(
    api: Api, headers: Mapping[str, str], status: int
) -> None:
    request = api.send("PATCH", CONTROL, headers=dict(headers), content=TOO_LARGE)
    await assert_refused(api, request, status)


async def test_the_size_comes_before_the_body(api: Api) -> None:
    await assert_refused(api, api.send("PATCH", CONTROL, content=TOO_LARGE), 413, "4,194,304")


@pytest.mark.parametrize("body", [{"state": "No such state"}, {"assignedTo": 5}])
async def test_the_body_by_itself_comes_before_the_entity(api: Api, body: JsonObject) -> None:
    request = api.send("PATCH", MISSING, json={**body, "vendorInformation": MICROSOFT})
    await assert_refused(api, request, 400)


async def test_the_body_by_itself_comes_before_the_score(api: Api) -> None:
    request = api.send("PATCH", "/v1.0/security/secureScores/missing", json={"currentScore": "many"})
    await assert_refused(api, request, 400, "currentScore")


@pytest.mark.parametrize("headers", [STALE, {"If-None-Match": "*"}])
async def test_the_entity_comes_before_its_owner_and_the_condition(
    api: Api, headers: Mapping[str, str]
) -> None:
    body = {"comment": "x", "vendorInformation": OTHER_VENDOR}
    request = api.send("PATCH", MISSING, json=body, headers=dict(headers))
    await assert_refused(api, request, 404, "'Missing' does not exist")


@pytest.mark.parametrize("headers", [STALE, {"If-None-Match": "*"}])
async def test_the_owner_comes_before_the_condition(api: Api, headers: Mapping[str, str]) -> None:
    api.add(control())
    body = {"comment": "x", "vendorInformation": OTHER_VENDOR}
    request = api.send("PATCH", CONTROL, json=body, headers=dict(headers))
    await assert_refused(api, request, 404, "Other/Another", "Microsoft/SecureScore")


@pytest.mark.parametrize("headers", [STALE, {"If-None-Match": "*"}])
@pytest.mark.parametrize("part", [{"title": "another"}, {"unheardOf": 1}])
async def test_the_condition_comes_before_the_body_against_the_control(
    api: Api, headers: Mapping[str, str], part: JsonObject
) -> None:
    api.add(control())
    body = {**part, "vendorInformation": MICROSOFT}
    await assert_refused(api, api.send("PATCH", CONTROL, json=body, headers=dict(headers)), 412)


@pytest.mark.parametrize("part", [{"id": "another"}, {"azureTenantId": "another"}])
async def test_the_condition_comes_before_the_body_against_the_score(api: Api, part: JsonObject) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    path = f"/v1.0/security/secureScores/{TENANT}_2026-01-31"
    await assert_refused(api, api.send("PATCH", path, json=part, headers=STALE), 412)
    await assert_refused(api, api.send("PATCH", path, json=part), 400)


async def test_the_body_against_the_tenant_comes_before_the_conflict(api: Api) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    body = score(azureTenantId="another", currentScore=1)
    await assert_refused(
        api, api.send("POST", "/v1.0/security/secureScores", json=body), 400, "azureTenantId"
    )


@pytest.mark.parametrize(
    ("headers", "part", "status"),
    [(STALE, {}, 412), ({"If-None-Match": "*"}, {}, 412), ({}, {"title": "another"}, 400)],
)
async def test_everything_comes_before_nothing_changed(
    api: Api, headers: Mapping[str, str], part: JsonObject, status: int
) -> None:
    api.add(control())
    body = {"state": "Default", **part, "vendorInformation": MICROSOFT}
    await assert_refused(api, api.send("PATCH", CONTROL, json=body, headers=dict(headers)), status)
    assert (await api.send("PATCH", CONTROL, json={**body, "title": "Title of NonOwnerAccess"})).is_success
