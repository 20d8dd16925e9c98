"""API3:2023, broken object property level authorization: properties that a caller may not see, or may not set.

An object is shown as it was stored: nothing of the store's own (versions, chains, salts) is among it. What a caller
may not set is refused by its name, whatever else the body has, and none of the rest is written then.
"""

from collections.abc import Sequence

import pytest

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import MICROSOFT, OTHER_TENANT, TENANT, Api, control, score
from tests.web.rows import PATHS

pytestmark = pytest.mark.anyio

CONTROLS, SCORES = "/v1.0/security/secureScoreControlProfiles", "/v1.0/security/secureScores"
CONTROL = f"{CONTROLS}/NonOwnerAccess"
PROWLER: JsonObject = {"vendor": "Prowler", "provider": "prowler"}
# What the store and the chain know of an entity, and what other systems call the like.
OF_THE_STORE = (
    "version",
    "tenant_id",
    "tenantId",
    "body",
    "sequence",
    "hash",
    "salt",
    "_id",
    "rowid",
    "epoch",
    "actor",
)
NOT_A_DECISION: dict[str, JsonValue] = {
    "id": "another",
    "azureTenantId": OTHER_TENANT,
    "maxScore": 100.0,
    "title": "another",
    "controlCategory": "Apps",
    "deprecated": True,
    "rank": 1,
    "lastModifiedDateTime": "2030-01-01T00:00:00Z",
    "controlStateUpdates": [{"state": "Ignored", "updatedBy": "somebody else"}],
    "updatedBy": "somebody else",
    "updatedDateTime": "2000-01-01T00:00:00Z",
    "approver": "me",
    "expires": "2099-01-01",
    "isAdmin": True,
    "permissions": ["all"],
    "__proto__": {"a": 1},
    "constructor": {"prototype": {}},
    "version": 99,
    "tenant_id": OTHER_TENANT,
}


@pytest.mark.parametrize("name", NOT_A_DECISION)
@pytest.mark.parametrize("root", ["v1.0", "beta"])
async def test_a_decision_sets_what_it_is_for_and_nothing_else(api: Api, root: str, name: str) -> None:
    api.add(control())
    before, sequence = await api.stored("NonOwnerAccess"), await api.sequence()
    path = CONTROL.replace("v1.0", root)
    body = {"comment": "mine", "vendorInformation": MICROSOFT, name: NOT_A_DECISION[name]}
    reply = await api.send("PATCH", path, json=body)
    assert reply.status_code == 400, reply.text
    assert await api.stored("NonOwnerAccess") == before
    assert await api.sequence() == sequence


async def test_who_decided_is_the_token_s_word_and_not_the_body_s(api: Api) -> None:
    api.add(control())
    token = api.token(upn="ada@example.com", roles=("Security Administrator",))
    body = {"state": "Ignored", "vendorInformation": MICROSOFT, "@odata.updatedBy": "eve@example.com"}
    assert (await api.send("PATCH", CONTROL, token=token, json=body)).status_code == 204
    (update,) = (await api.send("GET", CONTROL)).json()["controlStateUpdates"]
    assert update["updatedBy"] == "ada@example.com"


@pytest.mark.parametrize("entity_set", [SECURE_SCORES, USER_PROFILES], ids=lambda each: each.name)
@pytest.mark.parametrize("changed", [{"id": "another"}, {"azureTenantId": OTHER_TENANT}], ids=str)
async def test_the_key_and_the_tenant_of_an_object_cannot_be_set(
    api: Api, entity_set: EntitySet, changed: JsonObject
) -> None:
    api.add({"id": "a", "vendorInformation": MICROSOFT}, entity_set=entity_set)
    before = await api.stored("a", entity_set=entity_set)
    path = PATHS[entity_set.name]
    assert (await api.send("PATCH", f"{path}/a", json={**changed})).status_code == 400
    assert await api.stored("a", entity_set=entity_set) == before


@pytest.mark.parametrize(
    "entity_set", [SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES], ids=lambda each: each.name
)
async def test_nothing_of_the_store_is_shown(api: Api, entity_set: EntitySet) -> None:
    path = PATHS[entity_set.name]
    api.add({"id": "a", "vendorInformation": MICROSOFT}, entity_set=entity_set)
    declared = {prop.name for prop in entity_set.type.properties}
    one, listed = await api.send("GET", f"{path}/a"), await api.send("GET", path)
    changed = await api.send("GET", f"{path}/delta()")
    for shown in (one.json(), listed.json()["value"][0], changed.json()["value"][0]):
        assert {name for name in shown if not name.startswith("@")} <= declared
    for name in OF_THE_STORE:
        if name not in declared:
            assert (await api.send("GET", f"{path}/a/{name}")).status_code in {400, 404}
            assert name not in (await api.send("GET", f"{path}/a?$select={name}")).json()
            assert (await api.send("GET", f"{path}?$filter={name} eq 'x'")).status_code == 400
            assert (await api.send("GET", f"{path}?$orderby={name}")).status_code == 400


def mentions(words: Sequence[str], text: str) -> list[str]:
    return [word for word in words if word in text]


async def test_an_app_of_one_provider_learns_no_property_of_another_s(api: Api) -> None:
    api.add(control("Secret", title="hidden-title"), control("Own", title="own", vendorInformation=PROWLER))
    api.add(score(activeUserCount=4711), entity_set=SECURE_SCORES)
    limited = api.token(provider="prowler")
    for query in (
        "?$filter=startswith(title,'hidden')&$count=true",
        "?$filter=title ge 'h'&$orderby=title",
        "?$orderby=title&$top=1",
        "?$select=title",
        "/$count?$filter=title eq 'hidden-title'",
        "/delta()?$select=title",
        "/Secret/title",
        "/Secret/title/$value",
        "/Secret?$select=title",
    ):
        reply = await api.send("GET", f"{CONTROLS}{query}", token=limited)
        assert mentions(["hidden-title", 'Secret"', "4711"], reply.text) == []
    assert (await api.send("GET", f"{CONTROLS}/$count", token=limited)).text == "1"
    assert (await api.send("GET", f"{SCORES}?$filter=activeUserCount eq 4711", token=limited)).json()[
        "value"
    ] == []


async def test_what_is_asked_of_the_metadata_tells_of_no_tenant(api: Api) -> None:
    api.add(control(title="hidden-title"))
    for path in (
        "/v1.0/$metadata",
        "/v1.0",
        "/beta/openapi.json",
        "/v1.0/docs",
        f"/{TENANT}/discovery/v2.0/keys",
    ):
        text = (await api.client.get(path)).text
        assert mentions(["hidden-title", api.store.store_id, "Alder Quay", OTHER_TENANT], text) == []
    # Whether a tenant is known here is nobody's business either.
    nobodys = TENANT.replace("a", "d")
    known = await api.client.get(f"/{TENANT}/v2.0/.well-known/openid-configuration")
    unknown = await api.client.get(f"/{nobodys}/v2.0/.well-known/openid-configuration")
    assert known.text.replace(TENANT, "") == unknown.text.replace(nobodys, "")
