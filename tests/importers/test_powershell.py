"""What Graph PowerShell makes of entities, undone."""

import pytest

from stanchion.errors import BadRequest
from stanchion.importers.powershell import graph_form, is_powershell
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.importers.shapes import TENANT, faults, read


def score(**members: JsonValue) -> JsonObject:
    """Return a score as the cmdlet has it."""
    return {"Id": "s", "AzureTenantId": TENANT, "CurrentScore": 1, **members}


def as_graph(**members: JsonValue) -> JsonObject:
    return graph_form(score(**members), SECURE_SCORES.type)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"Id": "a"}, True),
        ({"id": "a", "AdditionalProperties": {}}, True),
        ({"id": "a", "Id": "b"}, False),
        ({"id": "a"}, False),
    ],
)
def test_the_form_is_told_by_its_names(value: JsonObject, *, found: bool) -> None:
    assert is_powershell(value) is found


def test_additional_properties_belong_onto_the_object_around_them_at_any_level() -> None:
    found = as_graph(
        ControlScores=[
            {
                "ControlName": "AdminMFA",
                "Description": None,
                "AdditionalProperties": {"scoreInPercentage": 100, "on": "true", "SeatSizeRange": "1"},
            }
        ],
        AdditionalProperties={"region": {"name": "EU", "AdditionalProperties": {"code": 5}}},
    )
    assert found["controlScores"] == [
        {
            "controlName": "AdminMFA",
            "description": None,
            "scoreInPercentage": 100,
            "on": "true",
            "SeatSizeRange": "1",
        }
    ]
    assert found["region"] == {"name": "EU", "code": 5}
    assert "AdditionalProperties" not in found


@pytest.mark.parametrize("empty", [None, {}, [], ""])
def test_no_additional_properties_are_none(empty: JsonValue) -> None:
    assert as_graph(AdditionalProperties=empty) == {"id": "s", "azureTenantId": TENANT, "currentScore": 1}


@pytest.mark.parametrize(
    ("date", "text"),
    [
        ("/Date(1700000000000)/", "2023-11-14T22:13:20Z"),
        ("/Date(1700000000123)/", "2023-11-14T22:13:20.123Z"),
        ("/Date(1700000000120+0100)/", "2023-11-14T22:13:20.12Z"),
        ("/Date(-62135596800000)/", "0001-01-01T00:00:00Z"),
        (
            {"value": "/Date(1700000000000)/", "DisplayHint": 2, "DateTime": "Dienstag, 14. November 2023"},
            "2023-11-14T22:13:20Z",
        ),
        ({"value": "/Date(1700000000000)/", "DateTime": "14 November 2023"}, "2023-11-14T22:13:20Z"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("2024-01-01T01:00:00+01:00", "2024-01-01T01:00:00+01:00"),
        (None, None),
    ],
)
def test_instants_of_windows_powershell_become_graphs(date: JsonValue, text: str | None) -> None:
    assert as_graph(CreatedDateTime=date)["createdDateTime"] == text
    assert as_graph(AdditionalProperties={"lastSynced": date})["lastSynced"] == text


def test_a_text_that_looks_like_an_instant_stays_a_text_where_a_text_belongs() -> None:
    found = graph_form({"Id": "c", "Title": "/Date(0)/", "Threats": ["/Date(0)/"]}, CONTROL_PROFILES.type)
    assert found == {"id": "c", "title": "/Date(0)/", "threats": ["/Date(0)/"]}


def test_an_instant_of_no_calendar_is_refused() -> None:
    (fault,) = faults([score(CreatedDateTime="/Date(999999999999999)/")])
    assert "the years 1 to 9999" in fault.reason


def test_an_instant_without_a_zone_is_refused_rather_than_guessed() -> None:
    (fault,) = faults([score(CreatedDateTime="2024-01-01T00:00:00")])
    assert "an instant with its zone" in fault.reason


def test_an_array_in_the_wrapping_of_windows_powershell_is_an_array() -> None:
    wrapped: JsonObject = {"value": [{"ControlName": "a", "AdditionalProperties": {}}], "Count": 1}
    assert as_graph(ControlScores=wrapped)["controlScores"] == [{"controlName": "a"}]
    assert as_graph(EnabledServices={"value": [], "Count": 0})["enabledServices"] == []


def test_an_object_of_nothing_but_nulls_is_an_absent_one_but_not_in_an_array() -> None:
    empty: JsonObject = {"Provider": None, "Vendor": None, "AdditionalProperties": {}}
    assert as_graph(VendorInformation=empty)["vendorInformation"] is None
    updates = graph_form({"Id": "c", "ControlStateUpdates": [{"State": None}]}, CONTROL_PROFILES.type)
    assert updates["controlStateUpdates"] == [{"state": None}]


def test_absent_collections_are_null_and_empty_in_the_end() -> None:
    ((_, value),) = read([score(ControlScores=None, EnabledServices=None, AverageComparativeScores=None)])
    assert (value["controlScores"], value["enabledServices"]) == ([], [])


def test_a_name_that_comes_twice_is_refused_unless_one_is_empty() -> None:
    assert as_graph(MaxScore=None, AdditionalProperties={"maxScore": 5})["maxScore"] == 5
    assert as_graph(MaxScore=5, AdditionalProperties={"maxScore": None})["maxScore"] == 5
    with pytest.raises(BadRequest, match="'maxScore' appears twice"):
        as_graph(MaxScore=5, AdditionalProperties={"maxScore": 6})


def test_additional_properties_that_are_no_object_are_refused() -> None:
    with pytest.raises(BadRequest, match="'AdditionalProperties' must be an object"):
        as_graph(AdditionalProperties="System.Collections.Hashtable")


def test_what_was_cut_off_at_a_depth_is_told_so() -> None:
    models = "Microsoft.Graph.PowerShell.Models.MicrosoftGraphControlScore"
    cuts: list[JsonValue] = [models, [models], "System.Object[]", "@{ControlName=a}"]
    for cut in cuts:
        (fault,) = faults([score(ControlScores=cut)])
        assert "-Depth 10" in fault.reason


def test_an_entity_of_graph_with_a_property_of_that_name_is_graph_s() -> None:
    assert not is_powershell({"id": "a", "AdditionalProperties": "an open property"})
    assert is_powershell({"Id": "a", "AdditionalProperties": {}})
