"""Whether a database is true to what its server acknowledged.

- An acknowledged operation is one change, at the version of its ETag; one without an answer is one or none.
- Nothing else was written, and nothing twice.
- Change, history, entity or tombstone, and head agree; the chain is whole.
- A write that was asked for a version (If-Match) follows on that version.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tests.crash.database import Database
from tests.crash.ledger import Recorded, Shown, chain_faults, histories, recorded, shown
from tests.crash.notebook import Acknowledged, Load
from tests.crash.operations import Written

_SOME = 5  # of each kind of fault: enough to see what it is


def faults(loads: Sequence[Load], database: Database, *, since: int = 0) -> list[str]:
    """Return what is untrue, some of each kind; nothing for a database that kept its word.

    The loads are all that was written after the change `since`.
    """
    found = recorded(database, since=since)
    acknowledged = [each for load in loads for each in load.acknowledged]
    return [
        *_untrue_acknowledgements(acknowledged, found),
        *_unasked(loads, found),
        *_out_of_turn(acknowledged, found),
        *_half_applied(found, histories(database, since=since), shown(database, since=since)),
        *chain_faults(database),
    ]


def _untrue_acknowledgements(acknowledged: Iterable[Acknowledged], found: Sequence[Recorded]) -> list[str]:
    by_sequence = {each.sequence: each.written for each in found}
    everything = set(by_sequence.values())
    lost, elsewhere = [], []
    for each in acknowledged:
        written = _without_condition(each.written)
        if written not in everything:
            lost.append(f"acknowledged and lost: {written}")
        elif each.version is not None and by_sequence.get(each.version) != written:
            elsewhere.append(f"acknowledged as version {each.version}, which it is not: {written}")
    return [*lost[:_SOME], *elsewhere[:_SOME]]


def _unasked(loads: Sequence[Load], found: Sequence[Recorded]) -> list[str]:
    asked = {_without_condition(each.written) for load in loads for each in load.acknowledged}
    asked |= {_without_condition(written) for load in loads for written in load.unanswered}
    changes = Counter(each.written for each in found)
    unasked = [f"written and never asked for: {written}" for written in changes if written not in asked]
    doubled = [f"written more than once: {written}" for written, times in changes.items() if times > 1]
    return [*unasked[:_SOME], *doubled[:_SOME]]


def _out_of_turn(acknowledged: Iterable[Acknowledged], found: Sequence[Recorded]) -> list[str]:
    """Return those that were asked for one version of their entity and follow on another."""
    followed: dict[int, int] = {}
    last: dict[str, int] = {}
    for each in found:
        followed[each.sequence] = last.get(each.written.entity, 0)
        last[each.written.entity] = each.sequence
    wrong = [
        f"asked for version {each.written.if_match}, written on another: {each.written}"
        for each in acknowledged
        if each.written.if_match is not None
        and each.version in followed
        and followed[each.version] not in {each.written.if_match, 0}
    ]
    return wrong[:_SOME]


def _half_applied(
    found: Sequence[Recorded], history: dict[str, list[str]], visible: dict[str, Shown]
) -> list[str]:
    comments: dict[str, list[str]] = {}
    newest: dict[str, Shown] = {}
    for each in found:
        if each.written.kind == "decide":
            comments.setdefault(each.written.entity, []).append(each.written.mark)
        newest[each.written.entity] = Shown(
            each.sequence, each.written.shows, there=each.written.kind != "delete"
        )
    untold = [name for name in {*comments, *history} if comments.get(name) != history.get(name)]
    unseen = [name for name, shows in newest.items() if visible.get(name) != shows]
    # What was there before the writers came shows no mark.
    extra = [name for name, shows in visible.items() if name not in newest and _is_marked(shows)]
    return [
        *(f"the history of {name} is not what the chain says" for name in untold[:_SOME]),
        *(f"{name} does not show what the last change made of it" for name in unseen[:_SOME]),
        *(f"{name} is there as no change wrote it" for name in extra[:_SOME]),
    ]


def _is_marked(shows: Shown) -> bool:
    return shows.mark is not None or not shows.there


def _without_condition(written: Written) -> Written:
    return replace(written, if_match=None)
