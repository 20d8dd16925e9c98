"""The entity data model, as read from the struct classes."""

import pytest

from stanchion.model import entities
from stanchion.model.edm import (
    CONTROL_PROFILES,
    DECISIONS,
    ENTITY_SETS,
    SECURE_SCORES,
    USER_PROFILES,
    EntitySet,
    Enumeration,
    StructuredType,
    structured_type,
)

TYPES = [
    structured_type(cls)
    for base in (entities.Entity, entities.Complex, entities.OpenComplex)
    for cls in base.__subclasses__()
    if cls is not entities.OpenComplex
]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_type_and_property_is_described_in_a_sentence(kind: StructuredType) -> None:
    assert kind.description.endswith(".")
    for prop in kind.properties:
        assert prop.description.endswith("."), prop.name


@pytest.mark.parametrize("entity_set", ENTITY_SETS.values(), ids=lambda s: s.name)
def test_the_key_comes_first_and_no_two_names_differ_only_in_case(entity_set: EntitySet) -> None:
    assert entity_set.type.properties[0].name == "id"
    assert not entity_set.type.properties[0].nullable
    assert len({name.lower() for name in entity_set.type.by_name}) == len(entity_set.type.properties)
    columns = [column.name for column in entity_set.columns]
    assert len(set(columns)) == len(columns)


def test_tables_are_named_in_snake_case() -> None:
    assert [s.table_name for s in ENTITY_SETS.values()] == [
        "secure_scores",
        "secure_score_control_profiles",
        "user_security_profiles",
        "decisions",
    ]


def test_columns_reach_into_complex_values() -> None:
    paths = {column.name: column.path for column in SECURE_SCORES.columns}
    assert paths["created_date_time"] == ("createdDateTime",)
    assert paths["vendor_information_vendor"] == ("vendorInformation", "vendor")


def test_user_profiles_are_of_beta_only_and_decisions_of_no_graph_root() -> None:
    assert SECURE_SCORES.roots == CONTROL_PROFILES.roots == ("v1.0", "beta")
    assert USER_PROFILES.roots == ("beta",)
    assert DECISIONS.roots == ()


def test_the_status_of_an_account_is_a_closed_list() -> None:
    status = structured_type(entities.UserAccount).by_name["status"].type
    assert isinstance(status, Enumeration)
    assert status.members["unknownFutureValue"] == 127
