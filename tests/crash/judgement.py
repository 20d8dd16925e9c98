"""Whether a database is true to what its server acknowledged."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.crash.ledger import Decision, decisions, histories, shown
from tests.crash.writers import Load, Written


def faults(loads: Sequence[Load], database: Path) -> list[str]:
    """Return what is untrue, some of each kind; nothing for a database that kept its word.

    Every 204 is exactly one change; a request without an answer is one or none; nothing else was written; each
    change is whole: in the chain, in the history of its control, and shown if it is the newest.
    """
    found = decisions(database)
    return [
        *_untrue_acknowledgements(loads, found),
        *_half_applied(found, histories(database), shown(database)),
    ]


def _untrue_acknowledgements(loads: Sequence[Load], found: Sequence[Decision]) -> list[str]:
    acknowledged = {written for load in loads for written in load.acknowledged}
    unanswered = {written for load in loads for written in load.unanswered}
    changes = Counter(Written(decision.control, decision.comment) for decision in found)
    lost = acknowledged - set(changes)
    unasked = set(changes) - acknowledged - unanswered
    doubled = [written for written, times in changes.items() if times > 1]
    return [
        *(f"acknowledged and lost: {written}" for written in sorted(lost, key=str)[:5]),
        *(f"written and never asked for: {written}" for written in sorted(unasked, key=str)[:5]),
        *(f"written more than once: {written}" for written in doubled[:5]),
    ]


def _half_applied(
    found: Sequence[Decision], history: dict[str, list[str]], visible: dict[str, str]
) -> list[str]:
    expected: dict[str, list[str]] = {}
    for decision in found:
        expected.setdefault(decision.control, []).append(decision.comment)
    untold = [control for control in expected if expected[control] != history.get(control)]
    unseen = [control for control, comments in expected.items() if visible.get(control) != comments[-1]]
    extra = [control for control in {*history, *visible} if control not in expected]
    return [
        *(f"the history of {control} is not what the chain says" for control in untold[:5]),
        *(f"{control} does not show its newest decision" for control in unseen[:5]),
        *(f"{control} has a decision that no change wrote" for control in extra[:5]),
    ]
