"""Queries of the small tenant: each finds ten controls of 500, by literals that are drawn at random.

A server keeps what it made of the shape of a query, whatever its literals. Of those drawn
anew each has a shape of its own, for which nothing was kept.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

from bench.bodies import CATEGORIES, GROUPS, SMALL_CONTROLS, control_id, group_address, group_threat
from bench.connection import Answer
from bench.traffic import CONTROLS_PATH, get

FOUND = 10
_OK = 200
_ID = re.compile(rb'"id":"([^"]*)"')
# Conditions that hold for every control; four of them in a row make some 10,000 shapes.
_ALWAYS = (
    "rank ge 0",
    "rank lt 100000",
    "maxScore ge 0",
    "maxScore lt 100000",
    "tier eq 'Core'",
    "service ne 'x'",
    "deprecated eq false",
    "title ne null",
    "length(title) gt 0",
    "userImpact eq 'Low'",
)


@dataclass(frozen=True)
class Query:
    """The options of a list, and the ids that are the right answer."""

    options: str
    ids: list[bytes]


Draw: TypeAlias = Callable[[], Query]
"""Draws one query of its kind."""


def by_columns() -> Query:
    """Filter by two columns."""
    text, numbers = _by_columns()
    return _filtered(text, numbers)


def by_columns_anew() -> Query:
    """Filter by two columns, and by further ones that hold for all, which make a shape of its own."""
    text, numbers = _by_columns()
    return _filtered(" and ".join((text, *random.sample(_ALWAYS, 4))), numbers)


def by_path() -> Query:
    """Filter by a property that is in the body alone."""
    group = random.randrange(GROUPS)
    return _filtered(f"actionUrl eq '{group_address(group)}'", range(group, SMALL_CONTROLS, GROUPS))


def by_any() -> Query:
    """Filter by what a collection holds."""
    group = random.randrange(GROUPS)
    return _filtered(f"threats/any(t:t eq '{group_threat(group)}')", range(group, SMALL_CONTROLS, GROUPS))


def ordered() -> Query:
    """Order all by two keys, one of them in the body, and take the first."""
    numbers = sorted(
        range(SMALL_CONTROLS),
        key=lambda number: (-(number // len(CATEGORIES)), group_address(number % GROUPS)),
    )
    return Query(f"$orderby={quote('maxScore desc,actionUrl')}&$top={FOUND}", _ids(numbers[:FOUND]))


class Found:
    """Lists drawn one by one; the ids must be those that the query is to find."""

    def __init__(self, draw: Draw, *, token: str) -> None:
        self._draw = draw
        self._token = token
        self._asked: dict[int, Query] = {}

    def request(self, client: int) -> bytes:
        """Ask for what is drawn."""
        query = self._asked[client] = self._draw()
        return get(f"{CONTROLS_PATH}?{query.options}", self._token)

    def is_right(self, client: int, answer: Answer) -> bool:
        """Compare the ids."""
        return answer.status == _OK and _ID.findall(answer.body) == self._asked[client].ids


def _by_columns() -> tuple[str, range]:
    category = random.randrange(len(CATEGORIES))
    # Whatever the fraction, the same ten are above it.
    least = SMALL_CONTROLS // len(CATEGORIES) - FOUND - random.random()
    text = f"controlCategory eq '{CATEGORIES[category]}' and maxScore ge {least:.6f}"
    return text, range(SMALL_CONTROLS - FOUND * len(CATEGORIES) + category, SMALL_CONTROLS, len(CATEGORIES))


def _filtered(text: str, numbers: range) -> Query:
    return Query(f"$filter={quote(text)}", _ids(numbers))


def _ids(numbers: Sequence[int]) -> list[bytes]:
    return [control_id(number).encode() for number in numbers]
