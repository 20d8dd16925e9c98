"""Entities that are hard to filter, and what can be named in them."""

import random
from dataclasses import dataclass

from stanchion.model.json_text import JsonObject, JsonValue

TEXTS = [
    "",
    "a",
    "A",
    "MFA",
    "mfa for admins",
    "Mfa_%100",
    "it's",
    "é",
    "É",
    "z",
    "Zebra",
    "\U0001f600 grin",
    "\uff5e",
    "  padded\u3000",
    "5",
    "true",
    "2026-01-31T00:00:00Z",
]
TIMES = [
    "2026-01-31T00:00:00Z",
    "2026-01-31T01:00:00+01:00",
    "2026-01-30T23:59:59.9999999Z",
    "2026-02-28t23:30:00.5-05:00",
    "1969-12-31T23:59:59.1234567Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999Z",
    "2024-02-29T12:00Z",
    "2026-01-31T00:00:00.0000001Z",
    "2026-03-01T12:34:56.7654321Z",
]
NUMBERS: list[float] = [0, 5, 5.5, -3, 10, 0.1, 1e300, -1e300, 2**53, 7.25, 100]
WHOLE = [0, 1, 5, -7, 10, 2**31 - 1, -(2**31)]
MIXED: list[JsonValue] = [
    None,
    5,
    5.0,
    "5",
    "five",
    "Mfa",
    True,
    False,
    "true",
    -2.5,
    0,
    "2026-01-31T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-01-31",
    "0000-01-01",
    "0000-01-01T00:00:00Z",
    "2026-02-30T00:00:00.5Z",
    "2026-01-31T00:00:00.12345678901Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T00:00:00",
    "2026-01-31T00:00:00.Z",
    "2026-01-31T00:00:00+24:00",
    "2026-01-31T10:30+14:30",
    [1, 2],
    ["a", 5, None, True, {"name": "x"}],
    {"name": "x", "deep": {"er": 5}},
    "é",
]
STATES = ["unknown", "staged", "active", "suspended", "deleted", "unknownFutureValue"]
ROWS = 60


@dataclass(frozen=True)
class Place:
    """What can be named in some scope: paths by the kind of their values."""

    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    wholes: tuple[str, ...] = ()
    truths: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    lists: "tuple[tuple[str, Place], ...]" = ()


# The element itself, where it has no parts, is named by an empty path.
TEXT_ITEM, OPEN_ITEM = Place(texts=("",)), Place(opens=("", "name"))
CERTIFICATION_CONTROL = Place(
    texts=("name", "url"), opens=("extra", "other/deep/er"), lists=(("extra", OPEN_ITEM),)
)
COMPLIANCE = Place(
    texts=("certificationName",),
    opens=("extra", "extra/deep/er", "other"),
    lists=(("certificationControls", CERTIFICATION_CONTROL), ("extra", OPEN_ITEM)),
)
STATE_UPDATE = Place(texts=("state", "comment", "assignedTo"), times=("updatedDateTime",))
CONTROL_SCORE = Place(
    texts=("controlName", "controlCategory"),
    numbers=("score",),
    opens=("scoreInPercentage", "count", "extra", "other/deep/er"),
    lists=(("extra", OPEN_ITEM),),
)
ACCOUNT = Place(texts=("displayName", "signinName"), times=("lastSeenDateTime",), states=("status",))
INFORMATION = ("vendorInformation/provider", "vendorInformation/vendor", "vendorInformation/subProvider")
PLACES = {
    "secureScoreControlProfiles": Place(
        texts=("id", "title", "tier", "remediation", *INFORMATION),
        numbers=("maxScore",),
        wholes=("rank",),
        truths=("deprecated",),
        times=("lastModifiedDateTime",),
        structures=("vendorInformation",),
        lists=(
            ("threats", TEXT_ITEM),
            ("complianceInformation", COMPLIANCE),
            ("controlStateUpdates", STATE_UPDATE),
        ),
    ),
    "secureScores": Place(
        texts=("id", *INFORMATION),
        numbers=("currentScore", "maxScore"),
        wholes=("activeUserCount", "licensedUserCount"),
        times=("createdDateTime",),
        structures=("vendorInformation",),
        lists=(("enabledServices", TEXT_ITEM), ("controlScores", CONTROL_SCORE)),
    ),
    "userSecurityProfiles": Place(
        texts=("id", "displayName", "riskScore", "azureSubscriptionId", *INFORMATION),
        times=("createdDateTime", "lastModifiedDateTime"),
        structures=("vendorInformation",),
        lists=(("tags", TEXT_ITEM), ("accounts", ACCOUNT)),
    ),
}


def rows_of(name: str) -> list[JsonObject]:
    """Return the entities of a set, the same at every call."""
    draw = random.Random(name)
    rows: list[JsonObject] = []
    for number in range(ROWS):
        row = _value(PLACES[name], draw)
        row["id"] = f"{draw.choice(['a', 'B', 'é', 'z_'])}{number}"
        row["azureTenantId"] = "t"
        rows.append(row)
    return rows


def _value(place: Place, draw: random.Random) -> JsonObject:
    row: JsonObject = {}
    kinds: list[tuple[tuple[str, ...], list[JsonValue]]] = [
        (place.texts, [*TEXTS]),
        (place.numbers, [*NUMBERS]),
        (place.wholes, [*WHOLE]),
        (place.truths, [True, False]),
        (place.times, [*TIMES]),
        (place.states, [*STATES]),
        (place.opens, MIXED),
    ]
    for paths, pool in kinds:
        for path in paths:
            if draw.random() < 0.15:
                continue
            _put(row, path.split("/"), None if draw.random() < 0.15 else draw.choice(pool))
    for path in place.structures:
        if draw.random() < 0.15:
            row[path] = None
    for path, item in place.lists:
        if path not in row and draw.random() < 0.8:
            row[path] = [_item(item, draw) for _ in range(draw.choice([0, 1, 1, 2, 3]))]
    return row


def _item(place: Place, draw: random.Random) -> JsonValue:
    if place is TEXT_ITEM:
        return draw.choice(TEXTS)
    return draw.choice(MIXED) if place is OPEN_ITEM else _value(place, draw)


def _put(row: JsonObject, path: list[str], value: JsonValue) -> None:
    *outer, last = path
    inside = row
    for name in outer:
        found = inside.setdefault(name, {})
        if not isinstance(found, dict):
            return
        inside = found
    inside[last] = value
