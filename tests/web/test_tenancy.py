"""Tenants are apart from each other, and an app limited to a provider sees and writes that provider's alone."""

import asyncio

import pytest

from stanchion.access.operator import revoke_app
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, EntitySet
from stanchion.model.json_text import JsonObject
from tests.conftest import MICROSOFT, OPERATOR, OTHER_TENANT, TENANT, Api, control, score
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
CONTROLS = "/v1.0/security/secureScoreControlProfiles"
SETS = pytest.mark.parametrize("path", [SCORES, CONTROLS, "/beta/security/userSecurityProfiles"])
PROWLER: JsonObject = {"vendor": "Prowler", "provider": "prowler"}


async def test_the_same_id_in_two_tenants_is_two_controls(api: Api) -> None:
    api.add(control(title="Ours"))
    api.add(control(title="Theirs"), tenant=OTHER_TENANT)
    other = api.token(tenant=OTHER_TENANT)
    path = f"{CONTROLS}/NonOwnerAccess"
    body = {"comment": "theirs", "vendorInformation": MICROSOFT}
    assert (await api.send("PATCH", path, token=other, json=body)).status_code == 204
    ours, theirs = await api.send("GET", path), await api.send("GET", path, token=other)
    assert (ours.json()["title"], theirs.json()["title"]) == ("Ours", "Theirs")
    assert ours.json()["controlStateUpdates"][0]["comment"] is None
    assert theirs.json()["controlStateUpdates"][0]["comment"] == "theirs"


@SETS
async def test_a_list_and_a_count_are_of_the_caller_s_tenant_alone(api: Api, path: str) -> None:
    other = api.token(tenant=OTHER_TENANT)
    for number in range(3):
        await api.send("POST", path, token=other, json={"id": f"theirs {number}"})
    await api.send("POST", path, json={"id": "ours"})
    page = await api.send("GET", f"{path}?$count=true")
    assert [row["id"] for row in page.json()["value"]] == ["ours"]
    assert page.json()["@odata.count"] == 1
    assert (await api.send("GET", f"{path}/$count")).text == "1"


@SETS
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_what_is_another_tenant_s_is_not_found(api: Api, path: str, method: str) -> None:
    other = api.token(tenant=OTHER_TENANT)
    await api.send("POST", path, token=other, json={"id": "theirs", "vendorInformation": MICROSOFT})
    before = await api.sequence(tenant=OTHER_TENANT)
    body = {"vendorInformation": MICROSOFT} if method == "PATCH" else None
    await assert_refused(api, api.send(method, f"{path}/theirs", json=body), 404)
    assert await api.sequence(tenant=OTHER_TENANT) == before


async def test_the_newest_score_of_another_tenant_is_not_updated(api: Api) -> None:
    api.add({**score(), "id": "theirs"}, entity_set=SECURE_SCORES, tenant=OTHER_TENANT)
    body = {"currentScore": 1, "vendorInformation": MICROSOFT}
    await assert_refused(api, api.send("PATCH", SCORES, json=body), 404)


async def test_a_body_that_names_another_tenant_is_refused(api: Api) -> None:
    body = score(azureTenantId=OTHER_TENANT)
    await assert_refused(api, api.send("POST", SCORES, json=body), 400, OTHER_TENANT)


async def test_the_token_of_a_revoked_app_is_refused_at_once(api: Api) -> None:
    token = api.token("SecurityEvents.ReadWrite.All", upn=None, provider="revoked soon")
    assert (await api.send("GET", SCORES, token=token)).status_code == 200
    (app,) = [client for client in api.store.clients(TENANT) if client.provider == "revoked soon"]
    revoke_app(api.store, app.client_id, actor=OPERATOR)
    # The directory reads its revision anew at least every second or so.
    await asyncio.sleep(1.1)
    await assert_refused(api, api.send("GET", SCORES, token=token), 401, "revoked")


@pytest.fixture
def limited(api: Api) -> str:
    """A token of an app that may write, limited to a provider, over two providers' entities."""
    api.add(
        control("ours", vendorInformation=PROWLER),
        control("ours too", vendorInformation={"vendor": "x", "provider": "PROWLER"}),
        control("theirs"),
        {"id": "nobody's"},
    )
    api.add(
        {**score("2026-01-01", vendorInformation=PROWLER), "id": "our score"},
        score("2026-01-02"),
        entity_set=SECURE_SCORES,
    )
    return api.token(provider="Prowler")


async def test_a_limited_app_lists_its_provider_alone(api: Api, limited: str) -> None:
    found, link = [], f"{CONTROLS}?$top=1&$count=true"
    while link:
        reply = await api.send("GET", link, token=limited)
        assert reply.json()["@odata.count"] == 2
        found += [row["id"] for row in reply.json()["value"]]
        link = reply.json().get("@odata.nextLink")
    assert found == ["ours", "ours too"]
    assert (await api.send("GET", f"{CONTROLS}/$count", token=limited)).text == "2"
    scores = await api.send("GET", f"{SCORES}?$orderby=currentScore", token=limited)
    assert [row["id"] for row in scores.json()["value"]] == ["our score"]
    assert (await api.send("GET", f"{SCORES}/$count", token=limited)).text == "1"


async def test_an_app_without_a_limit_lists_all(api: Api, limited: str) -> None:
    assert limited
    assert (await api.send("GET", f"{CONTROLS}/$count")).text == "4"


@pytest.mark.parametrize("key", ["theirs", "nobody's"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_limited_app_does_not_find_what_is_others(
    api: Api, limited: str, key: str, method: str
) -> None:
    body = {"comment": "x", "vendorInformation": MICROSOFT} if method == "PATCH" else None
    request = api.send(method, f"{CONTROLS}/{key}", token=limited, json=body)
    await assert_refused(api, request, 404, "does not exist")


async def test_a_limited_app_reads_and_writes_its_own(api: Api, limited: str) -> None:
    path = f"{CONTROLS}/ours"
    assert (await api.send("GET", path, token=limited)).status_code == 200
    body = {"comment": "x", "vendorInformation": PROWLER}
    assert (await api.send("PATCH", path, token=limited, json=body)).status_code == 204
    patch = {"currentScore": 3}
    assert (await api.send("PATCH", f"{SCORES}/our score", token=limited, json=patch)).status_code == 200
    keyless = {**patch, "vendorInformation": PROWLER}
    assert (await api.send("PATCH", SCORES, token=limited, json=keyless)).json()["id"] == "our score"
    new = {"id": "new", "vendorInformation": {"vendor": "Prowler", "provider": "PROWLER"}}
    assert (await api.send("POST", CONTROLS, token=limited, json=new)).status_code == 201
    assert (await api.send("DELETE", path, token=limited)).status_code == 204


async def test_a_limited_app_changes_a_part_of_its_own_product(api: Api, limited: str) -> None:
    patch = {"vendorInformation": {"providerVersion": "2"}}
    reply = await api.send("PATCH", f"{SCORES}/our score", token=limited, json=patch)
    assert reply.status_code == 200
    assert reply.json()["vendorInformation"]["providerVersion"] == "2"


async def test_what_tells_a_score_does_not_rename_its_product(api: Api) -> None:
    api.add(score("2026-05-01"), entity_set=SECURE_SCORES)
    named = {"vendor": "MICROSOFT", "provider": "securescore", "subProvider": "x"}
    reply = await api.send("PATCH", SCORES, json={"maxScore": 3, "vendorInformation": named})
    changed = reply.json()
    assert (changed["id"], changed["maxScore"]) == (f"{TENANT}_2026-05-01", 3)
    assert changed["vendorInformation"] == {**MICROSOFT, "subProvider": "x"}


@pytest.mark.parametrize("entity_set", [CONTROL_PROFILES, SECURE_SCORES], ids=["control", "score"])
@pytest.mark.parametrize("information", [MICROSOFT, None, {}, {"vendor": "Prowler"}])
async def test_a_limited_app_does_not_create_for_others(
    api: Api, limited: str, entity_set: EntitySet, information: JsonObject | None
) -> None:
    body = {"id": "new", "vendorInformation": information}
    request = api.send("POST", f"/v1.0/security/{entity_set.name}", token=limited, json=body)
    await assert_refused(api, request, 403, "Prowler")


@pytest.mark.parametrize("information", [MICROSOFT, None, {"provider": None}])
async def test_a_limited_app_does_not_give_its_own_away(
    api: Api, limited: str, information: JsonObject | None
) -> None:
    body = {"vendorInformation": information}
    request = api.send("PATCH", f"{SCORES}/our score", token=limited, json=body)
    await assert_refused(api, request, 403, "Prowler")


async def test_a_limited_app_does_not_update_another_s_score_that_its_body_names(
    api: Api, limited: str
) -> None:
    body = {"currentScore": 1, "id": f"{TENANT}_2026-01-02"}
    await assert_refused(api, api.send("PATCH", SCORES, token=limited, json=body), 404)


async def test_a_limited_app_does_not_learn_another_s_newest_score(api: Api, limited: str) -> None:
    body = {"currentScore": 1, "vendorInformation": MICROSOFT}
    request = api.send("PATCH", SCORES, token=limited, json=body)
    reply = await assert_refused(api, request, 403, "Prowler")
    assert "2026-01-02" not in reply.text


async def test_another_s_score_and_none_are_refused_alike(api: Api, limited: str) -> None:
    there = await api.send("PATCH", f"{SCORES}/{TENANT}_2026-01-02", token=limited, json={})
    nowhere = await api.send("PATCH", f"{SCORES}/{TENANT}_2026-01-03", token=limited, json={})
    texts = [reply.json()["error"]["message"] for reply in (there, nowhere)]
    assert texts[0].replace("2026-01-02", "2026-01-03") == texts[1]
