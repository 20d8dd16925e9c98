"""Decisions on the controls of a demo tenant, and their Graph form."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from stanchion.demo.graph import JsonObject, instant
from stanchion.demo.story import State, Story


@dataclass(frozen=True)
class DemoDecision:
    """Who decided what about a control, and when, in UTC."""

    control_id: str
    state: State
    assigned_to: str | None
    comment: str | None
    updated_by: str
    updated_date_time: dt.datetime


def decisions_of(story: Story, first_day: dt.date) -> tuple[DemoDecision, ...]:
    """Date the rulings of a story whose day 0 is `first_day`, oldest first."""
    decisions = (
        DemoDecision(
            control_id=ruling.control_id,
            state=ruling.state,
            assigned_to=ruling.assigned_to,
            comment=ruling.comment,
            updated_by=ruling.updated_by,
            updated_date_time=dt.datetime.combine(
                first_day + dt.timedelta(days=ruling.day),
                dt.time.fromisoformat(ruling.time),
                tzinfo=dt.UTC,
            ),
        )
        for ruling in story.rulings
    )
    return tuple(sorted(decisions, key=lambda decision: decision.updated_date_time))


def state_updates(decisions: Sequence[DemoDecision], control_id: str) -> list[JsonObject]:
    """Write the history of a control as `controlStateUpdates`, in the order given.

    A control nobody decided on has one entry: Default, all else null.
    """
    history = [_state_update(decision) for decision in decisions if decision.control_id == control_id]
    return history or [
        {"assignedTo": None, "comment": None, "state": "Default", "updatedBy": None, "updatedDateTime": None}
    ]


def _state_update(decision: DemoDecision) -> JsonObject:
    return {
        "assignedTo": decision.assigned_to,
        "comment": decision.comment,
        "state": decision.state,
        "updatedBy": decision.updated_by,
        "updatedDateTime": instant(decision.updated_date_time),
    }
