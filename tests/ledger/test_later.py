"""A later place in the chain: a change moved there is the one that applying it there would have made."""

from dataclasses import replace

import pytest

from stanchion.ledger.changes import Head
from stanchion.ledger.fold import Command, Fold, Written
from stanchion.ledger.imports import ImportCounts
from stanchion.ledger.later import later
from stanchion.ledger.working_set import TenantState
from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.ledger.memory import NOW, PROWLER, TENANT, Batch, Memory, bring, control, decide, score, update
from tests.ledger.test_changes import verify

SECOND = 10_000_000


def left_by(memory: Memory, command: Command[object], head: Head, *, now: int = NOW) -> Written:
    """Return what a command leaves on a chain that ends with `head`, whatever the memory's own ends with."""
    batch = Batch(memory)
    batch.fold = Fold(TenantState(TENANT, head), salt=lambda: b"salt of sixteen.")
    batch.run(command, now=now)
    return batch.fold.written


def decided(control_id: str, title: str = "Decided") -> JsonObject:
    updates: list[JsonValue] = [
        update("Ignored", "2026-01-02T00:00:00Z"),
        update("Reviewed", "2026-01-01T00:00:00Z"),
    ]
    return control(control_id, controlStateUpdates=updates, title=title)


@pytest.mark.parametrize(
    "command",
    [
        bring(control("new"), control("AdminMFA", maxScore=7)),
        bring(score(), score("2026-03-09"), entity_set=SECURE_SCORES),
        bring(decided("new"), decided("AdminMFA")),
        # The other product's control moves aside, with decisions of earlier changes and its own.
        bring(decided("theirs"), decided("new", title="x")),
    ],
    ids=["controls", "scores", "decisions", "re-keyed"],
)
def test_a_moved_change_is_the_one_that_applying_it_there_makes(
    mfa: Memory, command: Command[ImportCounts]
) -> None:
    mfa.run(bring(control("theirs", PROWLER)))
    mfa.run(decide("theirs", {"state": "Ignored", "vendorInformation": PROWLER}))
    assert mfa.head is not None
    grown = Head(mfa.head.sequence + 41, b"a later hash")
    folded = left_by(mfa, command, mfa.head)
    assert folded.movable
    moved = later(folded, grown, now_ticks=NOW + SECOND)
    applied = left_by(mfa, command, grown, now=NOW + SECOND)
    assert moved == replace(applied, rows=moved.rows)
    assert list(moved.entities) == list(applied.entities)


def test_a_moved_change_verifies_in_its_chain(mfa: Memory) -> None:
    batch = Batch(mfa)
    batch.run(bring(decided("new")))
    mfa.run(decide("AdminMFA", {"state": "Ignored"}))
    assert mfa.head is not None
    (change,) = later(batch.fold.written, mfa.head, now_ticks=NOW).changes
    verify([*mfa.changes, change])


def test_what_answers_with_a_version_is_not_movable(mfa: Memory) -> None:
    assert mfa.head is not None
    assert not left_by(mfa, decide("AdminMFA", {"state": "Ignored"}), mfa.head).movable
