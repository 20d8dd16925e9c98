"""Imports that are killed, or run beside other writers: all of a file is there or nothing, and nobody suffers."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest

from tests.crash.exports import Import, controls, importing, scores, write_export
from tests.crash.judgement import faults
from tests.crash.killing import CHEATING, verify
from tests.crash.ledger import Totals, totals
from tests.crash.notebook import Load
from tests.crash.writers import write
from tests.serving.place import TENANT, Place
from tests.serving.process import running, stanchion

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("reads the file and its log while they are written")]

FIRST_DAY = date(2020, 1, 1)
SCORES = 400  # 20 MB
BY_TIME, BY_LOG = 6, 4
WRITERS = 16


@dataclass(frozen=True)
class Whole:
    """An import that nobody disturbed: what it took, and what it left."""

    seconds: float
    log_bytes: int
    totals: Totals


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    return write_export(folder / "scores.json", scores(FIRST_DAY, SCORES, seed=1))


@pytest.fixture
def places(made_place: Place, tmp_path: Path) -> Callable[[], Place]:
    """Makes new places, each as the others were."""
    numbers = count()

    def place() -> Place:
        folder = tmp_path / f"place-{next(numbers)}"
        folder.mkdir()
        return made_place.copied_to(folder)

    return place


@pytest.mark.timeout(600)
def test_a_killed_import_leaves_all_or_nothing_and_completes_when_run_again(
    places: Callable[[], Place], export: Path
) -> None:
    place = places()
    before, whole = totals(place.database), undisturbed(places(), export)
    left_nothing = 0
    for kill in kills(whole):
        with importing(place, export) as started:
            kill(started)
        found = totals(place.database)
        assert found in (before, whole.totals)
        left_nothing += found == before
        if found == whole.totals:
            verify(place)
            place = places()

    # Those that were killed by what they had written were in the midst of their transaction.
    assert left_nothing >= BY_LOG
    verify(place)
    with importing(place, export) as again:
        assert again.counts()["new"] == SCORES
    assert totals(place.database) == whole.totals
    verify(place)


def undisturbed(place: Place, export: Path) -> Whole:
    """Import once to the end."""
    began, log_bytes = time.monotonic(), 0
    with importing(place, export) as started:
        while started.process.poll() is None:
            log_bytes = max(log_bytes, started.log_bytes())
            time.sleep(0.002)
    return Whole(time.monotonic() - began, log_bytes, totals(place.database))


def kills(whole: Whole) -> list[Callable[[Import], None]]:
    """Return ways to kill at random moments: some by time, from start to end, and some while it writes."""

    def after(seconds: float) -> Callable[[Import], None]:
        def kill(started: Import) -> None:
            time.sleep(seconds)
            started.process.kill()

        return kill

    def having_written(size: int) -> Callable[[Import], None]:
        return lambda started: started.kill_when_log_has(size)

    by_time = [after(random.uniform(0, 1.05) * whole.seconds) for _ in range(BY_TIME)]
    # Before the last tenth, so that what is in the log is not committed yet.
    by_log = [having_written(int(random.uniform(0.05, 0.9) * whole.log_bytes)) for _ in range(BY_LOG)]
    return [*by_time, *by_log]


@dataclass(frozen=True)
class Outcome:
    """What two imports told and what they left: counts by file, exported text by set."""

    counts: dict[str, dict[str, int]]
    exported: dict[str, str]


def test_two_imports_at_once_end_as_one_after_the_other_would(
    places: Callable[[], Place], tmp_path: Path
) -> None:
    mine = [*scores(FIRST_DAY, 60, seed=1), *controls(range(120), title="mine")]
    yours = [*scores(FIRST_DAY + timedelta(days=30), 60, seed=2), *controls(range(80, 200), title="yours")]
    one = write_export(tmp_path / "mine.json", mine)
    other = write_export(tmp_path / "yours.json", yours)
    in_turn = [one_after_the_other(places(), one, other), one_after_the_other(places(), other, one)]
    assert in_turn[0].exported != in_turn[1].exported

    place = places()
    with importing(place, one) as first, importing(place, other) as second:
        counts = {one.name: first.counts(), other.name: second.counts()}

    assert Outcome(counts, exported(place)) in in_turn
    verify(place)


def one_after_the_other(place: Place, *files: Path) -> Outcome:
    """Import in this order."""
    counts = {}
    for file in files:
        with importing(place, file) as started:
            counts[file.name] = started.counts()
    return Outcome(counts, exported(place))


def exported(place: Place) -> dict[str, str]:
    """Return the tenant as it is exported."""
    folder = place.folder / "exported"
    options = ("--tenant", TENANT, *place.options)
    ran = stanchion("export", "--to", folder, *options, folder=place.folder)
    assert ran.returncode == 0, ran.stderr
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_writers_who_wait_for_an_import_are_all_answered_and_none_is_forgotten(
    place: Place, export: Path
) -> None:
    before, loads = totals(place.database), list[Load]()
    # How long an import keeps others from writing is the machine's affair.
    with running(place, program=(*CHEATING, "patient")) as server, importing(place, export) as started:
        while started.process.poll() is None:
            name = f"beside{len(loads)}"
            loads.append(asyncio.run(write(place, server.port, name=name, seconds=1, writers=WRITERS)))
        assert started.counts()["new"] == SCORES
        assert server.stop() == 0

    assert all(load.refused.keys() <= {412} and load.unanswered == [] for load in loads)
    assert all(load.acknowledged for load in loads)
    assert faults(loads, place.database) == []
    assert totals(place.database).scores == before.scores + SCORES
    verify(place)
