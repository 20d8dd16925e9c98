"""Power cuts at random moments of a journal of the disk: what is left always has every acknowledged write.

The log is copied into the database all the time here, so that a cut in the midst of that is among them.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from stanchion.store import SQLiteStore
from stanchion.store.verify import verify
from tests.crash.disk import DATABASE, LOG, SYNCED, WRITE, journal_bytes
from tests.crash.judgement import faults
from tests.crash.killing import CHEATING
from tests.crash.notebook import Load
from tests.crash.power import LUCK, Cut, cut_at, records
from tests.crash.writers import write
from tests.serving.place import TENANT, Place
from tests.serving.process import running

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("goes between SQLite and its disk")]
CUTS = 60
WRITES = 200


def test_a_power_cut_loses_nothing_that_was_acknowledged(
    file_place: Place, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    load, found = cut_again_and_again(file_place, tmp_path, "disk,busy")

    figures = f"{CUTS} power cuts, {len(load.acknowledged)} acknowledged writes"
    record_property("figures", figures)
    print(figures)  # noqa: T201 (figures are for people)
    assert found == {}
    assert len(load.acknowledged) > WRITES
    # The journal has what it must have: copying into the database, and syncs of both files.
    seen = Counter((record.kind, record.file) for record in records(tmp_path / "disk" / "journal"))
    assert all(seen[kind, file] > 3 for kind in (WRITE, SYNCED) for file in (DATABASE, LOG)), seen


def test_a_build_that_does_not_wait_for_the_disk_is_found_out(file_place: Place, tmp_path: Path) -> None:
    _, found = cut_again_and_again(file_place, tmp_path, "disk,busy,unsynced")

    assert any("acknowledged and lost" in fault for each in found.values() for fault in each)


def cut_again_and_again(place: Place, folder: Path, alterations: str) -> tuple[Load, dict[Cut, list[str]]]:
    """Let writers write to a disk with a journal, cut the power in it, and return what is untrue afterwards."""
    disk, chance, before = folder / "disk", random.Random(), place.database.read_bytes()
    disk.mkdir()
    program, environment = (*CHEATING, alterations), {"CRASH_DISK": str(disk)}
    with running(place, program=program, environment=environment) as server:
        began = journal_bytes(disk)
        load = asyncio.run(
            write(
                place,
                server.port,
                name="cut",
                seconds=3,
                position=lambda: journal_bytes(disk),
                enough=lambda notes: notes.acknowledged > WRITES,
            )
        )
        ended = journal_bytes(disk)
    cuts = [Cut(chance.randrange(began, ended), LUCK[number % len(LUCK)]) for number in range(CUTS)]
    found = {}
    for cut, database, log in cut_at(records(disk / "journal"), cuts, database=before, chance=chance):
        left = folder / "left" / "stanchion.db"
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(database)
        Path(f"{left}-wal").write_bytes(log)
        Path(f"{left}-shm").unlink(missing_ok=True)
        if wrong := broken(left) or faults([load.as_known_at(cut.position)], left):
            found[cut] = wrong
    return load, found


def broken(database: Path) -> list[str]:
    """Open a database as a server does when it starts, and walk its chain."""
    try:
        store = SQLiteStore.open(database, create=False)
        try:
            verify(store, TENANT, head=None)
        finally:
            store.close_now()
    except Exception as error:  # noqa: BLE001 (whatever it is, the database is not as it must be)
        return [f"the store does not open: {error}"]
    return []
