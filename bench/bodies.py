"""The invented entities that are served: controls of 2 KB, and scores that pack as a real one does.

A real score of 53 KB, 68 controls in it, packs 4.2 times by zstd at level 3, and about 100 times with the score of
the day before as dictionary, because its descriptions are the same from day to day. These are made alike; `packing`
says what was achieved.
"""

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypeAlias

import zstandard

from bench.prose import Prose

Body: TypeAlias = dict[str, object]

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
# Of the usual size: its controls are those that filters are measured on.
SMALL_TENANT = "bbbbbbbb-0000-4000-8000-000000000002"
SMALL_CONTROLS = 500
MICROSOFT: Body = {
    "provider": "SecureScore",
    "providerVersion": None,
    "subProvider": None,
    "vendor": "Microsoft",
}
# Shorter ones are not made.
CONTROL_BYTES = 1800
SCORE_BYTES = 50_000
CATEGORIES = ("Identity", "Apps", "Data", "Device")
# Of the small tenant as many controls share an address, and a threat, as ten.
GROUPS = SMALL_CONTROLS // 10
_CONTROLS_PER_SCORE = 68
_DAYS_BETWEEN_CHANGES = 5
_ZSTD_LEVEL = 3


def control_id(number: int) -> str:
    """Return the id of a control, numbered from 0; all are equally long, and sort by number."""
    return f"control_{number:05}"


def controls(count: int) -> Iterator[Body]:
    """Give so many control profiles of about 2 KB, each with texts of its own."""
    prose, chance = Prose(seed=1, vocabulary=3000), random.Random(1)
    for number in range(count):
        yield {
            "id": control_id(number),
            "azureTenantId": TENANT,
            "actionType": "Config",
            "actionUrl": "https://portal.example/policies",
            "controlCategory": chance.choice(CATEGORIES),
            "controlStateUpdates": [],
            "deprecated": False,
            "implementationCost": "Low",
            "lastModifiedDateTime": None,
            "maxScore": 5.0,
            "rank": number,
            "remediation": prose.text(1150),
            "remediationImpact": prose.text(200),
            "service": "AzureAD",
            "threats": ["accountBreach", "dataExfiltration"],
            "tier": "Core",
            "title": prose.text(60),
            "userImpact": "Low",
            "vendorInformation": MICROSOFT,
        }


def small_controls() -> Iterator[Body]:
    """Give the controls of the small tenant: alike, and so that each filter that is measured finds ten."""
    for number, control in enumerate(controls(SMALL_CONTROLS)):
        yield {
            **control,
            "azureTenantId": SMALL_TENANT,
            "controlCategory": CATEGORIES[number % len(CATEGORIES)],
            "maxScore": float(number // len(CATEGORIES)),
            "actionUrl": group_address(number % GROUPS),
            "threats": [group_threat(number % GROUPS), "dataExfiltration"],
        }


def group_address(group: int) -> str:
    """Return what the controls of a group of the small tenant have as `actionUrl`."""
    return f"https://portal.example/policies/{group}"


def group_threat(group: int) -> str:
    """Return the threat that the controls of a group of the small tenant share."""
    return f"threat{group}"


@dataclass(frozen=True)
class _Control:
    """What stays the same of a control from day to day; `phase` says when its figures change."""

    category: str
    name: str
    description: str
    status: str
    phase: int


class Scores:
    """The scores of one tenant: each day the same controls with the same descriptions and other figures."""

    def __init__(self) -> None:
        prose, chance = Prose(seed=2, vocabulary=450), random.Random(2)
        self._controls = [
            _Control(
                category=chance.choice(CATEGORIES),
                name=prose.text(20).replace(" ", "_").replace(".", ""),
                description=prose.text(chance.randrange(130, 800)),
                status=prose.text(chance.randrange(20, 180)),
                phase=chance.randrange(1200),
            )
            for _ in range(_CONTROLS_PER_SCORE)
        ]

    def of(self, day: date) -> Body:
        """Return the score of a day, of about 53 KB."""
        chance = random.Random(day.toordinal())
        return {
            "id": f"{TENANT}_{day}",
            "azureTenantId": TENANT,
            "activeUserCount": chance.randrange(900, 1000),
            "createdDateTime": f"{day}T00:00:00Z",
            "currentScore": float(chance.randrange(100, 200)),
            "enabledServices": ["HasExchange", "HasSharepoint", "HasTeams"],
            "licensedUserCount": 1000,
            "maxScore": 274.0,
            "vendorInformation": MICROSOFT,
            "averageComparativeScores": [
                {"basis": basis, "averageScore": round(chance.uniform(40, 50), 2)}
                for basis in ("AllTenants", "TotalSeats")
            ],
            "controlScores": [_control_score(control, day) for control in self._controls],
        }


def _control_score(control: _Control, day: date) -> Body:
    # What a control measures stays as it is for some days.
    passed, total = (day.toordinal() + control.phase) // _DAYS_BETWEEN_CHANGES * 37 % 100, 100
    return {
        "controlCategory": control.category,
        "controlName": control.name,
        "description": control.description,
        "score": round(passed / 20, 2),
        "lastSynced": f"{day}T00:00:00Z",
        "implementationStatus": f"{passed} of {total}. {control.status}",
        "scoreInPercentage": passed,
        "count": str(passed),
        "total": str(total),
    }


@dataclass(frozen=True)
class Packing:
    """How large a score is, and how well it packs alone and after the day before."""

    bytes: int
    alone: float
    after_day_before: float


def packing(scores: Scores, day: date) -> Packing:
    """Pack the score of a day as the store would."""
    before, body = (_bytes(scores.of(each)) for each in (day - timedelta(days=1), day))
    dictionary = zstandard.ZstdCompressionDict(before, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    alone, after = (
        len(zstandard.ZstdCompressor(_ZSTD_LEVEL, dict_data=known).compress(body))
        for known in (None, dictionary)
    )
    return Packing(len(body), round(len(body) / alone, 2), round(len(body) / after, 1))


def write_page(file: Path, values: Iterable[Body], *, at_least_bytes: int | None = None) -> int:
    """Write entities as Graph sends a page, until it is large enough or they end; return how many."""
    count = 0
    with file.open("wb") as page:
        page.write(b'{"value":[')
        for value in values:
            page.write((b",\n" if count else b"\n") + _bytes(value))
            count += 1
            if at_least_bytes is not None and page.tell() >= at_least_bytes:
                break
        page.write(b"\n]}\n")
    return count


def _bytes(value: Body) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
