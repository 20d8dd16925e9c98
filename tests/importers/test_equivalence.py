"""The law of shapes: the same entities come out of every shape, encoding and packing, whatever they are."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stanchion.importers.container import unpacked, zip_entries
from stanchion.ledger.edits import same_content
from stanchion.model.check import check_entity
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue
from tests.importers.shapes import (
    ENCODINGS,
    PACKINGS,
    SAMPLES,
    SHAPES,
    TENANT,
    Entities,
    as_bytes,
    read,
    sample,
    zipped,
)

LIMIT = 64 * 1024 * 1024

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
# A name that begins with a capital is an open property too, as SeatSizeRangeLowerValue is one of Graph's.
open_names = texts.filter(lambda name: "@odata." not in name and name.lower() not in _RESERVED)
open_members = st.dictionaries(open_names, st.none() | st.booleans() | numbers | texts, max_size=4)
instants = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z")
updates: st.SearchStrategy[JsonValue] = st.fixed_dictionaries(
    {"state": st.sampled_from(["Default", "Ignored", "Reviewed"]), "updatedDateTime": st.none() | instants},
    optional={"comment": st.none() | texts, "assignedTo": texts},
)
vendors: st.SearchStrategy[JsonValue] = st.fixed_dictionaries(
    {"vendor": texts, "provider": texts}, optional={"subProvider": st.none()}
)


def entity(declared: dict[str, st.SearchStrategy[JsonValue]]) -> st.SearchStrategy[JsonObject]:
    """Make entities with these properties, others that no type declares, and an id."""
    ids = texts.filter(lambda text: len(text) > 0 and text.isprintable())
    fixed = st.fixed_dictionaries({"id": ids, "azureTenantId": st.just(TENANT), **declared})
    return st.builds(lambda others, own: {**others, **own}, open_members, fixed)


_RESERVED: frozenset[str] = frozenset(
    name.lower()
    for kind in (SECURE_SCORES.type, CONTROL_PROFILES.type)
    for name in (
        *kind.by_name,
        "controlScores",
        "AdditionalProperties",
        "description",
        "score",
        "name",
        "value",
    )
)
control_scores = st.builds(
    lambda others, own: {**others, **own},
    open_members,
    st.fixed_dictionaries({"controlName": texts, "score": st.none() | numbers}),
)
scores = entity(
    {
        "currentScore": st.none() | numbers,
        "controlScores": st.lists(control_scores, max_size=3),
        "createdDateTime": st.none() | instants,
        "vendorInformation": st.none() | vendors,
        "enabledServices": st.lists(texts, max_size=2),
    }
)
profiles = entity(
    {
        "implementationCost": st.none() | texts,
        "controlStateUpdates": st.lists(updates, max_size=3),
        "deprecated": st.none() | st.booleans(),
        "vendorInformation": st.none() | vendors,
    }
)
some_entities = st.lists(
    st.tuples(st.just(SECURE_SCORES), scores) | st.tuples(st.just(CONTROL_PROFILES), profiles),
    min_size=1,
    max_size=4,
)


def sorted_by_id(entities: Entities) -> list[tuple[str, str, JsonObject]]:
    return sorted(
        ((entity_set.name, str(value["id"]), value) for entity_set, value in entities),
        key=lambda each: (each[0], each[1], json.dumps(each[2], sort_keys=True)),
    )


def assert_same(found: Entities, expected: Entities) -> None:
    """Assert that both say the same, entity by entity; a null member is an absent one."""
    mine, theirs = sorted_by_id(found), sorted_by_id(expected)
    assert [each[:2] for each in mine] == [each[:2] for each in theirs]
    for (entity_set, a), (_, b) in zip(_by_set(found), _by_set(expected), strict=True):
        assert same_content(_without_nulls(a), _without_nulls(b), entity_set)


def _by_set(entities: Entities) -> list[tuple[EntitySet, JsonObject]]:
    # Stable: the combined form alone puts one set before the other.
    return sorted(entities, key=lambda each: each[0].name)


def _without_nulls(value: JsonObject) -> JsonObject:
    return {name: member for name, member in value.items() if member not in (None, [])}


@settings(max_examples=30)
@given(some_entities)
def test_entities_are_the_same_in_every_shape(entities: Entities) -> None:
    expected = [(each, check_entity(value, each, whole=True)) for each, value in entities]
    for shape in SHAPES:
        assert_same(read(as_bytes(shape(entities))), expected)


@settings(max_examples=60)
@given(
    some_entities, st.sampled_from(SHAPES), st.sampled_from(list(ENCODINGS)), st.sampled_from(list(PACKINGS))
)
def test_entities_are_the_same_in_every_encoding_and_packing(
    entities: Entities,
    shape: Callable[[Entities], "JsonValue | bytes"],
    encoding: str,
    packing: str,
) -> None:
    data = as_bytes(shape(entities))
    packed = PACKINGS[packing](ENCODINGS[encoding](data.decode()))
    assert read(unpacked(packed, max_bytes=LIMIT)) == read(data)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_real_answers_are_the_same_in_every_shape(shape: Callable[[Entities], "JsonValue | bytes"]) -> None:
    entities: list[tuple[EntitySet, JsonObject]] = []
    for file in sorted(SAMPLES.glob("*.full.json")):
        entity_set = CONTROL_PROFILES if "Profiles" in file.name else SECURE_SCORES
        entities += [(entity_set, {**value, "azureTenantId": TENANT}) for value in sample(file.name)]
    assert len(entities) == 201
    assert_same(read(as_bytes(shape(entities))), entities)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
@pytest.mark.parametrize("file", sorted(SAMPLES.glob("*.v1.0.[st]*.json")), ids=lambda file: Path(file).name)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_real_answers_are_the_same_packed_in_every_encoding(file: Path, encoding: str) -> None:
    text = json.dumps([{**value, "azureTenantId": TENANT} for value in sample(file.name)], ensure_ascii=False)
    data = ENCODINGS[encoding](text)
    (entry,) = zip_entries(zipped({"a.json": data}), max_bytes=LIMIT)
    expected = read(text.encode())
    assert read(data) == read(entry.read()) == expected
    assert read(unpacked(PACKINGS["gzip of two members"](data), max_bytes=LIMIT)) == expected


@settings(max_examples=50)
@given(scores, st.sampled_from(["graph", "powershell"]))
def test_numbers_keep_their_kind_and_value(score: JsonObject, form: str) -> None:
    shape = SHAPES[2] if form == "graph" else SHAPES[6]
    ((_, found),) = read(as_bytes(shape([(SECURE_SCORES, score)])))
    assert found["currentScore"] == score["currentScore"]
    assert type(found["currentScore"]) is type(score["currentScore"])
