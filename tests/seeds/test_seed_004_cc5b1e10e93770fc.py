"""Update userSecurityProfile, beta only; the page prints a folder of its own where a path has the version."""

import copy
from typing import cast

import pytest

from stanchion.model.edm import USER_PROFILES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import TENANT, Api
from tests.seeds.permissions import ROWS, Row, assert_row_holds
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

ID = "e9107a0b-7a0b-e910-0b7a-10e90b7a10e9"
PATH = f"/beta/Security/userSecurityProfiles/{ID}"

ACCOUNT: JsonObject = {
    "@odata.type": "microsoft.graph.userAccount",
    "displayName": "Display Name value",
    "lastSeenDateTime": "2016-12-31T23:58:05.5931807+03:00",
    "riskScore": "Risk Score value",
    "service": "Service value",
    "signinName": "Signin Name value",
    "status": "String",
}
VENDOR: JsonObject = {
    "@odata.type": "microsoft.graph.securityVendorInformation",
    "provider": "Provider value",
    "providerVersion": "Provider Version value",
    "subProvider": "Sub Provider value",
    "vendor": "Vendor value",
}
# The body of the request, letter for letter.
LITERAL: JsonObject = {
    "@odata.type": "#microsoft.graph.userSecurityProfile",
    "accounts": [ACCOUNT],
    "azureSubscriptionId": "Azure Subscription Id value",
    "azureTenantId": "Azure Tenant Id value",
    "displayName": "Display Name value",
    "riskScore": "Risk Score value",
    "tags": ["Tags value"],
    "userPrincipalName": "User Principal Name value",
    "vendorInformation": VENDOR,
}
STATUSES = ["unknown", "staged", "active", "suspended", "deleted", "unknownFutureValue"]
# What the answer shows beyond the body, which the user had before.
STORED: JsonObject = {
    "id": ID,
    "createdDateTime": "2017-01-01T00:00:46.1697867+03:00",
    "lastModifiedDateTime": "2016-12-31T23:58:46.8102575+03:00",
}


def body(status: str = "active") -> JsonObject:
    """Return the body with its placeholders substituted."""
    return {**LITERAL, "azureTenantId": TENANT, "accounts": [{**ACCOUNT, "status": status}]}


def without_control_information(entity: JsonObject) -> JsonObject:
    def cut(value: JsonObject) -> JsonObject:
        return {name: member for name, member in value.items() if "@odata." not in name}

    accounts: list[JsonValue] = [cut(account) for account in cast("list[JsonObject]", entity["accounts"])]
    vendor = cut(cast("JsonObject", entity["vendorInformation"]))
    return {**cut(entity), "accounts": accounts, "vendorInformation": vendor}


@pytest.mark.parametrize("status", STATUSES)
async def test_the_example_with_each_status_is_answered_200_with_the_updated_user(
    api: Api, status: str
) -> None:
    api.add(STORED, entity_set=USER_PROFILES)
    reply = await api.send("PATCH", PATH, json=body(status), headers={"Content-type": "application/json"})
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/json")
    answer: JsonObject = {**without_control_information(body(status)), **STORED}
    assert without_control_information(reply.json()) == answer
    assert (await api.send("GET", PATH)).json() == reply.json()


async def test_the_example_with_its_placeholders_is_refused_naming_the_status(api: Api) -> None:
    api.add(STORED, entity_set=USER_PROFILES)
    reply = await assert_refused(
        api, api.send("PATCH", PATH, json=LITERAL), 400, "accounts/0/status", *STATUSES
    )
    assert reply.json()["error"]["target"] == "accounts/0/status"


async def test_the_placeholder_of_the_tenant_is_refused_naming_it(api: Api) -> None:
    api.add(STORED, entity_set=USER_PROFILES)
    literal = {**body(), "azureTenantId": "Azure Tenant Id value"}
    await assert_refused(api, api.send("PATCH", PATH, json=literal), 400, "'azureTenantId'", TENANT)


async def test_the_path_with_its_placeholder_names_no_user(api: Api) -> None:
    path = "/beta/Security/userSecurityProfiles/{userSecurityProfileId}"
    await assert_refused(api, api.send("PATCH", path, json=body()), 404, "{userSecurityProfileId}")


async def test_the_prefix_that_the_page_prints_is_no_root(api: Api) -> None:
    path = f"/docs\\api/Security/userSecurityProfiles/{ID}"
    await assert_refused(api, api.send("PATCH", path, json=body()), 404)


async def test_v1_0_has_no_users(api: Api) -> None:
    api.add(STORED, entity_set=USER_PROFILES)
    path = PATH.replace("/beta/", "/v1.0/")
    await assert_refused(api, api.send("PATCH", path, json=body()), 400, "userSecurityProfiles")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accounts", [{"displayName": "another", "status": "staged"}]),
        ("azureSubscriptionId", "another"),
        ("azureTenantId", TENANT),
        ("createdDateTime", "2017-01-02T00:00:00Z"),
        ("displayName", "another"),
        ("id", ID),
        ("lastModifiedDateTime", "2017-01-02T00:00:00Z"),
        ("riskScore", "another"),
        ("tags", ["one", "two"]),
        ("userPrincipalName", "another@contoso.com"),
        ("vendorInformation", {**VENDOR, "provider": "another"}),
    ],
)
async def test_each_property_of_the_table_can_be_sent_and_the_others_stay(
    api: Api, field: str, value: JsonValue
) -> None:
    api.add({**body(), **STORED}, entity_set=USER_PROFILES)
    reply = await api.send("PATCH", PATH, json={field: value})
    assert reply.status_code == 200
    expected = without_control_information({**copy.deepcopy(body()), **STORED, field: value})
    assert without_control_information(reply.json()) == expected


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_who_may_update_a_control_may_update_a_user(api: Api, row: Row) -> None:
    api.add(STORED, entity_set=USER_PROFILES)
    await assert_row_holds(api, row, PATH, body())
