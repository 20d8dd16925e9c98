"""An import of a large file by the command line, beside those who read and write.

Every round imports other days of the same tenant, because what is there already would be compared only.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bench.beside import Beside, run_beside
from bench.bodies import TENANT, Body, Scores, write_page
from bench.cases import Plan
from bench.load import ask
from bench.servers import Product
from bench.traffic import SCORES_PATH, get

MOST_ROUNDS = 2
_CALM_SECONDS = 3.0
_FIRST_DAY = date(1990, 1, 1)


@dataclass(frozen=True)
class Imported:
    """What one import brought in, what it took, and what others felt."""

    bytes: int
    scores: int
    beside: Beside


def run_imports(product: Product, plan: Plan, *, size_bytes: int) -> list[Imported]:
    """Import in some rounds, each with days of its own."""
    day, found = _FIRST_DAY, []
    for _ in range(min(plan.rounds, MOST_ROUNDS)):
        file = product.folder / f"scores-{day}.json"
        count = write_page(file, scores_from(day), at_least_bytes=size_bytes)
        found.append(_import(product, plan, file, scores=count))
        file.unlink()
        day += timedelta(days=count)
    return found


def scores_from(day: date) -> Iterator[Body]:
    """Give the scores of a day and of all after it."""
    scores = Scores()
    for age in itertools.count():
        yield scores.of(day + timedelta(days=age))


def _import(product: Product, plan: Plan, file: Path, *, scores: int) -> Imported:
    known = _count(product)
    command = ("import", str(file), "--tenant", TENANT)
    beside = run_beside(product, plan, command, calm_seconds=_CALM_SECONDS)
    assert _count(product) == known + scores, f"of {scores} scores {_count(product) - known} came in"
    return Imported(file.stat().st_size, scores, beside)


def _count(product: Product) -> int:
    return int(ask(product.server, get(f"{SCORES_PATH}/$count", product.token)).body)
