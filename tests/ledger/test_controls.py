"""Where controls live among several providers, and how imported decisions join the history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest
from stanchion.ledger.decisions import Owner
from stanchion.ledger.imports import EntitiesRefused
from stanchion.ledger.placement import encoded_id
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.ledger.memory import (
    PROWLER,
    Batch,
    Memory,
    bring,
    control,
    create,
    decide,
    delete,
    items,
    update,
)

MAESTER: JsonObject = {"vendor": "Maester", "provider": "Maester"}
OWNER = Owner("Prowler", "Prowler")


def title(memory: Memory, control_id: str) -> object:
    return memory.get(control_id).value["title"]


def states(memory: Memory, control_id: str) -> list[object]:
    return [entry["state"] for entry in items(memory.exported(control_id)["controlStateUpdates"])]


def test_first_come_keeps_the_id_and_later_ones_get_their_provider_behind(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER, title="first"), control("x", MAESTER, title="second")))
    assert memory.ids() == {"x", "x@Maester"}
    assert (title(memory, "x"), title(memory, "x@Maester")) == ("first", "second")


def test_microsoft_takes_its_bare_id_and_the_holder_moves_with_decision_and_history(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER, title="theirs")))
    memory.run(decide("x", {"state": "Ignored", "comment": "one"}))
    memory.run(decide("x", {"state": "Reviewed", "comment": "two"}))
    memory.run(bring(control("x", title="Microsoft's")))
    assert memory.ids() == {"x", "x@Prowler"}
    assert (title(memory, "x"), title(memory, "x@Prowler")) == ("Microsoft's", "theirs")
    assert memory.shown("x")["state"] == "Default"
    assert memory.shown("x@Prowler")["comment"] == "two"
    assert states(memory, "x@Prowler") == ["Reviewed", "Ignored"]
    assert memory.history("x") == ()
    assert len(memory.changes) == 4


def test_a_moved_control_is_decided_under_its_new_id(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER)))
    memory.run(decide("x", {"state": "Ignored"}))
    memory.run(bring(control("x")))
    memory.run(decide("x@Prowler", {"comment": "moved"}))
    memory.run(decide("x", {"state": "Reviewed"}))
    assert memory.shown("x@Prowler")["state"] == "Ignored"
    assert states(memory, "x@Prowler") == ["Ignored", "Ignored"]
    assert states(memory, "x") == ["Reviewed"]


def test_a_move_and_decisions_before_and_after_it_may_share_a_batch(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER)))
    memory.run(decide("x", {"comment": "old"}))
    batch = Batch(memory)
    batch.run(decide("x", {"state": "Ignored"}))
    batch.run(bring(control("x")))
    assert not batch.run(decide("x", {"state": "Default"})).changed
    batch.run(decide("x", {"state": "Reviewed"}))
    batch.run(decide("x@Prowler", {"comment": "new"}))
    batch.commit()
    assert states(memory, "x") == ["Reviewed"]
    assert states(memory, "x@Prowler") == ["Ignored", "Ignored", "Default"]
    assert memory.shown("x@Prowler")["comment"] == "new"


def test_both_may_come_in_one_file_in_either_order(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER), control("x"), control("y"), control("y", PROWLER)))
    assert memory.ids() == {"x", "x@Prowler", "y", "y@Prowler"}
    assert {i: memory.get(i).value["vendorInformation"] for i in ("x@Prowler", "y@Prowler")} == {
        "x@Prowler": PROWLER,
        "y@Prowler": PROWLER,
    }


@pytest.mark.parametrize("after_delete", [False, True])
def test_a_placed_control_is_found_again_by_its_next_scan(memory: Memory, *, after_delete: bool) -> None:
    memory.run(bring(control("x", PROWLER), control("x")))
    memory.run(decide("x@Prowler", {"state": "Ignored"}))
    if after_delete:
        memory.run(delete("x", entity_set=CONTROL_PROFILES))
    counts = memory.counts(bring(control("x", PROWLER, title="scanned again")))
    assert counts.changed == 1
    assert memory.ids() == ({"x@Prowler"} if after_delete else {"x", "x@Prowler"})
    assert memory.shown("x@Prowler")["state"] == "Ignored"


def test_an_owner_in_other_case_is_the_same_owner(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER)))
    counts = memory.counts(bring(control("x", {"vendor": "PROWLER", "provider": "prowler"})))
    assert (counts.changed, memory.ids()) == (1, {"x"})


@pytest.mark.parametrize("spelling", ["PROWLER", "prowler", "Prowler"])
def test_a_provider_that_spells_itself_in_another_case_finds_its_control_beside_the_bare_id(
    memory: Memory, spelling: str
) -> None:
    other: JsonObject = {"vendor": "Prowler", "provider": spelling}
    memory.run(bring(control("x"), control("x", PROWLER)))
    memory.run(decide("x@Prowler", {"state": "Ignored"}))
    memory.run(bring(control("x", other, title="scanned again")))
    memory.run(bring(control(f"x@{spelling}", other, title="by its placed id")))
    assert memory.ids() == {"x", "x@Prowler"}
    assert title(memory, "x@Prowler") == "by its placed id"
    assert memory.shown("x@Prowler")["state"] == "Ignored"


def test_a_control_that_makes_way_goes_where_its_provider_stood_before(memory: Memory) -> None:
    small: JsonObject = {"vendor": "Prowler", "provider": "prowler"}
    memory.run(bring(control("x"), control("x", PROWLER)))
    memory.run(decide("x@Prowler", {"state": "Ignored"}))
    memory.run(delete("x", entity_set=CONTROL_PROFILES))
    memory.run(delete("x@Prowler", entity_set=CONTROL_PROFILES))
    memory.run(bring(control("x", small), control("x")))
    assert memory.ids() == {"x", "x@Prowler"}
    assert memory.shown("x@Prowler")["state"] == "Ignored"


def test_spellings_of_one_file_are_one_control(memory: Memory) -> None:
    small: JsonObject = {"vendor": "Prowler", "provider": "prowler"}
    assert memory.counts(bring(control("x"), control("x", PROWLER), control("x", small))).new == 2
    assert memory.ids() == {"x", "x@prowler"}


def test_a_control_of_nobody_makes_way_for_microsoft(memory: Memory) -> None:
    memory.run(bring(control("x", {}), control("x")))
    assert memory.ids() == {"x", "x@unknown"}


def test_a_control_of_nobody_is_found_where_it_was_moved(memory: Memory) -> None:
    memory.run(bring(control("x", {}), control("x")))
    counts = memory.counts(bring(control("x", {})))
    assert (counts.same, memory.ids()) == (1, {"x", "x@unknown"})


def test_a_control_that_stands_where_another_would_be_placed_is_not_overwritten(memory: Memory) -> None:
    namesake: JsonObject = {"vendor": "Another", "provider": "Prowler"}
    memory.run(bring(control("x@Prowler", namesake), control("y@Prowler", namesake), control("x")))
    with pytest.raises(EntitiesRefused, match="'x@Prowler'"):
        memory.run(bring(control("x", PROWLER)))
    memory.run(bring(control("y", PROWLER)))
    with pytest.raises(EntitiesRefused, match="must make way"):
        memory.run(bring(control("y")))
    assert memory.ids() == {"x", "x@Prowler", "y", "y@Prowler"}


def test_no_product_inherits_what_was_decided_about_anothers_control(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER), control("y")))
    memory.run(decide("x", {"state": "Ignored"}))
    memory.run(decide("y", {"state": "Reviewed"}))
    memory.run(delete("x", entity_set=CONTROL_PROFILES))
    memory.run(delete("y", entity_set=CONTROL_PROFILES))
    memory.run(bring(control("x"), control("y", PROWLER)))
    assert memory.ids() == {"x", "y@Prowler"}
    assert memory.shown("x")["state"] == memory.shown("y@Prowler")["state"] == "Default"
    memory.run(bring(control("x", PROWLER), control("y")))
    assert memory.shown("x@Prowler")["state"] == "Ignored"
    assert memory.shown("y")["state"] == "Reviewed"


def test_a_placed_control_is_found_where_its_bare_id_is_still_its_own(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER)))
    assert memory.counts(bring(control("x@Prowler", PROWLER), placed=True)).changed == 1
    assert memory.ids() == {"x"}
    memory.run(bring(control("x")))
    assert memory.ids() == {"x", "x@Prowler"}


@pytest.mark.parametrize("owner", [MAESTER, PROWLER, {}])
def test_nobody_posts_a_control_where_another_providers_would_be_placed(
    memory: Memory, owner: JsonObject
) -> None:
    with pytest.raises(BadRequest, match="'x@Prowler' cannot be chosen"):
        memory.run(create(control("x@Prowler", owner), CONTROL_PROFILES))
    assert memory.ids() == set()


@pytest.mark.parametrize(
    ("control_id", "provider"),
    [("x" * 256, "Prowler"), ("x", "Pro\nwler"), ("x", "P" * 256)],
)
def test_a_placed_id_that_no_request_can_name_is_refused(
    memory: Memory, control_id: str, provider: str
) -> None:
    memory.run(bring(control(control_id)))
    with pytest.raises(BadRequest, match="1 to 256 characters") as refusal:
        memory.run(bring(control(control_id, {"vendor": "V", "provider": provider})))
    assert "\n" not in refusal.value.message


def test_a_holder_whose_new_id_no_request_can_name_refuses_the_move(memory: Memory) -> None:
    memory.run(bring(control("x" * 256, PROWLER)))
    with pytest.raises(BadRequest, match="1 to 256 characters"):
        memory.run(bring(control("x" * 256)))


def test_an_encoded_id_that_is_too_long_is_refused(memory: Memory) -> None:
    with pytest.raises(BadRequest, match="1 to 256 characters"):
        memory.run(bring(control("@" * 100)))


@pytest.mark.parametrize(
    ("imported", "kept"),
    [
        ("plain", "plain"),
        ("a@b", "a%40b"),
        ("100%", "100%25"),
        ("a%40b", "a%2540b"),
        ("a%25b", "a%2525b"),
        ("a%41b", "a%2541b"),
        ("x@Prowler", "x@Prowler"),
        ("a@b@Prowler", "a%40b@Prowler"),
        ("@Prowler", "%40Prowler"),
        ("x@Maester", "x%40Maester"),
    ],
)
def test_an_imported_id_is_encoded(imported: str, kept: str) -> None:
    assert encoded_id(imported, OWNER) == kept


@given(st.sets(st.text(alphabet="ab@%240 5Prowle", min_size=1, max_size=12)), st.sampled_from([OWNER, None]))
def test_no_two_ids_are_encoded_alike(control_ids: set[str], owner: Owner | None) -> None:
    assert len({encoded_id(control_id, owner) for control_id in control_ids}) == len(control_ids)


@given(st.text(alphabet="ab@%25", min_size=1, max_size=8))
def test_an_encoded_id_cannot_be_mistaken_for_a_placed_one(control_id: str) -> None:
    assert "@" not in encoded_id(control_id, OWNER)


def test_an_export_comes_back_with_the_same_ids_and_decisions(memory: Memory) -> None:
    memory.run(bring(control("x", PROWLER), control("a@b", PROWLER), control("x"), control("100%")))
    for comment in ("one", "two"):
        for control_id in memory.ids():
            memory.run(decide(control_id, {"comment": comment, "state": "AlternateMitigation"}))
    files = [memory.exported(control_id) for control_id in sorted(memory.ids())]
    fresh = Memory()
    fresh.run(bring(*files, placed=True))
    assert [fresh.exported(control_id) for control_id in sorted(fresh.ids())] == files
    before = len(memory.changes)
    assert memory.counts(bring(*files, placed=True)).same == len(files)
    assert len(memory.changes) == before


def test_an_export_has_the_decision_that_stands_first(memory: Memory) -> None:
    memory.run(bring(control("A")))
    memory.run(decide("A", {"state": "Ignored"}))
    memory.run(bring(control("A", controlStateUpdates=[update("Reviewed", "2020-01-01T00:00:00Z")])))
    assert states(memory, "A") == ["Ignored", "Reviewed"]


def test_a_control_nobody_touched_is_exported_as_graph_shows_it(memory: Memory) -> None:
    memory.run(bring(control("A")))
    assert memory.exported("A") == memory.get("A").value


@pytest.mark.parametrize("reverse", [False, True])
def test_the_newest_imported_decision_stands_whatever_their_order(memory: Memory, *, reverse: bool) -> None:
    entries = [update("Ignored", "2026-01-02T00:00:00Z"), update("Reviewed", "2026-01-01T00:00:00Z")]
    updates = entries[::-1] if reverse else entries
    memory.run(bring(control("A", controlStateUpdates=[*updates])))
    assert memory.shown("A") == entries[0]
    assert len(memory.history("A")) == 2


def test_of_equal_entries_in_a_list_the_first_is_the_newest(memory: Memory) -> None:
    entries = [update("Ignored", "2026-01-01T00:00:00Z", comment=text) for text in ("new", "old")]
    memory.run(bring(control("A", controlStateUpdates=[*entries])))
    assert [entry.value["comment"] for entry in memory.history("A")] == ["new"]


def test_decisions_are_told_apart_by_time_person_and_state(memory: Memory) -> None:
    first = update("Ignored", "2026-01-01T00:00:00Z", comment="a")
    memory.run(bring(control("A", controlStateUpdates=[first])))
    same = [
        update("ignore", "2026-01-01T01:00:00.000+01:00", comment="b"),
        update("Ignored", "2026-01-01T00:00:00Z", comment="c"),
    ]
    assert memory.counts(bring(control("A", controlStateUpdates=[*same]))).same == 1
    assert len(memory.changes) == 1
    others = [
        update("Reviewed", "2026-01-01T00:00:00Z"),
        update("Ignored", "2026-01-01T00:00:00Z", by="zoe"),
        update("Ignored", "2026-01-01T00:00:00.0000001Z"),
        update("Ignored", None),
    ]
    memory.run(bring(control("A", controlStateUpdates=[*others])))
    assert len(memory.history("A")) == 5


@pytest.mark.parametrize("entries", [[], [update("Default", None, by=None)], [{"state": None}], [{}]])
def test_a_default_without_anything_displaces_nothing(memory: Memory, entries: list[JsonObject]) -> None:
    memory.run(bring(control("A")))
    memory.run(decide("A", {"state": "Ignored", "comment": "ours"}))
    before = memory.get("A")
    assert memory.counts(bring(control("A", controlStateUpdates=[*entries]))).same == 1
    assert memory.get("A") == before
    assert len(memory.changes) == 2


def test_a_later_default_of_a_person_stands(memory: Memory) -> None:
    memory.run(bring(control("A")))
    memory.run(decide("A", {"state": "Ignored"}))
    memory.run(bring(control("A", controlStateUpdates=[update("Default", "2026-03-11T00:00:00Z")])))
    assert memory.shown("A")["state"] == "Default"


def test_importing_again_never_undoes_a_decision(memory: Memory) -> None:
    file = control("A", controlStateUpdates=[update("Reviewed", "2026-01-01T00:00:00Z")])
    memory.run(bring(file))
    memory.run(decide("A", {"state": "Ignored", "comment": "ours"}))
    memory.run(bring({**file, "title": "renamed"}))
    entry = memory.shown("A")
    assert (entry["state"], entry["comment"], title(memory, "A")) == ("Ignored", "ours", "renamed")


def test_an_unknown_state_in_a_file_is_named_with_its_place(memory: Memory) -> None:
    updates: list[JsonValue] = [update("Default", None), update("Done", None)]
    with pytest.raises(EntitiesRefused) as refused:
        memory.run(bring(control("B"), control("A", controlStateUpdates=updates)))
    (refusal,) = refused.value.refusals.named
    assert (refusal.number, refusal.path, refusal.id) == (2, "value/1", "A")
    assert "'controlStateUpdates/1/state' must be one of Default" in refusal.reason
