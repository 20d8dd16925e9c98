"""POST, PATCH and DELETE on the three sets, and PATCH of a control as a decision."""

from typing import cast

import pytest

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject
from tests.conftest import MICROSOFT, ORIGIN, TENANT, Api, control, score

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
CONTROLS = "/v1.0/security/secureScoreControlProfiles"
USERS = "/beta/security/userSecurityProfiles"
SCORE = f"{SCORES}/{TENANT}_2026-01-31"
CONTROL = f"{CONTROLS}/NonOwnerAccess"
NEW = pytest.mark.parametrize(
    ("path", "entity_set", "body"),
    [
        (SCORES, SECURE_SCORES, {"id": "new one", "currentScore": 1.5, "openProperty": [{"a": None}]}),
        (CONTROLS, CONTROL_PROFILES, {"id": "new one", "title": "New", "openProperty": {"a": 1}}),
        (USERS, USER_PROFILES, {"id": "new one", "tags": ["a"], "openProperty": "x"}),
    ],
    ids=["score", "control", "user"],
)


@NEW
async def test_a_post_is_201_with_the_entity_and_where_it_is(
    api: Api, path: str, entity_set: EntitySet, body: JsonObject
) -> None:
    before = await api.sequence()
    reply = await api.send("POST", path, json=body)
    assert reply.status_code == 201
    assert reply.headers["location"] == f"{ORIGIN}{path}/new%20one"
    assert body.items() <= reply.json().items()
    assert await api.sequence() == before + 1
    read = await api.send("GET", reply.headers["location"])
    assert read.json() == reply.json()
    assert read.headers["etag"] == reply.headers["etag"]
    assert await api.stored("new one", entity_set=entity_set) is not None


@NEW
async def test_the_same_post_again_is_200_and_changes_nothing(
    api: Api, path: str, entity_set: EntitySet, body: JsonObject
) -> None:
    first = await api.send("POST", path, json=body)
    before = await api.sequence()
    again = await api.send("POST", path, json={**first.json()})
    assert again.status_code == 200
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["location"] == first.headers["location"]
    assert await api.sequence() == before
    assert entity_set.name in again.headers["location"]


@NEW
async def test_a_post_of_an_id_with_other_content_is_a_conflict(
    api: Api, path: str, entity_set: EntitySet, body: JsonObject
) -> None:
    await api.send("POST", path, json=body)
    before = await api.sequence()
    reply = await api.send("POST", path, json={**body, "openProperty": "another"})
    assert reply.status_code == 409
    assert "'new one'" in reply.json()["error"]["message"]
    assert entity_set.name in reply.json()["error"]["message"]
    assert await api.sequence() == before


@NEW
async def test_a_post_that_prefers_little_is_204_with_the_entity_s_address(
    api: Api, path: str, entity_set: EntitySet, body: JsonObject
) -> None:
    reply = await api.send("POST", path, json=body, headers={"Prefer": "return=minimal"})
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["odata-entityid"] == reply.headers["location"] == f"{ORIGIN}{path}/new%20one"
    assert reply.headers["preference-applied"] == "return=minimal"
    assert await api.stored("new one", entity_set=entity_set) is not None


@NEW
async def test_a_delete_is_204_and_then_404(
    api: Api, path: str, entity_set: EntitySet, body: JsonObject
) -> None:
    await api.send("POST", path, json=body)
    before = await api.sequence()
    reply = await api.send("DELETE", f"{path}/new%20one")
    assert (reply.status_code, reply.content) == (204, b"")
    assert await api.sequence() == before + 1
    assert await api.stored("new one", entity_set=entity_set) is None
    for method in ("GET", "DELETE"):
        assert (await api.send(method, f"{path}/new%20one")).status_code == 404
    assert await api.sequence() == before + 1


@pytest.mark.parametrize(
    ("vendor", "id"),
    [
        (MICROSOFT, f"{TENANT}_2026-02-01"),
        (None, f"{TENANT}_2026-02-01"),
        ({"vendor": "Prowler", "provider": "prowler"}, f"{TENANT}_2026-02-01_prowler"),
    ],
)
async def test_a_score_without_an_id_gets_that_of_its_day(
    api: Api, vendor: JsonObject | None, id: str
) -> None:
    body = {"createdDateTime": "2026-02-02T00:30:00+02:00", "vendorInformation": vendor}
    reply = await api.send("POST", SCORES, json=body)
    assert (reply.status_code, reply.json()["id"]) == (201, id)


async def test_a_user_without_an_id_gets_a_new_one(api: Api) -> None:
    replies = [await api.send("POST", USERS, json={"displayName": "A"}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 201]
    assert len({reply.json()["id"] for reply in replies}) == 2


async def test_a_patch_merges_what_is_complex_and_replaces_collections(api: Api) -> None:
    stored = score(openProperty=1, enabledServices=["a", "b"], licensedUserCount=5)
    api.add(stored, entity_set=SECURE_SCORES)
    patch = {
        "@odata.type": "#microsoft.graph.secureScore",
        "currentScore": 13,
        "vendorInformation": {"subProvider": "part"},
        "enabledServices": ["c"],
        "licensedUserCount": None,
        "another": {"x": [None]},
    }
    reply = await api.send("PATCH", SCORE, json=patch)
    assert reply.status_code == 200
    assert reply.json()["vendorInformation"] == {**MICROSOFT, "subProvider": "part"}
    assert reply.json()["enabledServices"] == ["c"]
    assert reply.json()["licensedUserCount"] is None
    assert reply.json()["openProperty"] == 1
    assert reply.json()["another"] == {"x": [None]}
    assert reply.json()["maxScore"] == 50.0
    assert "@odata.type" not in reply.text


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"currentScore": 12.5},
        {"maxScore": 50},
        {"createdDateTime": "2026-01-31T01:00:00+01:00"},
        {"azureTenantId": TENANT.upper()},
        {"vendorInformation": {"vendor": "Microsoft"}},
        {"enabledServices": None},
    ],
)
async def test_a_patch_that_changes_nothing_adds_no_change_and_keeps_the_tag(
    api: Api, patch: JsonObject
) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    tag, before = (await api.send("GET", SCORE)).headers["etag"], await api.sequence()
    reply = await api.send("PATCH", SCORE, json=patch)
    assert (reply.status_code, reply.headers["etag"]) == (200, tag)
    assert await api.sequence() == before


async def shown(api: Api) -> JsonObject:
    (update,) = (await api.send("GET", CONTROL)).json()["controlStateUpdates"]
    return cast("JsonObject", update)


async def test_a_control_that_nobody_touched_shows_default_and_nothing_else(api: Api) -> None:
    api.add(control())
    assert await shown(api) == {
        "assignedTo": None,
        "comment": None,
        "state": "Default",
        "updatedBy": None,
        "updatedDateTime": None,
    }


@pytest.mark.parametrize(
    ("sent", "state"),
    [
        ("ignored", "Ignored"),
        ("IGNORE", "Ignored"),
        ("thirdparty", "ThirdParty"),
        ("AlternateMitigation", "ThirdParty"),
        ("rEVIEWED", "Reviewed"),
    ],
)
@pytest.mark.parametrize("name", ["state", "controlStateUpdates"])
async def test_a_state_matches_without_regard_to_case(api: Api, name: str, sent: str, state: str) -> None:
    api.add(control())
    reply = await api.send("PATCH", CONTROL, json={name: sent, "vendorInformation": MICROSOFT})
    assert reply.status_code == 204
    assert (await shown(api))["state"] == state


async def test_both_generations_of_names_may_say_the_same(api: Api) -> None:
    api.add(control())
    body = {"comment": "x", "tenantNote": "x", "state": "Ignored", "controlStateUpdates": "ignore"}
    reply = await api.send("PATCH", CONTROL, json={**body, "vendorInformation": MICROSOFT})
    assert reply.status_code == 204
    assert (await shown(api))["comment"] == "x"


async def test_null_clears_the_person_and_the_comment_and_what_is_not_sent_stays(api: Api) -> None:
    api.add(control())
    full = {"assignedTo": "a", "comment": "c", "state": "Ignored", "vendorInformation": MICROSOFT}
    await api.send("PATCH", CONTROL, json=full)
    await api.send("PATCH", CONTROL, json={"assignedTo": None, "vendorInformation": MICROSOFT})
    after = await shown(api)
    assert (after["assignedTo"], after["comment"], after["state"]) == (None, "c", "Ignored")
    await api.send("PATCH", CONTROL, json={"comment": None, "vendorInformation": MICROSOFT})
    assert (await shown(api))["comment"] is None


async def test_a_client_may_send_back_what_it_read(api: Api) -> None:
    api.add(control(rank=5, openProperty={"a": [1.0]}, lastModifiedDateTime="2026-01-01T00:00:00Z"))
    read = (await api.send("GET", CONTROL)).json()
    read["@odata.type"] = "#microsoft.graph.secureScoreControlProfile"
    read["maxScore"] = 5
    read["lastModifiedDateTime"] = "2026-01-01T01:00:00.000+01:00"
    before = await api.sequence()
    reply = await api.send("PATCH", CONTROL, json={**read, "comment": "noted"})
    assert reply.status_code == 204
    assert await api.sequence() == before + 1
    after = (await api.send("GET", CONTROL)).json()
    assert after["lastModifiedDateTime"] == "2026-01-01T00:00:00Z"
    assert after["controlStateUpdates"][0]["comment"] == "noted"


async def test_the_owner_matches_without_regard_to_case(api: Api) -> None:
    api.add(control())
    information = {"vendor": "MICROSOFT", "provider": "securescore"}
    body = {"comment": "x", "vendorInformation": information}
    assert (await api.send("PATCH", CONTROL, json=body)).status_code == 204


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "return=representation"}])
async def test_a_decision_that_changes_nothing_adds_no_change_and_keeps_the_tag(
    api: Api, prefer: dict[str, str]
) -> None:
    api.add(control())
    body = {"assignedTo": "", "comment": "x", "state": "Reviewed", "vendorInformation": MICROSOFT}
    first = await api.send("PATCH", CONTROL, json=body, headers=prefer)
    before, decided = await api.sequence(), await shown(api)
    again = await api.send("PATCH", CONTROL, json={**body, "state": "reviewed"}, headers=prefer)
    assert again.status_code == first.status_code
    assert again.headers["etag"] == first.headers["etag"]
    assert again.content == first.content
    assert await api.sequence() == before
    assert await shown(api) == decided


async def test_who_decided_is_the_person_and_else_the_app(api: Api) -> None:
    api.add(control())
    person = api.token(upn="analyst@contoso.com", roles=("Security Administrator",))
    body = {"comment": "x", "vendorInformation": MICROSOFT}
    await api.send("PATCH", CONTROL, token=person, json=body)
    assert (await shown(api))["updatedBy"] == "analyst@contoso.com"
    await api.send("PATCH", CONTROL, json={**body, "comment": "y"})
    apps = {client.client_id for client in api.store.clients(TENANT)}
    assert (await shown(api))["updatedBy"] in apps


async def test_a_control_that_graph_refuses_can_be_decided_here(api: Api) -> None:
    api.add(control("scid_2000"))
    body = {"state": "Ignored", "vendorInformation": MICROSOFT}
    assert (await api.send("PATCH", f"{CONTROLS}/scid_2000", json=body)).status_code == 204


async def test_beta_decides_without_being_told_the_owner(api: Api) -> None:
    api.add(control(), {"id": "ownerless"})
    beta = CONTROLS.replace("v1.0", "beta")
    assert (await api.send("PATCH", f"{beta}/NonOwnerAccess", json={"comment": "x"})).status_code == 204
    assert (await api.send("PATCH", f"{beta}/ownerless", json={"comment": "x"})).status_code == 204


async def test_a_control_of_another_provider_with_the_same_id_is_kept_beside_it(api: Api) -> None:
    api.add(control())
    body = {"id": "NonOwnerAccess", "vendorInformation": {"vendor": "Prowler", "provider": "prowler"}}
    reply = await api.send("POST", CONTROLS, json=body)
    assert (reply.status_code, reply.json()["id"]) == (201, "NonOwnerAccess@prowler")
    assert (await api.send("GET", reply.headers["location"])).status_code == 200


async def test_microsoft_s_control_takes_its_id_from_another_provider(api: Api) -> None:
    api.add(control(vendorInformation={"vendor": "Prowler", "provider": "prowler"}))
    await api.send("PATCH", CONTROL.replace("v1.0", "beta"), json={"comment": "kept"})
    assert (await api.send("POST", CONTROLS, json=control())).status_code == 201
    moved = (await api.send("GET", f"{CONTROLS}/NonOwnerAccess@prowler")).json()
    assert moved["controlStateUpdates"][0]["comment"] == "kept"
    assert (await shown(api))["comment"] is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", SCORES, score("2026-02-01")),
        ("POST", SCORES, score()),
        ("PATCH", SCORE, {"currentScore": 3}),
        ("PATCH", CONTROL, {"comment": "x", "vendorInformation": MICROSOFT}),
    ],
)
async def test_select_cuts_what_a_write_answers(api: Api, method: str, path: str, body: JsonObject) -> None:
    api.add(score(), entity_set=SECURE_SCORES)
    api.add(control())
    headers = {"Prefer": "return=representation"}
    reply = await api.send(method, f"{path}?$select=id,vendorInformation", json=body, headers=headers)
    assert reply.status_code in {200, 201}
    assert list(reply.json()) == ["@odata.context", "id", "vendorInformation"]


@pytest.mark.parametrize("id", [".", "..", "$COUNT"])
async def test_an_id_that_a_path_would_take_for_something_else_is_addressed_in_quotes(
    api: Api, id: str
) -> None:
    reply = await api.send("POST", SCORES, json={**score(), "id": id})
    read = await api.send("GET", reply.headers["location"])
    assert (read.status_code, read.json()["id"]) == (200, id)
