"""Looking at a database without writing: on a copy, beside a writer, on damage."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stanchion.errors import OperatorError
from stanchion.store import STORE_CHAIN, SQLiteStore
from stanchion.store.file_inspection import inspect_file
from stanchion.store.tables import HEAD_REVISION
from tests.serving.mounting import small_disk
from tests.store.commands import OTHER_TENANT, TENANT, control, put

pytestmark = pytest.mark.sqlite("is about the file and its log, looked at without writing")


def test_nothing_is_written_where_nobody_else_writes(path: Path, template_file: Path) -> None:
    shutil.copy(template_file, path)
    before = path.read_bytes()

    with inspect_file(path) as seen:
        assert seen.store.revision() == HEAD_REVISION
        assert [row.tenant_id for row in seen.store.tenants()] == [TENANT, OTHER_TENANT]
        assert seen.faults(thorough=True, seconds=None) == []
        assert seen.uses_wal()
        assert seen.store.verify(STORE_CHAIN).changes == 1
        assert not seen.was_written
        assert list(path.parent.iterdir()) == [path]

    assert path.read_bytes() == before


def test_what_a_running_server_has_not_folded_into_the_file_is_seen(store: SQLiteStore) -> None:
    store.run(put(control("c1")))
    log = Path(f"{store.path}-wal")
    before = log.stat()

    with inspect_file(store.path) as seen:
        assert seen.store.verify(TENANT).entities == 1
        assert seen.store.last_change_ticks(TENANT) is not None

    assert (log.stat().st_size, log.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_the_log_of_a_killed_server_is_read_and_stays(store: SQLiteStore, tmp_path: Path) -> None:
    store.run(put(control("c1")))
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (store.path, Path(f"{store.path}-wal")):
        shutil.copy(file, copy)

    with inspect_file(copy / store.path.name) as seen:
        assert seen.store.verify(TENANT).entities == 1

    assert (copy / f"{store.path.name}-wal").stat().st_size > 0


def test_a_copy_on_a_disk_that_cannot_be_written_is_read(template_file: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kibibytes=2048) as disk:
        shutil.copy(template_file, disk.folder)
        # An empty log is what a server leaves beside a file that was copied while it ran.
        Path(f"{disk.folder / template_file.name}-wal").touch()
        disk.make_read_only()
        with inspect_file(disk.folder / template_file.name) as seen:
            assert len(seen.store.tenants()) == 2


def test_a_log_that_cannot_be_read_on_its_disk_says_where_it_can(store: SQLiteStore, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kibibytes=2048) as disk:
        store.run(put(control("c1")))
        for file in (store.path, Path(f"{store.path}-wal")):
            shutil.copy(file, disk.folder)
        disk.make_read_only()
        with (
            pytest.raises(OperatorError, match="copy both to a folder that can be written"),
            inspect_file(disk.folder / store.path.name),
        ):
            pass


def test_somebody_who_writes_meanwhile_is_noticed(path: Path, template_file: Path) -> None:
    shutil.copy(template_file, path)
    with inspect_file(path) as seen:
        store = SQLiteStore.open(path)
        store.run(put(control("c1")))
        store.close_now()
        assert seen.was_written


def test_an_older_schema_is_told_and_left(path: Path, template_file: Path) -> None:
    shutil.copy(template_file, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    with inspect_file(path) as seen:
        assert seen.store.revision() == "0001"
    with inspect_file(path) as seen:
        assert seen.store.revision() == "0001"


def test_pages_that_are_damaged_are_told(path: Path, template_file: Path) -> None:
    data = bytearray(template_file.read_bytes())
    data[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    path.write_bytes(data)

    with inspect_file(path) as seen:
        try:
            faults = seen.faults(thorough=False, seconds=None)
        except OperatorError as error:
            faults = [error.message]
    assert faults


def test_looking_at_pages_ends_when_its_time_is_over(store: SQLiteStore) -> None:
    store.run(put(control("c1", remediation="long " * 200_000)))

    with inspect_file(store.path) as seen:
        assert seen.faults(thorough=True, seconds=-1.0) in (None, [])


def test_an_empty_file_has_no_schema_and_stays_empty(path: Path) -> None:
    path.touch()

    with inspect_file(path) as seen:
        assert seen.store.revision() is None
    assert path.read_bytes() == b""


def test_a_file_that_is_no_database_is_told_in_a_sentence(path: Path) -> None:
    path.write_bytes(b"not a database, and longer than a header of one" * 10)

    with pytest.raises(OperatorError, match="is damaged or not a SQLite database"), inspect_file(path):
        pass


def test_a_database_that_is_not_there_is_not_made(path: Path) -> None:
    with pytest.raises(OperatorError, match="does not exist"), inspect_file(path):
        pass
    with pytest.raises(OperatorError, match="is not a file"), inspect_file(path.parent):
        pass
    assert not path.exists()
