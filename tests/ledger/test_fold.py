"""Group commit as a fold: what commands of one batch see of each other, and what refused ones leave."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest, Conflict, NotFound, PreconditionFailed, StanchionError
from stanchion.ledger.changes import decode_record, first_head
from stanchion.ledger.decisions import Standing
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied, Command, Fold
from stanchion.ledger.working_set import EntityKey, NotLoaded, TenantState, standing_order
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, SECURE_SCORES
from stanchion.model.json_text import JsonObject
from tests.ledger.memory import (
    MICROSOFT,
    NOW,
    PROWLER,
    TENANT,
    Batch,
    Do,
    Memory,
    bring,
    control,
    create,
    decide,
    delete,
    merge,
    score,
    update,
)
from tests.ledger.test_changes import verify

SCORE_ID = str(score()["id"])


def test_each_command_of_a_batch_sees_what_the_former_left(mfa: Memory) -> None:
    batch = Batch(mfa)
    batch.run(decide("AdminMFA", {"state": "Ignored"}))
    batch.run(decide("AdminMFA", {"comment": "why"}))
    outcome = batch.run(decide("AdminMFA", {"assignedTo": "eve"}))
    batch.commit()
    entry = mfa.shown("AdminMFA")
    assert (entry["state"], entry["comment"], entry["assignedTo"]) == ("Ignored", "why", "eve")
    assert outcome.stored.version == 4
    assert len(mfa.history("AdminMFA")) == 3


def test_the_versions_of_a_batch_equal_its_sequences(mfa: Memory) -> None:
    batch = Batch(mfa)
    versions = [batch.run(decide("AdminMFA", {"comment": str(n)})).stored.version for n in range(5)]
    batch.commit()
    assert versions == [change.sequence for change in mfa.changes[1:]] == [2, 3, 4, 5, 6]
    verify(mfa.changes)


def test_if_match_may_name_a_version_made_in_the_same_batch(mfa: Memory) -> None:
    batch = Batch(mfa)
    batch.run(decide("AdminMFA", {"state": "Ignored"}, if_match=frozenset({1})))
    with pytest.raises(PreconditionFailed):
        batch.run(decide("AdminMFA", {"state": "Reviewed"}, if_match=frozenset({1})))
    batch.run(decide("AdminMFA", {"state": "ThirdParty"}, if_match=frozenset({2})))
    batch.commit()
    assert mfa.shown("AdminMFA")["state"] == "ThirdParty"


def test_a_refused_command_leaves_nothing_and_takes_no_sequence(mfa: Memory) -> None:
    def half(draft: Draft) -> Applied[None]:
        draft.put(CONTROL_PROFILES, control("half"))
        draft.put_row("clients", "app", {"name": "app"})
        draft.latest_decision("half")
        draft.put(DECISIONS, {"id": "d", "controlId": "half", "updatedDateTime": None})
        raise BadRequest("no")

    batch = Batch(mfa)
    batch.run(decide("AdminMFA", {"state": "Ignored"}))
    with pytest.raises(BadRequest):
        batch.run(Do(half))
    assert batch.run(decide("AdminMFA", {"comment": "next"})).stored.version == 3
    batch.commit()
    assert (mfa.ids(), mfa.rows, mfa.history("half")) == ({"AdminMFA"}, {}, ())
    verify(mfa.changes)


def test_what_is_not_loaded_leaves_nothing(mfa: Memory) -> None:
    state = TenantState(TENANT, mfa.head)
    fold = Fold(state, salt=mfa.salt)
    for _ in range(2):
        with pytest.raises(NotLoaded) as missing:
            fold.apply(decide("AdminMFA", {"state": "Ignored"}), now_ticks=NOW)
        assert missing.value.keys == (EntityKey("secureScoreControlProfiles", "AdminMFA"),)
    assert (state.head, state.entities, fold.written.changes) == (mfa.head, {}, ())


def test_what_a_command_names_beforehand_is_all_it_reads(mfa: Memory) -> None:
    mfa.run(create(score()))
    commands: list[Command[object]] = [
        decide("AdminMFA", {"state": "Ignored"}),
        create(score("2026-03-11")),
        merge(SCORE_ID, {"currentScore": 1}),
        delete(SCORE_ID),
        create(control("new"), CONTROL_PROFILES),
        bring(control("AdminMFA"), control("other")),
    ]
    for command in commands:
        batch = Batch(mfa)
        mfa.load(batch.fold.state, command.reads())
        batch.run(command)
        assert batch.loads == []


def test_a_command_that_writes_nothing_adds_no_change(mfa: Memory) -> None:
    batch = Batch(mfa)
    batch.run(decide("AdminMFA", {"state": "Default"}))
    assert batch.fold.written.changes == ()
    assert batch.fold.state.head == mfa.head


def test_an_entity_made_and_deleted_in_a_batch_is_left_as_deleted(memory: Memory) -> None:
    batch = Batch(memory)
    batch.run(create(score()))
    batch.run(delete(SCORE_ID))
    key = EntityKey("secureScores", SCORE_ID)
    assert batch.fold.written.entities == {key: None}
    assert batch.fold.written.deleted_versions == {key: 2}
    batch.run(create(score()))
    batch.commit()
    assert memory.get(SCORE_ID, SECURE_SCORES).version == 3
    verify(memory.changes)


@pytest.mark.parametrize(
    ("command", "left"),
    [
        (delete("theirs", entity_set=CONTROL_PROFILES), {"theirs": "prowler"}),
        (bring(control("theirs")), {"theirs": "prowler"}),  # it makes way for Microsoft's own
        (bring(control("theirs", PROWLER, title="Another")), {}),
        (bring(control("AdminMFA", title="Another"), control("new", PROWLER)), {}),
        (decide("theirs", {"state": "Ignored"}), {}),
        (merge(SCORE_ID, {"vendorInformation": PROWLER}), {SCORE_ID: "securescore"}),
        (merge(SCORE_ID, {"vendorInformation": {**MICROSOFT, "provider": "SECURESCORE"}}), {}),
        (merge(SCORE_ID, {"vendorInformation": None}), {SCORE_ID: "securescore"}),
        (delete(SCORE_ID), {SCORE_ID: "securescore"}),
    ],
)
def test_a_change_says_what_left_which_provider(
    mfa: Memory, command: Command[object], left: dict[str, str]
) -> None:
    mfa.run(bring(control("theirs", PROWLER)))
    mfa.run(create(score()))
    batch = Batch(mfa)
    batch.run(command)
    written = batch.fold.written
    assert {key.id: provider for key, provider in written.departures} == left
    (change,) = written.changes
    assert set(written.departures.values()) <= {change.sequence}
    touched = decode_record(change.record).entities
    assert {each.id: each.left for each in touched if each.left is not None} == left
    assert (b'"left"' in change.record) == bool(left)


def test_a_tenant_that_nobody_added_is_not_found(memory: Memory) -> None:
    memory.head = None
    with pytest.raises(NotFound, match="stanchion tenant add"):
        memory.run(create(score()))
    assert memory.changes == []


def test_the_first_change_of_a_tenant_creates_it(memory: Memory) -> None:
    def add(draft: Draft) -> Applied[None]:
        if draft.exists:
            raise Conflict("It exists.")
        draft.creates_tenant = True
        return Applied(None, "tenant.add")

    memory.head = None
    batch = Batch(memory)
    batch.run(Do(add))
    with pytest.raises(Conflict):
        batch.run(Do(add))
    assert batch.fold.written.new_tenant
    batch.run(create(score()))
    batch.commit()
    verify(memory.changes)
    assert memory.changes[0].head.sequence == first_head(TENANT).sequence + 1


def test_a_row_is_read_as_the_former_command_left_it(memory: Memory) -> None:
    def write(draft: Draft) -> Applied[object]:
        former = draft.row("clients", "app")
        draft.put_row("clients", "app", {"count": 1 if former is None else 2})
        return Applied(draft.row("clients", "app"), "test")

    batch = Batch(memory)
    assert [batch.run(Do(write)), batch.run(Do(write))] == [{"count": 1}, {"count": 2}]


CONTROL_IDS = st.sampled_from(["x", "y", "x@Prowler", "none"])
BODIES = st.sampled_from(
    [
        {"state": "Ignored"},
        {"state": "Reviewed", "comment": "r"},
        {"state": "Default"},
        {"comment": None},
        {"assignedTo": "eve", "maxScore": 5},
        {"maxScore": 6},
        {"vendorInformation": dict(PROWLER), "comment": "p"},
    ]
)
UPDATES = st.lists(
    st.builds(
        update,
        st.sampled_from(["Default", "Ignored", "Reviewed"]),
        st.sampled_from(
            [None, "2026-01-01T00:00:00Z", "2026-03-10T12:00:00.000001Z", "2027-01-01T00:00:00Z"]
        ),
        st.sampled_from([None, "bob"]),
    ),
    max_size=2,
)
CONTROLS = st.builds(
    lambda id, owner, updates, title: control(id, owner, controlStateUpdates=updates, title=title),
    st.sampled_from(["x", "y", "x@Prowler"]),
    st.sampled_from([None, PROWLER, {"vendor": "M", "provider": "Maester"}, {}]),
    UPDATES,
    st.sampled_from(["one", "two"]),
)
VERSIONS = st.sampled_from([None, "any", frozenset({1, 3}), frozenset({2, 4, 5})])
SCORES = st.builds(
    lambda day, points: score(day, currentScore=points),
    st.sampled_from(["2026-03-09", "2026-03-10"]),
    st.sampled_from([1, 2.0]),
)
PATCHES: st.SearchStrategy[JsonObject] = st.sampled_from(
    [{"currentScore": 1.0}, {"extra": 1}, {"vendorInformation": None}, {"id": "other"}, {}]
)
COMMANDS = st.one_of(
    st.builds(decide, CONTROL_IDS, BODIES, if_match=VERSIONS),
    st.builds(bring, CONTROLS),
    st.builds(bring, CONTROLS, CONTROLS, CONTROLS),
    st.builds(create, CONTROLS, st.just(CONTROL_PROFILES)),
    st.builds(create, SCORES),
    st.builds(merge, st.just(SCORE_ID), PATCHES, if_match=VERSIONS),
    st.builds(delete, st.just(SCORE_ID), if_match=VERSIONS),
    st.builds(delete, CONTROL_IDS, entity_set=st.just(CONTROL_PROFILES)),
)


def outcomes(commands: list[Command[object]], run: Callable[[Command[object]], object]) -> list[object]:
    """Run commands in order; a refused one gives its class and message."""
    results: list[object] = []
    for command in commands:
        try:
            results.append(run(command))
        except StanchionError as refusal:
            results.append((type(refusal), refusal.message))
    return results


@given(st.lists(COMMANDS, max_size=12), st.integers(1, 12))
def test_any_commands_leave_the_same_in_one_batch_and_one_by_one(
    commands: list[Command[object]], cut: int
) -> None:
    single, batched = Memory(), Memory()
    alone = outcomes(commands, single.run)
    together: list[object] = []
    for part in (commands[:cut], commands[cut:]):
        batch = Batch(batched)
        together += outcomes(part, batch.run)
        batch.commit()
    assert together == alone
    assert batched.entities == single.entities
    assert batched.changes == single.changes
    verify(batched.changes)
    for control_id in single.ids():
        stands = max(single.history(control_id), key=standing_order, default=None)
        shown = Standing.read(stands.value if stands is not None else None).shown()
        assert single.shown(control_id) == shown
