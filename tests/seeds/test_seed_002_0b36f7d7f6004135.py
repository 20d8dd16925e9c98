"""Update secureScores, beta: a path without a key, so the score is the newest of the product in the body."""

import copy
from typing import cast

import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import TENANT, Api
from tests.seeds.permissions import ROWS, Row, assert_row_holds
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

# As printed: without a key, and with a capital letter.
PATH = "/beta/Security/secureScores"
PATHS = [PATH, "/v1.0/Security/secureScores"]

VENDOR: JsonObject = {
    "@odata.type": "microsoft.graph.securityVendorInformation",
    "provider": "Provider value",
    "providerVersion": "Provider Version value",
    "subProvider": "Sub Provider value",
    "vendor": "Vendor value",
}
# The body of the request, letter for letter.
LITERAL: JsonObject = {
    "@odata.type": "#microsoft.graph.secureScore",
    "activeUserCount": 15,
    "averageComparativeScores": [
        {
            "@odata.type": "microsoft.graph.averageComparativeScore",
            "averageScore": "Double",
            "basis": "Basis value",
        }
    ],
    "azureTenantId": "Azure Tenant Id value",
    "controlScores": [
        {
            "@odata.type": "microsoft.graph.controlScore",
            "controlCategory": "Control Category value",
            "controlName": "Control Name value",
            "description": "Description value",
            "score": "Double",
        }
    ],
    "currentScore": "Double",
    "enabledServices": ["Enabled Services value"],
    "licensedUserCount": 1,
    "maxScore": "Double",
    "vendorInformation": VENDOR,
}
# What the answer shows beyond the body, which the score had before.
ID = "16d3052d-052d-16d3-2d05-d3162d05d316"
CREATED = "2017-01-01T00:02:24.9669049+03:00"
SCORE: JsonObject = {"id": ID, "createdDateTime": CREATED, "vendorInformation": VENDOR}


def substituted(value: JsonValue) -> JsonValue:
    """Return the value with a number for each "Double" and the tests' tenant for that of the page."""
    match value:
        case "Double":
            return 12.5
        case "Azure Tenant Id value":
            return TENANT
        case dict():
            return {name: substituted(member) for name, member in value.items()}
        case list():
            return [substituted(member) for member in value]
        case _:
            return value


def without_control_information(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            kept = {name: member for name, member in value.items() if "@odata." not in name}
            return {name: without_control_information(member) for name, member in kept.items()}
        case list():
            return [without_control_information(member) for member in value]
        case _:
            return value


BODY = cast("JsonObject", substituted(LITERAL))
ANSWER = cast("JsonObject", without_control_information({**BODY, "id": ID, "createdDateTime": CREATED}))


@pytest.mark.parametrize("path", PATHS)
async def test_the_example_is_answered_200_with_the_updated_score(api: Api, path: str) -> None:
    api.add(SCORE, entity_set=SECURE_SCORES)
    reply = await api.send("PATCH", path, json=BODY, headers={"Content-Type": "application/json"})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/json")
    assert without_control_information(reply.json()) == ANSWER
    read = await api.send("GET", f"{path}/{ID}")
    assert read.json() == reply.json()


@pytest.mark.parametrize("path", PATHS)
async def test_of_several_scores_of_the_product_the_newest_is_updated(api: Api, path: str) -> None:
    newest: JsonObject = {
        "id": "newest",
        "createdDateTime": "2017-01-02T00:00:00Z",
        "vendorInformation": VENDOR,
    }
    other: JsonObject = {"id": "other", "createdDateTime": "2018-01-01T00:00:00Z"}
    api.add(SCORE, newest, other, entity_set=SECURE_SCORES)
    reply = await api.send("PATCH", path, json=BODY)
    assert reply.json()["id"] == "newest"


@pytest.mark.parametrize("path", PATHS)
async def test_an_id_in_the_body_names_the_score(api: Api, path: str) -> None:
    newest: JsonObject = {
        "id": "newest",
        "createdDateTime": "2017-01-02T00:00:00Z",
        "vendorInformation": VENDOR,
    }
    api.add(SCORE, newest, entity_set=SECURE_SCORES)
    reply = await api.send("PATCH", path, json={**BODY, "id": ID})
    assert reply.status_code == 200
    assert reply.json()["id"] == ID


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_names_neither_an_id_nor_a_product_is_refused(api: Api, path: str) -> None:
    api.add(SCORE, entity_set=SECURE_SCORES)
    body = {name: value for name, value in BODY.items() if name != "vendorInformation"}
    await assert_refused(api, api.send("PATCH", path, json=body), 400, "'id'", "vendorInformation")


@pytest.mark.parametrize("path", PATHS)
async def test_a_product_without_a_score_is_not_found(api: Api, path: str) -> None:
    await assert_refused(api, api.send("PATCH", path, json=BODY), 404, "Vendor value/Provider value")


@pytest.mark.parametrize("path", PATHS)
async def test_the_example_with_its_placeholders_is_refused_naming_the_first_property(
    api: Api, path: str
) -> None:
    api.add(SCORE, entity_set=SECURE_SCORES)
    request = api.send("PATCH", path, json=LITERAL)
    reply = await assert_refused(api, request, 400, "averageComparativeScores/0/averageScore", "Edm.Double")
    assert reply.json()["error"]["target"] == "averageComparativeScores/0/averageScore"


@pytest.mark.parametrize(
    ("property_path", "target"),
    [
        (("averageComparativeScores", 0, "averageScore"), "averageComparativeScores/0/averageScore"),
        (("controlScores", 0, "score"), "controlScores/0/score"),
        (("currentScore",), "currentScore"),
        (("maxScore",), "maxScore"),
        (("azureTenantId",), "azureTenantId"),
    ],
)
async def test_each_placeholder_left_in_is_refused_by_the_name_of_its_property(
    api: Api, property_path: tuple[str | int, ...], target: str
) -> None:
    api.add(SCORE, entity_set=SECURE_SCORES)
    body = copy.deepcopy(BODY)
    place, literal = body, LITERAL
    for step in property_path[:-1]:
        place, literal = place[step], literal[step]  # type: ignore[index,assignment]
    place[property_path[-1]] = literal[property_path[-1]]  # type: ignore[index]
    reply = await assert_refused(api, api.send("PATCH", PATH, json=body), 400, f"'{target}'")
    assert reply.json()["error"]["target"] == target


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("activeUserCount", 16),
        ("averageComparativeScores", [{"basis": "AllTenants", "averageScore": 1.5}]),
        ("azureTenantId", TENANT.upper()),
        ("controlScores", [{"controlName": "AdminMFA", "score": 3}]),
        ("createdDateTime", "2017-01-01T00:00:00Z"),
        ("currentScore", 13.25),
        ("enabledServices", ["Exchange", "SharePoint"]),
        ("id", ID),
        ("licensedUserCount", 2),
        ("maxScore", 600),
        ("vendorInformation", {**VENDOR, "subProvider": "another"}),
    ],
)
async def test_each_property_of_the_table_can_be_sent_and_the_others_stay(
    api: Api, field: str, value: JsonValue
) -> None:
    api.add({**BODY, **SCORE}, entity_set=SECURE_SCORES)
    reply = await api.send("PATCH", PATH, json={"id": ID, field: value})
    assert reply.status_code == 200
    # The tenant is the same in capitals, so nothing changes.
    expected = ANSWER if field == "azureTenantId" else {**ANSWER, field: without_control_information(value)}
    assert without_control_information(reply.json()) == expected


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_who_may_update_a_control_may_update_a_score(api: Api, row: Row) -> None:
    api.add(SCORE, entity_set=SECURE_SCORES)
    await assert_row_holds(api, row, PATH, BODY)
