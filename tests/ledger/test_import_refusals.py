"""Imports in which something is refused: it is named, and may be skipped."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.ledger.imports import MAX_NAMED, EntitiesRefused, ImportCounts
from stanchion.model.json_text import JsonObject
from tests.ledger.memory import PROWLER, TENANT, Memory, bring, control


def other_tenants(control_id: str) -> JsonObject:
    return control(control_id, azureTenantId="22222222-2222-4222-8222-222222222222")


def unknown_state(control_id: str) -> JsonObject:
    return control(control_id, controlStateUpdates=[{"state": "Done"}])


def test_every_refused_entity_is_named_with_its_place_and_reason(memory: Memory) -> None:
    file = (control("a"), other_tenants("b"), control("c", state="Ignored"), unknown_state("d"), control("e"))
    with pytest.raises(EntitiesRefused, match=r"Entity 2, 'b': .* And 2 more\.") as refused:
        memory.run(bring(*file))
    named = refused.value.refusals.named
    assert [(each.number, each.path, each.id) for each in named] == [
        (2, "value/1", "b"),
        (3, "value/2", "c"),
        (4, "value/3", "d"),
    ]
    assert [
        "azureTenantId" in named[0].reason,
        "'state'" in named[1].reason,
        "'Done'" in named[2].reason,
    ] == [
        True,
        True,
        True,
    ]


def test_refused_entities_may_be_skipped_and_the_change_tells_how_many(memory: Memory) -> None:
    report = memory.run(bring(control("a"), unknown_state("b"), control("c"), skip_refused=True))
    assert report.counts == ImportCounts(new=2, refused=1)
    assert [each.id for each in report.written] == ["a", "c"]
    assert [each.id for each in report.refusals] == ["b"]
    assert memory.detail()["refused"] == 1
    assert memory.ids() == {"a", "c"}


def test_an_entity_that_is_refused_only_by_what_is_stored_is_skipped_too(memory: Memory) -> None:
    namesake: JsonObject = {"vendor": "Another", "provider": "Prowler"}
    memory.run(bring(control("x@Prowler", namesake), control("x")))
    report = memory.run(bring(control("x", PROWLER), control("y"), skip_refused=True))
    assert (report.counts, memory.ids()) == (ImportCounts(new=1, refused=1), {"x", "x@Prowler", "y"})


def test_a_file_of_nothing_but_refused_entities_leaves_no_change(memory: Memory) -> None:
    assert memory.counts(bring(unknown_state("a"), skip_refused=True)) == ImportCounts(refused=1)
    assert memory.changes == []


def test_more_refused_entities_than_can_be_named_are_counted(memory: Memory) -> None:
    file = [other_tenants(f"c{number}") for number in range(MAX_NAMED + 5)]
    report = memory.run(bring(*file, control("a"), skip_refused=True))
    assert (report.counts, len(report.refusals)) == (ImportCounts(new=1, refused=MAX_NAMED + 5), MAX_NAMED)


entities = st.one_of(
    st.builds(control, st.sampled_from("abc"), st.sampled_from([None, PROWLER]), title=st.sampled_from("xy")),
    st.builds(unknown_state, st.sampled_from("abc")),
    st.builds(other_tenants, st.sampled_from("abc")),
    st.builds(lambda id: control(id, comment="x"), st.sampled_from("abc")),
)


@given(st.lists(entities, max_size=8), st.lists(entities, max_size=8))
def test_skipping_is_as_if_the_refused_entities_were_not_in_the_file(
    earlier: list[JsonObject], file: list[JsonObject]
) -> None:
    skipped, cleaned = Memory(), Memory()
    for each in (earlier, file):
        good = [value for value in each if not is_refused(value)]
        found = skipped.counts(bring(*each, skip_refused=True))
        assert found == replace(cleaned.counts(bring(*good)), refused=len(each) - len(good))
    assert skipped.entities == cleaned.entities
    assert len(skipped.changes) == len(cleaned.changes)


def is_refused(value: JsonObject) -> bool:
    return value["azureTenantId"] != TENANT or "comment" in value or "controlStateUpdates" in value
