"""What a tenant's year is told with: licences, turns of a control, rulings, people.

- Days are numbered from 0, a year ago, to `LAST_DAY`, today.
- A story holds no dates, so it reads the same whenever it is told.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from stanchion.demo.controls import Control, Population

LAST_DAY = 365

State = Literal["Default", "Ignored", "ThirdParty", "Reviewed"]


@dataclass(frozen=True)
class Turn:
    """From `day` on, a control heads for `share` of what it counts: at once, or by at most `pace` a day."""

    day: int
    share: float
    pace: int | None = None


@dataclass(frozen=True)
class Licence:
    """The service codes a tenant holds from `day` on."""

    day: int
    services: tuple[str, ...]


@dataclass(frozen=True)
class Ruling:
    """A decision on a control, on a day of the story at an ISO time of that day in UTC."""

    day: int
    time: str
    _: KW_ONLY
    control_id: str
    state: State
    updated_by: str
    assigned_to: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Account:
    """A person's account at one service, last seen so many days before today."""

    service: str
    risk_score: str
    days_unseen: int
    status: Literal["active", "staged", "suspended", "deleted"] = "active"


@dataclass(frozen=True)
class Person:
    """Someone of the tenant whose risk is watched; `sign_in` is what precedes the @."""

    display_name: str
    sign_in: str
    _: KW_ONLY
    risk_score: str
    tags: tuple[str, ...]
    accounts: tuple[Account, ...]


@dataclass(frozen=True, kw_only=True)
class Story:
    """A tenant and its year.

    `populations` gives how many there are of each on the first and on the last day. A control without a course
    stays at nothing. `licences` and the turns of a course are in order of days, the first of each on day 0.
    """

    tenant_id: str
    name: str
    domain: str
    seat_range: tuple[int, int]
    populations: Mapping[Population, tuple[int, int]]
    licences: tuple[Licence, ...]
    courses: Mapping[str, tuple[Turn, ...]]
    rulings: tuple[Ruling, ...]
    people: tuple[Person, ...]

    def population(self, counted: Population, day: int) -> int:
        """Count those there are on `day`, on a straight line from the first day to the last."""
        first, last = self.populations[counted]
        return first + (last - first) * day // LAST_DAY

    def services(self, day: int) -> tuple[str, ...]:
        """Name the service codes held on `day`."""
        return next(licence.services for licence in reversed(self.licences) if licence.day <= day)

    def course(self, control: Control) -> tuple[Turn, ...]:
        """Tell the turns of a control, the first on day 0."""
        return self.courses.get(control.id, (Turn(0, 0.0),))
