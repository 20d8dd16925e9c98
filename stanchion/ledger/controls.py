"""The decisions about a control: which one stands, how new and imported ones join the history.

Imported decisions merge into the history by (updatedDateTime, updatedBy, state); an all-null Default, which
Graph shows for a control nobody touched, displaces nothing. The newest decision stands.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import cast

from stanchion.ledger.decisions import Owner, Standing, Status, parse_status
from stanchion.ledger.draft import Draft
from stanchion.ledger.working_set import Stored, standing_order
from stanchion.model.edm import DECISIONS
from stanchion.model.instant import format_instant, parse_instant
from stanchion.model.json_text import MIN_INTEGER, JsonObject, JsonValue

_MICROSECOND = 10  # in ticks
_END_OF_TIME = parse_instant("9999-12-31T23:59:59.999999Z")


def standing(draft: Draft, control_id: str) -> Standing:
    """Return the decision that stands for a control."""
    latest = draft.latest_decision(control_id)
    return Standing.read(latest.value if latest is not None else None)


def record(draft: Draft, control_id: str, decision: Standing, *, owner: Owner | None) -> None:
    """Add a decision to the history of a control of this product."""
    decision_id = f"{_ordinal(draft.next_sequence)}{draft.decisions_written:06d}"
    draft.put(DECISIONS, decision.written(decision_id, control_id=control_id, owner=owner))


def renumbered(decision_id: str, *, sequence: int, to: int) -> str:
    """Return the id that a decision has when the change that made it has another place in the chain.

    The id of a decision which an earlier change made stays.
    """
    number = decision_id.removeprefix(_ordinal(sequence))
    return decision_id if number == decision_id else f"{_ordinal(to)}{number}"


def decision_time(draft: Draft, former: Standing) -> str:
    """Return the time of a decision made now, which is later than the one it replaces.

    Two decisions of one microsecond stay two, and one that came from a clock ahead of ours is still replaced.
    Where time ends, the moment stays the same, and the order of writing decides.
    """
    if former.updated is None:
        return format_instant(draft.now_ticks)
    next_ticks = parse_instant(former.updated) + _MICROSECOND
    return former.updated if next_ticks > _END_OF_TIME else format_instant(max(draft.now_ticks, next_ticks))


def merge_history(
    draft: Draft, control_id: str, entries: Iterable[JsonObject], *, owner: Owner | None
) -> None:
    """Add those imported `controlStateUpdates` entries that the history does not hold yet."""
    imported = [_imported(entry, index) for index, entry in enumerate(entries)]
    # Lists come with the newest first; written oldest first, entries of one moment keep their order.
    decided = {_identity(decision): decision for decision in reversed(imported) if decision != Standing()}
    if not decided:
        return
    known = {_identity(Standing.read(entry.value)) for entry in draft.history(control_id)}
    for identity in sorted(decided, key=itemgetter(0)):
        if identity not in known:
            record(draft, control_id, decided[identity], owner=owner)


def exported(profile: JsonObject, history: Iterable[Stored]) -> JsonObject:
    """Return a control as an export has it: with every decision about it, the newest first.

    Graph's states are fewer than the ledger's statuses; of those that share one, alternate mitigation alone has
    a name that imports read.
    """
    newest_first = sorted(history, key=standing_order, reverse=True)
    decisions = [Standing.read(entry.value) for entry in newest_first] or [Standing()]
    updates: list[JsonValue] = [_written_out(decision) for decision in decisions]
    return {**profile, "controlStateUpdates": updates}


def _ordinal(sequence: int) -> str:
    """Return what the ids of the decisions of a change begin with."""
    return f"{sequence:012d}-"


def _written_out(decision: Standing) -> JsonObject:
    if decision.status is Status.ALTERNATE_MITIGATION:
        return {**decision.shown(), "state": "AlternateMitigation"}
    return decision.shown()


def _imported(entry: JsonObject, index: int) -> Standing:
    text = cast("dict[str, str | None]", entry)
    state = entry.get("state")
    return Standing(
        status=Status.TO_ADDRESS
        if state is None
        else parse_status(state, path=f"controlStateUpdates/{index}/state"),
        assigned_to=text.get("assignedTo"),
        comment=text.get("comment"),
        updated_by=text.get("updatedBy"),
        updated=text.get("updatedDateTime"),
    )


def _identity(decision: Standing) -> tuple[int, str | None, str]:
    ticks = parse_instant(decision.updated) if decision.updated is not None else MIN_INTEGER
    return ticks, decision.updated_by, decision.status.state
