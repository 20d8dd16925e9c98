"""A disk that is full, fails or cannot be written, a clock that goes back: refused or stopped, never lost.

The disk is that of disk.py, so that none of it needs a privilege; what needs one is in test_disks.py.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.disk import journal_bytes
from tests.crash.judgement import faults
from tests.crash.killing import CHEATING, verify
from tests.crash.ledger import head
from tests.crash.notebook import Load, Notebook
from tests.crash.power import Cut, cut_at, records
from tests.crash.writers import Meanwhile, until_acknowledged, write
from tests.serving.place import Place
from tests.serving.process import Server, running

pytestmark = pytest.mark.slow
_SECONDS, _WRITERS = 2.0, 16
# So many writes come before a fault.
_BEFORE = 500


@dataclass(frozen=True)
class FaultyDisk:
    """A server on a disk that fails when told."""

    server: Server
    folder: Path

    def fail(self, what: str) -> None:
        (self.folder / f"fail-{what}").touch()

    def work_again(self) -> None:
        for file in self.folder.glob("fail-*"):
            file.unlink()


@pytest.fixture
def disk_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def faulty(file_place: Place, disk_folder: Path) -> Iterator[FaultyDisk]:
    """A server on a faulty disk."""
    with running(
        file_place, program=(*CHEATING, "disk"), environment={"CRASH_DISK": str(disk_folder)}
    ) as server:
        yield FaultyDisk(server, disk_folder)


def after(acknowledged: int, act: Callable[[], object]) -> Meanwhile:
    """Return what acts in the midst of a load."""

    async def meanwhile(notes: Notebook) -> None:
        await until_acknowledged(notes, acknowledged)
        act()

    return meanwhile


def writers(
    place: Place, server: Server, name: str, meanwhile: Meanwhile | None = None, *, at_least: int = 0
) -> Load:
    """Let writers write until their time is over and at least so many writes were acknowledged."""
    return asyncio.run(
        write(
            place,
            server.port,
            name=name,
            seconds=_SECONDS,
            writers=_WRITERS,
            meanwhile=meanwhile,
            enough=lambda notes: notes.acknowledged >= at_least,
        )
    )


@pytest.mark.parametrize("what", ["commit", "sync"])
def test_a_failing_fsync_stops_writing_fails_readyz_and_loses_nothing(
    file_place: Place, faulty: FaultyDisk, what: str
) -> None:
    load = writers(file_place, faulty.server, what, after(_BEFORE, lambda: faulty.fail(what)))

    assert load.acknowledged
    assert load.refused[503] > 0
    # At a COMMIT nobody knows what the disk has; at a checkpoint, which comes after one, all is known.
    assert (1 if what == "commit" else 0) <= len(load.unanswered) <= _WRITERS
    assert not faulty.server.ready()
    # A disk that recovers is not believed: what it did not keep, it says, it may have kept or not.
    faulty.work_again()
    refused = writers(file_place, faulty.server, "later")
    assert refused.acknowledged == []
    assert refused.refused.keys() == {503}
    with faulty.server.client(file_place.token) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1.0/security/secureScores").status_code == 200

    faulty.server.stop()
    after_restart(file_place, load)


def test_what_a_failed_fsync_dropped_was_never_acknowledged(
    file_place: Place, disk_folder: Path, tmp_path: Path
) -> None:
    before = file_place.database.read_bytes()
    program, environment = (*CHEATING, "disk"), {"CRASH_DISK": str(disk_folder)}
    with running(file_place, program=program, environment=environment) as server:
        load = writers(file_place, server, "drop", after(_BEFORE, (disk_folder / "fail-sync").touch))
    journal = records(disk_folder / "journal")
    end = Cut(journal_bytes(disk_folder), "nothing")
    left = tmp_path / "left" / "stanchion.db"
    left.parent.mkdir()
    ((_, database, log),) = cut_at(journal, [end], database=before, chance=random.Random())
    left.write_bytes(database)
    Path(f"{left}-wal").write_bytes(log)

    assert load.acknowledged
    assert faults([load], left) == []


@pytest.mark.parametrize("what", ["full", "write"])
def test_a_disk_that_takes_no_more_refuses_and_loses_nothing(
    file_place: Place, faulty: FaultyDisk, what: str
) -> None:
    load = writers(file_place, faulty.server, what, after(_BEFORE, lambda: faulty.fail(what)))

    assert load.acknowledged
    assert load.refused[503] > 0
    faulty.work_again()
    assert faults([load], file_place.url) == []
    again = writers(file_place, faulty.server, "again")
    if what == "full":
        assert load.unanswered == []
        assert again.acknowledged
    assert bool(again.acknowledged) == faulty.server.ready()
    faulty.server.stop()
    after_restart(file_place, load, again)


def test_a_build_that_takes_a_failed_fsync_for_a_success_is_found_out(
    file_place: Place, disk_folder: Path
) -> None:
    program, environment = (*CHEATING, "disk,deaf"), {"CRASH_DISK": str(disk_folder)}
    with running(file_place, program=program, environment=environment) as server:
        load = writers(file_place, server, "deaf", after(_BEFORE, (disk_folder / "fail-commit").touch))

    assert any("acknowledged and lost" in fault for fault in faults([load], file_place.url))


@pytest.mark.parametrize("seconds_back", [1, 3000])
def test_a_clock_that_goes_back_loses_nothing_and_the_newest_decision_shows(
    file_place: Place, tmp_path: Path, seconds_back: int
) -> None:
    clock = tmp_path / "clock"
    clock.write_text(str(seconds_back))
    program, environment = (*CHEATING, "clock"), {"CRASH_CLOCK": str(clock)}
    with running(file_place, program=program, environment=environment) as server:
        load = writers(file_place, server, "back", after(_BEFORE, lambda: clock.write_text("0")))
        last = writers(file_place, server, "last", at_least=_WRITERS + 1)
        assert server.stop() == 0

    assert load.unanswered == last.unanswered == []
    assert (load.refused + last.refused).keys() <= {412}
    assert len(last.acknowledged) > _WRITERS
    assert faults([load, last], file_place.url) == []
    verify(file_place)


def after_restart(place: Place, *loads: Load) -> None:
    """Start an honest server on what is left, look whether all is true, and whether it is written again."""
    assert faults(loads, place.url) == []
    since = head(place.url)
    with running(place) as server:
        more = writers(place, server, "more")
        assert server.stop() == 0
    assert more.acknowledged
    assert more.refused.keys() <= {412}
    assert faults([more], place.url, since=since) == []
    verify(place)
