"""Update secureScoreControlProfile, v1.0: assignedTo, comment, state, and the product that owns the control."""

import re

import pytest

from stanchion.model.json_text import JsonObject
from tests.conftest import MICROSOFT, Api, control
from tests.seeds.non_owner_access import PATHS, assert_first_example, assert_second_example, send_example
from tests.seeds.pages import prepare
from tests.seeds.permissions import ROWS, Row, assert_row_holds
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

PATH = PATHS[0]


@pytest.mark.parametrize("path", PATHS)
async def test_example_1_without_the_prefer_header_is_answered_204(api: Api, path: str) -> None:
    await assert_first_example(api, path)


@pytest.mark.parametrize("path", PATHS)
async def test_example_2_with_the_prefer_header_is_answered_200_with_the_control_shown(
    api: Api, path: str
) -> None:
    await assert_second_example(api, path)


async def test_the_time_of_the_update_is_utc_to_the_microsecond_as_in_the_example(api: Api) -> None:
    reply = await send_example(api, PATH, prepare(api), prefer="return=representation")
    (update,) = reply.json()["controlStateUpdates"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", update["updatedDateTime"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("state", ["Default", "Ignored", "ThirdParty", "Reviewed"])
async def test_each_possible_state_is_taken_and_shown(api: Api, path: str, state: str) -> None:
    api.add(control())
    await api.send("PATCH", path, json={"state": "Ignored", "vendorInformation": MICROSOFT})
    body = {"state": state, "vendorInformation": MICROSOFT}
    reply = await api.send("PATCH", path, json=body, headers={"Prefer": "return=representation"})
    assert reply.status_code == 200
    assert [update["state"] for update in reply.json()["controlStateUpdates"]] == [state]


@pytest.mark.parametrize(
    ("field", "value"), [("assignedTo", "analyst"), ("comment", "why"), ("state", "Ignored")]
)
async def test_each_field_of_the_table_can_be_updated_and_the_others_stay(
    api: Api, field: str, value: str
) -> None:
    api.add(control())
    before = {"assignedTo": "before", "comment": "before", "state": "ThirdParty"}
    await api.send("PATCH", PATH, json={**before, "vendorInformation": MICROSOFT})
    reply = await api.send(
        "PATCH",
        PATH,
        json={field: value, "vendorInformation": MICROSOFT},
        headers={"Prefer": "return=representation"},
    )
    (update,) = reply.json()["controlStateUpdates"]
    assert {name: update[name] for name in before} == {**before, field: value}


@pytest.mark.parametrize(
    "information",
    [
        None,
        {},
        {"provider": "SecureScore"},
        {"vendor": "Microsoft"},
        {"provider": "", "vendor": "Microsoft"},
        {"provider": "SecureScore", "vendor": None},
    ],
)
async def test_the_body_must_contain_vendor_information_with_provider_and_vendor(
    api: Api, information: JsonObject | None
) -> None:
    api.add(control())
    body = {"comment": "x"} if information is None else {"comment": "x", "vendorInformation": information}
    await assert_refused(api, api.send("PATCH", PATH, json=body), 400, "vendorInformation")


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_the_table_of_permissions_holds(api: Api, row: Row) -> None:
    api.add(control())
    await assert_row_holds(api, row, PATH, {"state": "Reviewed", "vendorInformation": MICROSOFT})
