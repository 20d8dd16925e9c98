"""The daily secureScore objects of a story.

- A control counts when its product is licensed and it is not deprecated.
- It earns its maximum times passed / total, rounded to 2 decimals; ThirdParty earns all of it and Ignored nothing,
  from the day of the decision on.
- currentScore is the sum of the control scores, maxScore the sum of the maxima of the controls that count.
- Each day is as full as the newest day is on the wire: a ledger that asks daily keeps what it was told.
"""

import datetime as dt
import random
from collections.abc import Collection, Iterable, Mapping, Sequence

from stanchion.demo.averages import average_comparative_scores
from stanchion.demo.controls import CONTROLS, Control
from stanchion.demo.decision import DemoDecision
from stanchion.demo.graph import JsonObject, vendor_information
from stanchion.demo.readings import Reading, readings
from stanchion.demo.story import LAST_DAY, State, Story


def secure_scores(story: Story, first_day: dt.date, *, decisions: Sequence[DemoDecision]) -> list[JsonObject]:
    """Write one secureScore a day, oldest first, day 0 being `first_day`; `decisions` are oldest first."""
    walks = {control.id: readings(story, control) for control in CONTROLS}
    averages = average_comparative_scores(story.seat_range)
    activity = random.Random(story.tenant_id)
    scores = []
    for day in range(LAST_DAY + 1):
        date = first_day + dt.timedelta(days=day)
        states = _states_on(date, decisions)
        measured = _measured(story.services(day))
        users = story.population("users", day)
        control_scores = [
            _control_score(
                control, walks[control.id][day], state=states.get(control.id, "Default"), date=date
            )
            for control in measured
        ]
        scores.append(
            {
                "id": f"{story.tenant_id}_{date.isoformat()}",
                "azureTenantId": story.tenant_id,
                # Some are on leave: between a fortieth and a fifteenth.
                "activeUserCount": users - activity.randint(users // 40, users // 15),
                "createdDateTime": f"{date.isoformat()}T00:00:00Z",
                "currentScore": round(sum(entry["score"] for entry in control_scores), 2),
                "enabledServices": list(story.services(day)),
                "licensedUserCount": users,
                "maxScore": float(sum(control.max_score for control in measured)),
                "vendorInformation": vendor_information("SecureScore"),
                "averageComparativeScores": averages[day],
                "controlScores": control_scores,
            }
        )
    return scores


def _measured(services: Collection[str]) -> list[Control]:
    return [control for control in CONTROLS if control.needs in services and not control.deprecated]


def _states_on(date: dt.date, decisions: Iterable[DemoDecision]) -> Mapping[str, State]:
    return {
        decision.control_id: decision.state
        for decision in decisions
        if decision.updated_date_time.date() <= date
    }


def _control_score(control: Control, reading: Reading, *, state: State, date: dt.date) -> JsonObject:
    earned = _share_earned(reading, state)
    return {
        "controlCategory": control.category,
        "controlName": control.id,
        "description": control.description,
        "score": round(control.max_score * earned, 2),
        "lastSynced": f"{date.isoformat()}T{_SYNCHRONISED[control.service]}Z",
        "implementationStatus": control.sentence(reading.passed, reading.total),
        **_facts(control, reading),
        "scoreInPercentage": round(100 * earned, 2),
    }


def _share_earned(reading: Reading, state: State) -> float:
    match state:
        case "ThirdParty":
            return 1.0
        case "Ignored":
            return 0.0
        case "Default" | "Reviewed":
            return reading.passed / reading.total


def _facts(control: Control, reading: Reading) -> Mapping[str, str]:
    """Tell the reading in the open properties of the wire, which are strings."""
    if control.counted is None:
        return {"on": "true" if reading.passed else "false"}
    return {"count": str(reading.passed), "total": str(reading.total)}


def _synchronised(service: str) -> str:
    """Choose the time of day at which a service reports: always within the first hour."""
    clock = random.Random(service)
    return f"00:{clock.randint(4, 56):02}:{clock.randint(0, 59):02}"


_SYNCHRONISED = {control.service: _synchronised(control.service) for control in CONTROLS}
