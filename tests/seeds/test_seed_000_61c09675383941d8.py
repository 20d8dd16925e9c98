"""Update secureScoreControlProfiles, beta: the old names assignedTo, tenantNote and controlStateUpdates."""

import pytest

from stanchion.model.json_text import JsonObject
from tests.conftest import MICROSOFT, Api, control
from tests.seeds.permissions import ROWS, Row, assert_row_holds
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

PATH = "/beta/security/secureScoreControlProfiles/AdminMFA"
V1_PATH = "/v1.0/security/secureScoreControlProfiles/AdminMFA"

# Beta takes the body as the page has it; v1.0, whose page says so, also wants to hear who owns the control.
ROOTS = pytest.mark.parametrize(
    ("path", "owner"), [(PATH, {}), (V1_PATH, {"vendorInformation": MICROSOFT})], ids=["beta", "v1.0"]
)


async def decision(api: Api) -> JsonObject:
    reply = await api.send("GET", PATH)
    (update,) = reply.json()["controlStateUpdates"]
    shown: JsonObject = update
    return shown


@ROOTS
@pytest.mark.parametrize(
    ("sent", "shown"), [("ignore", "Ignored"), ("thirdParty", "ThirdParty"), ("reviewed", "Reviewed")]
)
async def test_the_example_with_each_possible_value_is_answered_204_without_a_body(
    api: Api, *, path: str, owner: JsonObject, sent: str, shown: str
) -> None:
    api.add(control("AdminMFA"))
    reply = await api.send("PATCH", path, json={"controlStateUpdates": sent, **owner})
    assert reply.status_code == 204
    assert reply.content == b""
    assert (await decision(api))["state"] == shown


@ROOTS
async def test_the_example_with_its_placeholder_is_refused_naming_the_property_and_its_values(
    api: Api, path: str, owner: JsonObject
) -> None:
    api.add(control("AdminMFA"))
    body = {"controlStateUpdates": "controlStateUpdates-value", **owner}
    reply = await assert_refused(
        api,
        api.send("PATCH", path, json=body),
        400,
        "controlStateUpdates",
        "Ignored",
        "ThirdParty",
        "Reviewed",
    )
    assert reply.json()["error"]["target"] == "controlStateUpdates"


async def test_the_example_as_printed_without_braces_is_no_json(api: Api) -> None:
    api.add(control("AdminMFA"))
    content = b'\n  "controlStateUpdates": "controlStateUpdates-value"\n\n'
    headers = {"Content-type": "application/json"}
    await assert_refused(api, api.send("PATCH", PATH, headers=headers, content=content), 400, "not JSON")


@ROOTS
@pytest.mark.parametrize(
    ("field", "value", "shown_as"),
    [
        ("assignedTo", "analyst@contoso.com", "assignedTo"),
        ("tenantNote", "waits for the licence", "comment"),
        ("controlStateUpdates", "reviewed", "state"),
    ],
)
async def test_each_field_of_the_table_can_be_updated_and_the_others_stay(
    api: Api, *, path: str, owner: JsonObject, field: str, value: str, shown_as: str
) -> None:
    api.add(control("AdminMFA"))
    before = {"assignedTo": "before", "comment": "before", "state": "ThirdParty"}
    await api.send("PATCH", PATH, json=before)
    reply = await api.send("PATCH", path, json={field: value, **owner})
    assert reply.status_code == 204
    after = await decision(api)
    assert str(after[shown_as]).lower() == value
    unchanged = set(before) - {shown_as}
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}


@ROOTS
async def test_with_the_optional_header_the_answer_is_200_with_the_updated_object(
    api: Api, path: str, owner: JsonObject
) -> None:
    api.add(control("AdminMFA"))
    reply = await api.send(
        "PATCH",
        path,
        headers={"Prefer": "return=representation"},
        json={"controlStateUpdates": "ignore", "tenantNote": "noted", "assignedTo": "analyst", **owner},
    )
    assert reply.status_code == 200
    assert reply.json()["id"] == "AdminMFA"
    (update,) = reply.json()["controlStateUpdates"]
    assert {name: update[name] for name in ("assignedTo", "comment", "state")} == {
        "assignedTo": "analyst",
        "comment": "noted",
        "state": "Ignored",
    }


async def test_the_full_stop_behind_the_header_in_its_table_is_no_part_of_the_preference(api: Api) -> None:
    api.add(control("AdminMFA"))
    headers = {"Prefer": "return=representation."}
    reply = await api.send("PATCH", PATH, headers=headers, json={"tenantNote": "noted"})
    assert reply.status_code == 204


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_the_table_of_permissions_holds(api: Api, row: Row) -> None:
    api.add(control("AdminMFA"))
    await assert_row_holds(api, row, PATH, {"controlStateUpdates": "reviewed"})
