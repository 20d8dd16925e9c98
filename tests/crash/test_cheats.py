"""The harness itself is tested: a build that cheats is found out, each in the words of what it does.

A kill may come where a cheat has just done nothing wrong: it is killed again, a few times at most.
What an honest build must bear, such as batches that fail in their midst, is not taken for a cheat.
"""

import asyncio
from pathlib import Path

import pytest

from tests.crash.convergence import wrong_etags
from tests.crash.judgement import faults
from tests.crash.killing import CHEATING, kill_group, killed_under_load, verify
from tests.crash.notebook import Load, Notebook, read_notes
from tests.crash.operations import Written
from tests.crash.writers import write
from tests.serving.place import Place
from tests.serving.process import running

pytestmark = pytest.mark.slow
# Each is found out by the first or second kill, on a slow machine too.
_KILLS, _WRITES = 5, 500


@pytest.mark.parametrize(
    ("cheat", "found"),
    [
        ("early", "acknowledged and lost"),
        ("half", "is not what the chain says"),
        ("twice", "written more than once"),
        ("unrecorded", "is missing before"),
        ("unrecorded", "acknowledged and lost"),
        ("stale", "which it is not"),
        ("careless", "written on another"),
    ],
)
def test_a_build_that_cheats_is_found_out(file_place: Place, cheat: str, found: str) -> None:
    loads: list[Load] = []
    faulty: list[str] = []
    while not any(found in fault for fault in faulty):
        assert len(loads) < _KILLS, faulty
        name = f"{cheat}-{len(loads)}"
        with running(file_place, program=(*CHEATING, cheat)) as server:
            loads.append(killed_under_load(server, file_place, kill_group, name=name, acknowledged=_WRITES))
        faulty = faults(loads, file_place.url)


def test_the_etags_that_a_cheat_tells_are_found_out_by_reading(file_place: Place) -> None:
    with running(file_place, program=(*CHEATING, "stale")) as server:
        asyncio.run(write(file_place, server.port, name="stale", seconds=2))
        with server.client(file_place.token) as client:
            assert any("has the ETag" in wrong for wrong in wrong_etags(client, file_place.url, since=0))


def test_batches_that_fail_in_their_midst_leave_nothing_and_are_refused(file_place: Place) -> None:
    with running(file_place, program=(*CHEATING, "failing")) as server:
        load = asyncio.run(
            write(
                file_place,
                server.port,
                name="failing",
                seconds=4,
                enough=lambda notes: notes.acknowledged > _WRITES and notes.refused[503] > 0,
            )
        )
        assert server.ready()
        assert server.stop() == 0

    assert load.refused[503] > 0
    assert load.unanswered == []
    assert len(load.acknowledged) > load.refused[503]
    assert faults([load], file_place.url) == []
    verify(file_place)


def test_a_notebook_outlives_its_writer(tmp_path: Path) -> None:
    notes = Notebook(tmp_path / "notes")
    wishes = [Written("create", f"user-{number}") for number in range(3)]
    numbers = [notes.attempt(wish) for wish in wishes]
    notes.acknowledge(numbers[0], version=7)
    notes.refuse(numbers[1], status=503)
    with (tmp_path / "notes").open("a") as file:
        file.write('{"number": 4, "att')  # Killed while it wrote.

    load = read_notes(tmp_path / "notes")

    assert [(each.written, each.version) for each in load.acknowledged] == [(wishes[0], 7)]
    assert load.refused == {503: 1}
    assert load.unanswered == [wishes[2]]
