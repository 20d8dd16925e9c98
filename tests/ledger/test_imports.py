"""Imports: a file is one change, all or nothing, and the same file twice changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stanchion.errors import BadRequest, StanchionError
from stanchion.ledger.imports import ImportCounts, ImportEntities, is_past_day
from stanchion.ledger.working_set import BesideKey, EntityKey, LatestDecisionKey
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import JsonObject, JsonValue
from tests.ledger.memory import (
    NOW,
    PROWLER,
    TENANT,
    Batch,
    Memory,
    bring,
    control,
    create,
    decide,
    score,
    update,
)

YESTERDAY, TODAY = "2026-03-09", "2026-03-10"


def test_a_file_is_one_change_whatever_it_holds(memory: Memory) -> None:
    counts = memory.counts(bring(*(control(f"c{n}") for n in range(20))))
    assert counts == ImportCounts(new=20)
    assert len(memory.changes) == 1
    assert {memory.get(f"c{n}").version for n in range(20)} == {1}


def test_the_same_file_twice_changes_nothing(memory: Memory) -> None:
    updates: list[JsonValue] = [update("Ignored", "2026-01-01T00:00:00Z"), update("Default", None, by=None)]
    file = (control("a", controlStateUpdates=updates), control("a", PROWLER), control("b@c"))
    memory.counts(bring(*file))
    memory.counts(bring(score(YESTERDAY), score(TODAY), entity_set=SECURE_SCORES))
    before = dict(memory.entities)
    assert memory.counts(bring(*file)) == ImportCounts(same=3)
    assert memory.counts(bring(score(YESTERDAY), score(TODAY), entity_set=SECURE_SCORES)) == ImportCounts(
        same=2
    )
    assert memory.entities == before
    assert len(memory.changes) == 2


def test_numbers_and_instants_in_other_spelling_are_the_same(memory: Memory) -> None:
    memory.counts(bring(control("a")))
    again = control("a", maxScore=5.0, lastModifiedDateTime="2026-01-01T01:00:00+01:00")
    assert memory.counts(bring(again)) == ImportCounts(same=1)


def test_the_counts_tell_new_changed_same_and_kept(memory: Memory) -> None:
    memory.counts(bring(score(YESTERDAY), score(TODAY), score("2026-03-08"), entity_set=SECURE_SCORES))
    file = (
        score(YESTERDAY, currentScore=1),
        score(TODAY, currentScore=1),
        score("2026-03-08"),
        score("2026-03-07"),
    )
    counts = memory.counts(bring(*file, entity_set=SECURE_SCORES))
    assert counts == ImportCounts(new=1, changed=1, same=1, kept=1)
    assert memory.detail() == {
        "source": "file.json",
        "sha256": "00",
        "new": 1,
        "changed": 1,
        "same": 1,
        "kept": 1,
        "refused": 0,
    }


def test_a_score_of_a_past_day_is_kept_as_it_was(memory: Memory) -> None:
    memory.counts(bring(score(YESTERDAY), entity_set=SECURE_SCORES))
    before = memory.get(f"{TENANT}_{YESTERDAY}", SECURE_SCORES)
    assert memory.counts(bring(score(YESTERDAY, currentScore=1), entity_set=SECURE_SCORES)) == ImportCounts(
        kept=1
    )
    assert memory.get(f"{TENANT}_{YESTERDAY}", SECURE_SCORES) == before
    assert len(memory.changes) == 1


@pytest.mark.parametrize(
    ("created", "past"),
    [
        ("2026-03-09T23:59:59.9999999Z", True),
        ("2026-03-10T00:00:00Z", False),
        ("2026-03-10T00:30:00+01:00", True),
        ("2026-03-11T00:00:00Z", False),
        ("1969-12-31T00:00:00Z", True),
        (None, False),
    ],
)
def test_a_day_is_a_utc_day(created: str | None, *, past: bool) -> None:
    assert is_past_day({"createdDateTime": created}, now_ticks=NOW) is past


def test_todays_score_is_yesterdays_tomorrow(memory: Memory) -> None:
    memory.counts(bring(score(TODAY), entity_set=SECURE_SCORES))
    memory.now = parse_instant("2026-03-11T00:00:00Z")
    assert memory.counts(bring(score(TODAY, currentScore=1), entity_set=SECURE_SCORES)).kept == 1


def test_an_imported_snapshot_keeps_its_id(memory: Memory) -> None:
    memory.counts(bring(score(TODAY, id="any name@all"), entity_set=SECURE_SCORES))
    assert memory.ids(SECURE_SCORES) == {"any name@all"}


def test_of_an_entity_that_comes_twice_in_a_file_the_last_counts(memory: Memory) -> None:
    file = (control("a", title="first"), control("b"), control("a", title="other"))
    assert memory.counts(bring(*file)) == ImportCounts(new=2)
    assert memory.get("a").value["title"] == "other"
    changes = len(memory.changes)
    assert memory.counts(bring(*file)) == ImportCounts(same=2)
    assert len(memory.changes) == changes


def test_a_score_that_comes_twice_in_a_file_is_one_whichever_product_it_names(memory: Memory) -> None:
    file = (score(TODAY), score(TODAY, PROWLER))
    assert memory.counts(bring(*file, entity_set=SECURE_SCORES)) == ImportCounts(new=1)
    assert memory.counts(bring(*file, entity_set=SECURE_SCORES)) == ImportCounts(same=1)
    assert len(memory.changes) == 1


@pytest.mark.parametrize("name", ["state", "comment", "assignedTo", "tenantNote"])
def test_a_property_named_like_a_command_is_refused(memory: Memory, name: str) -> None:
    with pytest.raises(BadRequest, match=f"'a': '{name}' is no property of a control"):
        memory.counts(bring({**control("a"), name: "x"}))


def test_a_refused_decision_names_its_control(memory: Memory) -> None:
    with pytest.raises(BadRequest, match=r"'a': .*controlStateUpdates/0/state"):
        memory.counts(bring(control("a", controlStateUpdates=[{"state": "Planned"}])))


def test_a_control_file_loses_nothing_that_the_provider_does_not_send(memory: Memory) -> None:
    memory.counts(bring(control("a")))
    value = memory.get("a").value
    assert (value["tier"], value["complianceInformation"]) == (None, [])
    assert set(value) == set(CONTROL_PROFILES.type.by_name)


@pytest.mark.parametrize(
    "refused",
    [
        control("z", azureTenantId="22222222-2222-4222-8222-222222222222"),
        control("z", controlStateUpdates=[{"state": "Done"}]),
        control("@" * 200),
    ],
)
def test_one_refused_entity_keeps_the_whole_file_out(memory: Memory, refused: JsonObject) -> None:
    batch = Batch(memory)
    with pytest.raises(BadRequest):
        batch.run(bring(control("a"), refused, control("b")))
    batch.commit()
    assert (memory.ids(), memory.changes) == (set(), [])


def test_the_tenant_may_be_spelled_in_any_case(memory: Memory) -> None:
    memory.counts(bring(control("a", azureTenantId=TENANT.upper())))
    assert memory.get("a").value["azureTenantId"] == TENANT.upper()
    assert memory.counts(bring(control("a"))).same == 1


def test_a_merged_decision_is_a_change_of_its_control(memory: Memory) -> None:
    memory.counts(bring(control("a")))
    newer: list[JsonValue] = [update("Ignored", "2026-02-01T00:00:00Z")]
    assert memory.counts(bring(control("a", controlStateUpdates=newer))) == ImportCounts(changed=1)
    assert memory.shown("a")["state"] == "Ignored"


def test_an_older_merged_decision_leaves_the_control_and_its_version(memory: Memory) -> None:
    memory.counts(bring(control("a")))
    memory.run(decide("a", {"state": "Reviewed"}))
    older: list[JsonValue] = [update("Ignored", "2026-02-01T00:00:00Z")]
    memory.counts(bring(control("a", controlStateUpdates=older)))
    assert memory.get("a").version == 2
    assert [entry.version for entry in memory.history("a")] == [2, 3]


def test_an_import_names_beforehand_what_it_reads() -> None:
    command = bring(control("a@b"), control("x@Prowler", PROWLER))
    assert set(command.reads()) == {
        EntityKey("secureScoreControlProfiles", "a%40b"),
        LatestDecisionKey("a%40b"),
        EntityKey("secureScoreControlProfiles", "x@Prowler"),
        LatestDecisionKey("x@Prowler"),
        BesideKey("x@Prowler"),
    }


def test_an_import_asks_for_what_it_misses_a_few_times_however_long_it_is(memory: Memory) -> None:
    updates: list[JsonValue] = [update("Ignored", "2026-01-01T00:00:00Z")]
    memory.counts(bring(*(control(f"c{n}", PROWLER, controlStateUpdates=updates) for n in range(50))))
    batch = Batch(memory)
    batch.run(bring(*(control(f"c{n}", controlStateUpdates=updates) for n in range(50))))
    assert len(batch.loads) <= 6
    batch.commit()
    assert len(memory.ids()) == 100


def test_a_refusal_that_comes_of_what_is_not_loaded_yet_is_judged_again(memory: Memory) -> None:
    memory.counts(bring(control("x", PROWLER)))
    batch = Batch(memory)
    # Until the history of x is loaded, x cannot move and the second entity seems to stand in its way.
    batch.run(bring(control("x"), control("x@Prowler", PROWLER, title="later")))
    batch.commit()
    assert memory.get("x@Prowler").value["title"] == "later"


def test_a_refused_file_says_so_although_much_is_missing(memory: Memory) -> None:
    updates: list[JsonValue] = [update("Ignored", "2026-01-01T00:00:00Z")]
    bad: list[JsonValue] = [{"state": "Done"}]
    with pytest.raises(StanchionError, match="Done"):
        memory.counts(bring(control("a", controlStateUpdates=updates), control("b", controlStateUpdates=bad)))


LETTERED = "aaaaaaaa-1111-4111-8111-11111111111a"


def lettered(prefix: str, **members: JsonValue) -> JsonObject:
    """Return a snapshot of a tenant whose id has letters, under a spelling of it."""
    return {**score(YESTERDAY), "id": f"{prefix}_{YESTERDAY}", "azureTenantId": prefix, **members}


def bring_lettered(*values: JsonObject, placed: bool = False) -> ImportEntities:
    return replace(bring(*values, entity_set=SECURE_SCORES, placed=placed), tenant_id=LETTERED)


@pytest.mark.parametrize("first", [LETTERED, LETTERED.upper(), LETTERED.capitalize()])
@pytest.mark.parametrize("second", [LETTERED, LETTERED.upper(), LETTERED.capitalize()])
def test_the_case_of_a_tenant_makes_no_second_snapshot_of_a_day(first: str, second: str) -> None:
    memory = Memory(LETTERED)
    assert memory.counts(bring_lettered(lettered(first))).new == 1
    assert memory.counts(bring_lettered(lettered(second))).same == 1
    assert memory.counts(bring_lettered(lettered(second, currentScore=1))).kept == 1
    assert memory.ids(SECURE_SCORES) == {f"{LETTERED}_{YESTERDAY}"}


def test_spellings_of_one_snapshot_in_one_file_are_one_snapshot() -> None:
    memory = Memory(LETTERED)
    file = (lettered(LETTERED), lettered(LETTERED.upper(), currentScore=7))
    assert memory.counts(bring_lettered(*file)) == ImportCounts(new=1)
    assert memory.get(f"{LETTERED}_{YESTERDAY}", SECURE_SCORES).value["currentScore"] == 7


def test_a_snapshot_that_was_posted_in_capitals_is_found_and_keeps_its_id() -> None:
    memory = Memory(LETTERED)
    memory.run(replace(create(lettered(LETTERED.upper())), tenant_id=LETTERED))
    assert memory.counts(bring_lettered(lettered(LETTERED))).same == 1
    assert memory.ids(SECURE_SCORES) == {f"{LETTERED.upper()}_{YESTERDAY}"}


def test_an_export_of_this_ledger_keeps_the_ids_of_its_snapshots() -> None:
    memory = Memory(LETTERED)
    assert memory.counts(bring_lettered(lettered(LETTERED.upper()), placed=True)).new == 1
    assert memory.ids(SECURE_SCORES) == {f"{LETTERED.upper()}_{YESTERDAY}"}


@given(st.permutations([(control("a"),), (control("a", title="b"), control("b")), (control("a", PROWLER),)]))
def test_imports_that_overtake_each_other_end_as_one_after_the_other(
    files: list[tuple[JsonObject, ...]],
) -> None:
    one, another = Memory(), Memory()
    for file in files:
        one.run(bring(*file))
    batch = Batch(another)
    for file in files:
        batch.run(bring(*file))
    batch.commit()
    assert {key: each.body for key, each in one.entities.items()} == {
        key: each.body for key, each in another.entities.items()
    }
