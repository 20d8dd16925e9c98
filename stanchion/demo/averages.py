"""How other tenants did: `averageComparativeScores`, all tenants first, then those of like size.

`averageScore` is a percentage, the scores by category are points, and the bounds of a seat range are strings in
PascalCase: so it is on the wire.
"""

import random

from stanchion.demo.graph import JsonObject
from stanchion.demo.story import LAST_DAY

# Points earned and points possible by category on day 0, in the order of the wire.
_CATEGORIES = (
    ("apps", 38.4, 92.6),
    ("data", 2.1, 6.3),
    ("device", 21.7, 44.8),
    ("identity", 35.2, 60.9),
    ("infrastructure", 0.0, 0.0),
)


# The size up to which a tenant counts as small.
_SMALL_TENANT_SEATS = 100


def average_comparative_scores(seat_range: tuple[int, int]) -> list[list[JsonObject]]:
    """List the two averages of each day, day 0 first."""
    lower, upper = seat_range
    seats: JsonObject = {"SeatSizeRangeLowerValue": str(lower), "SeatSizeRangeUpperValue": str(upper)}
    everyone = _walk("AllTenants", {}, 1.0)
    # Larger tenants earn a little more, as they own more products.
    peers = _walk("TotalSeats", seats, 1.06 if lower > _SMALL_TENANT_SEATS else 0.93)
    return [list(pair) for pair in zip(everyone, peers, strict=True)]


def _walk(basis: str, properties: JsonObject, factor: float) -> list[JsonObject]:
    wobble = random.Random(basis)
    return [
        {
            "basis": basis,
            "averageScore": round(46.1 * factor + day / 130 + wobble.uniform(-0.06, 0.06), 2),
            **properties,
            **_points(day, factor),
        }
        for day in range(LAST_DAY + 1)
    ]


def _points(day: int, factor: float) -> JsonObject:
    points: JsonObject = {}
    for category, earned, possible in _CATEGORIES:
        points[f"{category}Score"] = round(earned * factor * (1 + day / 6000), 2)
        points[f"{category}ScoreMax"] = round(possible * factor * (1 + day / 9000), 2)
    return points
