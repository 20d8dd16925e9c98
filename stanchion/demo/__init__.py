"""Invented tenants to try the product with: control profiles, a year of scores, decisions and people.

- Values only, in the shape of Graph's JSON: nothing here stores, asks the time or opens a file.
- The same day gives the same data, always.
- Each tenant's year is told in the docstring of its module: `alder_quay`, `brinewood`.
- Names, people, ids and sentences are invented; hosts and domains are those reserved for examples.
"""

import datetime as dt
from dataclasses import dataclass

from stanchion.demo.alder_quay import ALDER_QUAY
from stanchion.demo.brinewood import BRINEWOOD
from stanchion.demo.controls import CONTROLS
from stanchion.demo.decision import DemoDecision, decisions_of, state_updates
from stanchion.demo.graph import JsonObject
from stanchion.demo.profiles import control_profile
from stanchion.demo.scores import secure_scores
from stanchion.demo.story import LAST_DAY, Story
from stanchion.demo.users import user_profiles

_STORIES = (ALDER_QUAY, BRINEWOOD)
DEMO_TENANT_IDS = tuple(story.tenant_id for story in _STORIES)


@dataclass(frozen=True)
class DemoTenant:
    """All there is to store about one invented tenant.

    `profiles` are secureScoreControlProfile objects, `scores` secureScore objects, oldest first, the last one of
    today, and `users` userSecurityProfile objects. `decisions` are oldest first; the profiles hold them already,
    each control's whole history in `controlStateUpdates`, oldest first.
    """

    tenant_id: str
    name: str
    profiles: list[JsonObject]
    scores: list[JsonObject]
    users: list[JsonObject]
    decisions: tuple[DemoDecision, ...]


def demo_tenants(today: dt.date) -> tuple[DemoTenant, ...]:
    """Make the invented tenants, the larger first, with a year of days that ends on `today`."""
    return tuple(_tenant(story, today) for story in _STORIES)


def _tenant(story: Story, today: dt.date) -> DemoTenant:
    first_day = today - dt.timedelta(days=LAST_DAY)
    decisions = decisions_of(story, first_day)
    return DemoTenant(
        tenant_id=story.tenant_id,
        name=story.name,
        profiles=[
            control_profile(
                control, tenant_id=story.tenant_id, state_updates=state_updates(decisions, control.id)
            )
            for control in CONTROLS
        ],
        scores=secure_scores(story, first_day, decisions=decisions),
        users=user_profiles(story, today),
        decisions=decisions,
    )


__all__ = ["DEMO_TENANT_IDS", "DemoDecision", "DemoTenant", "demo_tenants"]
