"""The same page in German: its examples are the same, and one name of its table is translated by mistake."""

import pytest

from tests.conftest import MICROSOFT, Api, control
from tests.seeds.non_owner_access import PATHS, assert_first_example, assert_second_example
from tests.seeds.permissions import ROWS, Row, assert_row_holds
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", PATHS)
async def test_beispiel_1_without_the_prefer_header_is_answered_204(api: Api, path: str) -> None:
    await assert_first_example(api, path)


@pytest.mark.parametrize("path", PATHS)
async def test_beispiel_2_with_the_prefer_header_is_answered_200_with_the_control_shown(
    api: Api, path: str
) -> None:
    await assert_second_example(api, path)


@pytest.mark.parametrize("path", PATHS)
async def test_the_translated_name_kommentar_is_refused_and_not_taken_for_a_property(
    api: Api, path: str
) -> None:
    api.add(control())
    body = {"Kommentar": "geprüft", "vendorInformation": MICROSOFT}
    await assert_refused(api, api.send("PATCH", path, json=body), 400, "'Kommentar'")


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_the_table_of_permissions_holds(api: Api, row: Row) -> None:
    api.add(control())
    await assert_row_holds(api, row, PATHS[0], {"comment": "geprüft", "vendorInformation": MICROSOFT})
