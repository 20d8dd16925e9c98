"""What an entity may hold, and when two values are the same."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest
from stanchion.model.check import check_entity, column_values, complete, is_id, same_value
from stanchion.model.edm import (
    CONTROL_PROFILES,
    DECISIONS,
    ENTITY_SETS,
    SECURE_SCORES,
    USER_PROFILES,
    Collection,
    EntitySet,
    Item,
    Primitive,
)
from stanchion.model.json_text import JsonObject, JsonValue, parse_object

LEAVES = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.0, 1.5, 5.0]) | st.text(max_size=2)
)
INSTANTS = st.sampled_from(["2026-01-31T00:00:00Z", "2026-01-31T01:00:00.0+01:00", "2026-02-01T00:00:00Z"])
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    LEAVES | INSTANTS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["score", "description", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)
KINDS: list[Item | Collection | None] = [
    None,
    Primitive("Edm.Double"),
    Primitive("Edm.DateTimeOffset"),
    SECURE_SCORES.type,
    SECURE_SCORES.type.by_name["controlScores"].type,
]


def samples(folder: Path) -> list[tuple[EntitySet, JsonObject]]:
    found: list[tuple[EntitySet, JsonObject]] = []
    for path in sorted(folder.glob("*.json")):
        entities = parse_object(path.read_bytes())["value"]
        assert isinstance(entities, list)
        entity_set = ENTITY_SETS[path.name.partition(".")[0]]
        found += [(entity_set, entity) for entity in entities if isinstance(entity, dict)]
    return found


def test_real_entities_pass_unchanged_and_in_order(graph_samples: Path) -> None:
    for entity_set, entity in samples(graph_samples):
        checked = check_entity(entity, entity_set, whole=True)
        assert checked == entity
        assert list(checked) == list(entity)
        assert same_value(checked, entity, entity_set.type)


def test_real_entities_have_a_value_for_each_column_that_graph_fills(graph_samples: Path) -> None:
    for entity_set, entity in samples(graph_samples):
        columns = column_values(entity_set, entity)
        assert set(columns) == {column.name for column in entity_set.columns}
        assert columns["vendor_information_vendor"] == "Microsoft"
        assert isinstance(columns["max_score"], float)


REFUSED: list[tuple[EntitySet, JsonObject, str, str]] = [
    (
        SECURE_SCORES,
        {"currentScore": "Double"},
        "currentScore",
        "number (Edm.Double), not the string 'Double'",
    ),
    (SECURE_SCORES, {"currentScore": "1.5"}, "currentScore", "not the string '1.5'"),
    (SECURE_SCORES, {"currentScore": True}, "currentScore", "not a Boolean"),
    (SECURE_SCORES, {"activeUserCount": 1.0}, "activeUserCount", "Edm.Int32), not the number 1.0"),
    (SECURE_SCORES, {"activeUserCount": 2**31}, "activeUserCount", "not the number 2147483648"),
    (SECURE_SCORES, {"activeUserCount": True}, "activeUserCount", "not a Boolean"),
    (SECURE_SCORES, {"azureTenantId": None}, "azureTenantId", "string (Edm.String), not null"),
    (SECURE_SCORES, {"azureTenantId": 1}, "azureTenantId", "not the number 1"),
    (SECURE_SCORES, {"createdDateTime": "2026-01-31"}, "createdDateTime", "instant with its zone"),
    (SECURE_SCORES, {"createdDateTime": 1}, "createdDateTime", "instant with its zone"),
    (
        SECURE_SCORES,
        {"enabledServices": "Exchange"},
        "enabledServices",
        "must be an array of which each item",
    ),
    (SECURE_SCORES, {"enabledServices": ["a", None]}, "enabledServices/1", "string (Edm.String), not null"),
    (SECURE_SCORES, {"controlScores": [{"score": "x"}]}, "controlScores/0/score", "number"),
    (SECURE_SCORES, {"controlScores": [[]]}, "controlScores/0", "object (microsoft.graph.controlScore)"),
    (SECURE_SCORES, {"controlScores": {}}, "controlScores", "not an object"),
    (SECURE_SCORES, {"vendorInformation": []}, "vendorInformation", "not an array"),
    (
        SECURE_SCORES,
        {"vendorInformation": {"Vendor": "x"}},
        "vendorInformation/Vendor",
        "'microsoft.graph.securityVendorInformation' in 'vendorInformation'. Did you mean 'vendor'?",
    ),
    (
        CONTROL_PROFILES,
        {"controlStateUpdates": "controlStateUpdates-value"},
        "controlStateUpdates",
        "an array",
    ),
    (CONTROL_PROFILES, {"deprecated": "String"}, "deprecated", "true or false (Edm.Boolean)"),
    (CONTROL_PROFILES, {"controlStateUpdates": [{"x": 1}]}, "controlStateUpdates/0/x", "'x'"),
    (
        CONTROL_PROFILES,
        {"complianceInformation": [{"certificationControls": [{"url": 1}]}]},
        "complianceInformation/0/certificationControls/0/url",
        "a string",
    ),
    (
        USER_PROFILES,
        {"accounts": [{"status": "Active"}]},
        "accounts/0/status",
        "one of unknown, staged, active",
    ),
    (USER_PROFILES, {"accounts": [{"status": 2}]}, "accounts/0/status", "accountStatus), not the number 2"),
    (DECISIONS, {"status": None}, "status", "not null"),
    (SECURE_SCORES, {"id": ""}, "id", "1 to 256 characters"),
    (SECURE_SCORES, {"id": "x" * 257}, "id", "1 to 256 characters"),
    (SECURE_SCORES, {"id": "a\nb"}, "id", "without control characters"),
    (SECURE_SCORES, {"id": None}, "id", "string (Edm.String), not null"),
    (SECURE_SCORES, {"id": 7}, "id", "not the number 7"),
    (CONTROL_PROFILES, {"controlCategory": "x" * 257}, "controlCategory", "at most 256 characters, not 257"),
    (
        SECURE_SCORES,
        {"vendorInformation": {"provider": "x" * 257}},
        "vendorInformation/provider",
        "at most 256 characters, not 257",
    ),
]


@pytest.mark.parametrize(("entity_set", "value", "target", "message"), REFUSED)
def test_a_value_of_another_type_is_refused_by_its_path(
    entity_set: EntitySet, value: JsonObject, target: str, message: str
) -> None:
    with pytest.raises(BadRequest) as refusal:
        check_entity(value, entity_set, whole=False)
    assert refusal.value.target == target
    assert message in refusal.value.message


@pytest.mark.parametrize("missing", ["id", "azureTenantId"])
def test_a_whole_entity_has_all_that_is_never_null(missing: str) -> None:
    value: JsonObject = {"id": "1", "azureTenantId": "t"}
    assert check_entity(value, SECURE_SCORES, whole=True) == value
    del value[missing]
    with pytest.raises(BadRequest, match=f"'{missing}' is required"):
        check_entity(value, SECURE_SCORES, whole=True)
    assert check_entity(value, SECURE_SCORES, whole=False) == value


def test_control_information_is_dropped_at_any_depth() -> None:
    value: JsonObject = {
        "@odata.type": "#microsoft.graph.secureScore",
        "controlScores@odata.type": "#Collection(microsoft.graph.controlScore)",
        "controlScores": [
            {"@odata.type": "microsoft.graph.controlScore", "score": 1, "extra": [{"@odata.id": 1}]}
        ],
        "vendorInformation": {"@odata.type": "x", "vendor": "v"},
        "@type": "#microsoft.graph.secureScore",
        "@context": "c",
        "controlScores@type": "#Collection(microsoft.graph.controlScore)",
        "mine": {"a": {"@odata.etag": "e", "b": 1}},
    }
    assert check_entity(value, SECURE_SCORES, whole=False) == {
        "controlScores": [{"score": 1, "extra": [{}]}],
        "vendorInformation": {"vendor": "v"},
        "mine": {"a": {"b": 1}},
    }


def test_a_null_collection_is_stored_empty() -> None:
    value: JsonObject = {"threats": None, "complianceInformation": [{"certificationControls": None}]}
    assert check_entity(value, CONTROL_PROFILES, whole=False) == {
        "threats": [],
        "complianceInformation": [{"certificationControls": []}],
    }


def test_completing_appends_what_is_absent_in_declared_order() -> None:
    value: JsonObject = {"mine": 1, "maxScore": 5, "id": "1"}
    completed = complete(value, SECURE_SCORES)
    assert list(completed)[:5] == ["mine", "maxScore", "id", "activeUserCount", "averageComparativeScores"]
    assert completed["averageComparativeScores"] == []
    assert completed["vendorInformation"] is None
    assert "azureTenantId" not in completed
    assert complete(completed, SECURE_SCORES) == completed


@given(VALUES, st.sampled_from(KINDS))
def test_a_value_is_the_same_as_itself(value: JsonValue, kind: Item | Collection | None) -> None:
    assert same_value(value, value, kind)


@given(VALUES, VALUES, st.sampled_from(KINDS))
def test_sameness_has_no_direction(a: JsonValue, b: JsonValue, kind: Item | Collection | None) -> None:
    assert same_value(a, b, kind) == same_value(b, a, kind)


SCORE = SECURE_SCORES.type


@pytest.mark.parametrize(
    ("a", "b", "kind", "same"),
    [
        (5, 5.0, Primitive("Edm.Double"), True),
        (2**53 + 1, float(2**53), Primitive("Edm.Double"), False),
        (1, True, None, False),
        (0, False, None, False),
        (0, None, None, False),
        ("", None, Primitive("Edm.String"), False),
        ("a", "A", Primitive("Edm.String"), False),
        ("2026-01-31T00:00:00Z", "2026-01-31T01:00:00.000+01:00", Primitive("Edm.DateTimeOffset"), True),
        ("2026-01-31T00:00:00Z", "2026-01-31T01:00:00.000+01:00", Primitive("Edm.String"), False),
        ("2026-01-31T00:00:00Z", "2026-01-31T00:00:00.000001Z", Primitive("Edm.DateTimeOffset"), False),
        ("x", "y", Primitive("Edm.DateTimeOffset"), False),
        (None, [], Collection(SCORE), True),
        (
            {"vendorInformation": {"vendor": "v"}},
            {"vendorInformation": {"vendor": "v", "provider": None}},
            SCORE,
            True,
        ),
        ({"vendorInformation": {"vendor": "v"}}, {"vendorInformation": None}, SCORE, False),
        ({"controlScores": None}, {"controlScores": []}, SCORE, True),
        ({}, {"controlScores": []}, SCORE, True),
        ({"mine": []}, {}, SCORE, False),
        ({"createdDateTime": "2026-01-31T00:00Z"}, {"createdDateTime": "2026-01-31T00:00:00Z"}, SCORE, True),
        ({"mine": {"a": 1}}, {"mine": {"a": 1.0, "b": None}}, SCORE, True),
        ([1, 2], [2, 1], None, False),
        ([1], [1, None], None, False),
    ],
)
def test_values_are_the_same_by_what_they_say(
    a: JsonValue,
    b: JsonValue,
    kind: Item | Collection | None,
    same: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    assert same_value(a, b, kind) is same


def test_columns_hold_ticks_and_floats_and_nothing_of_another_type() -> None:
    value: JsonObject = {
        "createdDateTime": "1970-01-01T00:00:01+00:00",
        "currentScore": 5,
        "maxScore": "5",
        "activeUserCount": True,
        "licensedUserCount": 3,
        "vendorInformation": {"vendor": "Microsoft", "provider": 1},
    }
    assert column_values(SECURE_SCORES, value) == {
        "active_user_count": None,
        "created_date_time": 10_000_000,
        "current_score": 5.0,
        "licensed_user_count": 3,
        "max_score": None,
        "vendor_information_provider": None,
        "vendor_information_vendor": "Microsoft",
    }


@pytest.mark.parametrize(
    "text", ["a", "a/b", "it's", "50%", "..", "é", "\U0001f600", " a ", "\u2028", "x" * 256]
)
def test_an_id_may_hold_any_character_but_controls(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "x" * 257, "\n", "a\x00", "\x7f", "\x85"])
def test_an_id_without_text_or_with_controls_is_none(text: str) -> None:
    assert not is_id(text)
