"""Real file systems under load: one that fills up, one that is read-only, a folder that may not be written any more.

Mounting needs root; where it is not permitted, the same faults are those of test_faults.py.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.judgement import faults
from tests.crash.killing import kill_group, killed_under_load, verify
from tests.crash.ledger import head
from tests.crash.notebook import Load, Notebook
from tests.crash.writers import write
from tests.serving.mounting import small_disk
from tests.serving.place import Place
from tests.serving.process import STANCHION, Server, running, stanchion

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("goes between SQLite and its disk")]
_SECONDS = 1.5


def test_a_disk_that_fills_up_under_load_loses_nothing_be_the_server_killed_or_not(
    made_place: Place, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", kibibytes=48 * 1024) as disk:
        place = made_place.copied_to(disk.folder)
        with running(place) as server:
            first = load_of(place, server, "space")
            ballast = disk.fill()
            full = load_of(place, server, "full", enough=lambda notes: notes.refused[503] > 0)
            assert full.refused[503] > 0
            assert full.unanswered == []
            assert server.ready()
            ballast.unlink()
            again = load_of(place, server, "again")
            assert again.acknowledged
            ballast = disk.fill()
            killed = killed_under_load(server, place, kill_group, name="killed")
        ballast.unlink()
        restarted(place, first, full, again, killed)


def test_a_store_on_a_read_only_file_system_is_refused_and_whole_afterwards(
    made_place: Place, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", kibibytes=16 * 1024) as disk:
        place = made_place.copied_to(disk.folder)
        with running(place) as server:
            load = killed_under_load(server, place, kill_group, name="before", acknowledged=20)
        disk.make_read_only()
        refused = stanchion("serve", "--database", place.url, folder=tmp_path)

        assert refused.returncode == 1
        assert str(place.folder) in refused.stderr
        assert "Traceback" not in refused.stderr
        whole = tmp_path / "whole"
        whole.mkdir()
        restarted(place.copied_to(whole), load)


def test_a_folder_that_loses_its_permission_under_load_loses_nothing(file_place: Place) -> None:
    program = (*without_privilege(), *STANCHION)
    with running(file_place, program=program) as server:
        before = load_of(file_place, server, "before")
        with not_writable(file_place.folder):
            during = load_of(file_place, server, "during")
            server.destroy()
            refused = stanchion(
                "serve", "--database", file_place.url, folder=file_place.folder, program=program
            )
    assert refused.returncode == 1
    assert str(file_place.folder) in refused.stderr
    assert "Traceback" not in refused.stderr
    restarted(file_place, before, during)


def load_of(
    place: Place, server: Server, name: str, *, enough: Callable[[Notebook], bool] = lambda _: True
) -> Load:
    return asyncio.run(write(place, server.port, name=name, seconds=_SECONDS, writers=16, enough=enough))


def restarted(place: Place, *loads: Load) -> None:
    """Judge what is there, start a server on it, and see that it is written again."""
    assert loads[0].acknowledged
    assert faults(loads, place.url) == []
    since = head(place.url)
    with running(place) as server:
        more = load_of(place, server, "more")
        assert server.stop() == 0
    assert more.acknowledged
    assert faults([more], place.url, since=since) == []
    verify(place)


def without_privilege() -> tuple[str, ...]:
    """Return what runs a command for which permissions count, which for root they do not by themselves."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("Permissions mean nothing to root, and setpriv is not installed.")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@contextmanager
def not_writable(folder: Path) -> Iterator[None]:
    """Take the permission to write a folder from everybody."""
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)
