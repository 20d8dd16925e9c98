"""One control of the demo catalogue: what Graph would tell about it, without any tenant.

- A control is measured once its tenant holds the service code in `needs`; a deprecated one never is.
- `counted` names what is counted; None is a switch, which is on or off.
"""

from dataclasses import dataclass
from typing import Literal

Category = Literal["Identity", "Apps", "Data", "Device"]
Population = Literal["users", "administrators", "devices", "servers"]


@dataclass(frozen=True, kw_only=True)
class Control:
    """A control in our own words.

    `status` is the sentence of a reading: for a switch that is on, or, with `{passed}`, `{left}` and `{total}`, for
    a counted one. `status_off` is the sentence of a switch that is off.
    """

    id: str
    category: Category
    service: str
    needs: str
    title: str
    description: str
    remediation: str
    impact: str
    threats: tuple[str, ...]
    max_score: int
    rank: int
    status: str
    status_off: str = ""
    counted: Population | None = None
    tier: str = "Core"
    user_impact: str = "Low"
    cost: str = "Low"
    action_type: str = "Config"
    deprecated: bool = False

    def sentence(self, passed: int, total: int) -> str:
        """Say what a reading found, as `implementationStatus` does."""
        if self.counted is None:
            return self.status if passed else self.status_off
        return self.status.format(passed=passed, left=total - passed, total=total)
