"""Opening a database: what can be wrong with the file, and one clear line for each."""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from stanchion.errors import OperatorError, ServiceUnavailable
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store import SQLiteStore
from stanchion.store.connection import database_path
from stanchion.store.verify import verify
from tests.conftest import Statements
from tests.store.commands import TENANT, control, put
from tests.store.conftest import closing_now

pytestmark = pytest.mark.sqlite("is about what can be wrong with a file")

NOBODY = 65534
ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///stanchion.db", "stanchion.db"),
        ("sqlite:////var/lib/stanchion.db", "/var/lib/stanchion.db"),
        ("odd name?#%41.db", "odd name?#%41.db"),
    ],
)
def test_a_url_or_a_path_names_the_file(text: str, path: str) -> None:
    assert database_path(text) == Path(path)


@pytest.mark.parametrize(
    "url", ["postgresql://localhost/stanchion", "sqlite://", "sqlite:///:memory:", "sqlite:///", "http://x/y"]
)
def test_a_url_of_anything_else_is_refused(url: str) -> None:
    with pytest.raises(OperatorError, match="names no database of this version"):
        database_path(url)


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "odd name?#%41.db"
    SQLiteStore.open(path).close_now()
    assert path.exists()


def test_a_file_that_does_not_exist_is_made_only_when_asked(path: Path) -> None:
    with pytest.raises(OperatorError, match="does not exist"):
        SQLiteStore.open(path, create=False)
    assert not path.exists()


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="nowhere is not a directory"):
        SQLiteStore.open(tmp_path / "nowhere" / "a.db")


@pytest.mark.parametrize(
    ("name", "reason"), [("x" * 300, "File name too long"), (f"{'x' * 300}/s.db", "File name too long")]
)
def test_a_path_that_cannot_be_followed_is_refused_with_the_reason(
    tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(OperatorError, match=f"cannot be opened: {reason}"):
        SQLiteStore.open(tmp_path / name)


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="is a directory"):
        SQLiteStore.open(tmp_path)


@pytest.mark.parametrize(
    "content", [b"This is not a database. " * 100, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(OperatorError, match="damaged or not a SQLite database"):
        SQLiteStore.open(path)
    assert path.read_bytes() == content


def test_a_damaged_page_is_reported_and_nothing_crashes(store: SQLiteStore, path: Path) -> None:
    store.run(put(control("c1")))
    store.close_now()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(OperatorError, match="damaged"):
        SQLiteStore.open(path)


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(OperatorError, match="another program"):
        SQLiteStore.open(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("songs",)]


def test_a_schema_of_a_newer_stanchion_is_refused(store: SQLiteStore, path: Path) -> None:
    store.close_now()
    with closing(sqlite3.connect(path, isolation_level=None)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(OperatorError, match=r"made by a newer Stanchion \(schema 0999"):
        SQLiteStore.open(path)


def test_a_database_of_the_present_schema_opens_without_alembic(store: SQLiteStore) -> None:
    store.close_now()
    code = """
        import sys
        from stanchion.store import SQLiteStore
        SQLiteStore.open(sys.argv[1]).close_now()
        assert "alembic" not in sys.modules and "asyncpg" not in sys.modules
    """
    result = python(code, store.path)
    assert (result.stderr, result.returncode) == ("", 0)


def test_several_that_open_a_new_database_at_once_share_one_store(path: Path) -> None:
    code = """
        import sys
        from stanchion.store import SQLiteStore
        store = SQLiteStore.open(sys.argv[1])
        print(store.store_id)
        store.close_now()
    """
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: python(code, path), range(3)))
    assert [result.stderr for result in results] == [""] * 3
    assert len({result.stdout for result in results}) == 1


@as_root
def test_a_file_that_may_not_be_written_is_refused(store: SQLiteStore, path: Path) -> None:
    store.close_now()
    code = """
        import os, sys
        from stanchion.errors import OperatorError
        from stanchion.store import SQLiteStore
        os.setuid(int(sys.argv[2]))
        try:
            SQLiteStore.open(sys.argv[1])
        except OperatorError as error:
            print(error)
    """
    for parent in path.parents[:4]:
        if parent.stat().st_uid == os.geteuid() and str(parent) != "/tmp":  # noqa: S108
            parent.chmod(0o755)
    path.chmod(0o444)
    result = python(code, path, NOBODY)
    assert "cannot be written by this account" in result.stdout


@as_root
def test_a_file_on_a_read_only_file_system_is_refused(small_disk: Path, template_file: Path) -> None:
    path = small_disk / "stanchion.db"
    shutil.copy(template_file, path)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(OperatorError, match="cannot be written"):
        SQLiteStore.open(path)


def test_a_locked_database_is_unavailable_and_nobody_waits_for_ever(store: SQLiteStore, path: Path) -> None:
    store._writer.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(ServiceUnavailable, match="locked by another process"):
            store.run(put(control("c1")))
    assert store.run(put(control("c1"))).id == "c1"


def test_a_database_that_is_full_refuses_and_recovers(store: SQLiteStore) -> None:
    ((pages,),) = store._writer.execute("PRAGMA page_count").fetchall()
    store._writer.execute(f"PRAGMA max_page_count = {pages + 8}")
    with pytest.raises(ServiceUnavailable, match="disk of the database is full"):
        store.run(put(control("big", remediation=os.urandom(200_000).hex())))
    assert store.run(put(control("small"))).id == "small"
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.run(put(control("big", remediation=os.urandom(200_000).hex())))
    assert verify(store, TENANT, head=None).entities == 2
    assert store.healthy


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    yield disk
    subprocess.run(["umount", disk], check=True)


@as_root
def test_a_full_disk_refuses_and_loses_nothing(small_disk: Path, template_file: Path) -> None:
    path = small_disk / "stanchion.db"
    shutil.copy(template_file, path)
    kept = 0

    def fill(store: SQLiteStore) -> None:
        nonlocal kept
        while True:
            store.run(put(control(f"c{kept}", remediation=os.urandom(20_000).hex())))
            kept += 1

    with closing_now(SQLiteStore.open(path)) as store:
        with pytest.raises(ServiceUnavailable, match="disk of the database"):
            fill(store)
        assert kept > 0
        assert verify(store, TENANT, head=None).entities == kept
    with closing_now(SQLiteStore.open(path)) as again:
        assert verify(again, TENANT, head=None).entities == kept


def test_a_disk_that_fails_at_commit_stops_the_writer_and_keeps_what_was_answered(
    store: SQLiteStore, path: Path
) -> None:
    """A limit on file size makes the kernel refuse the write-ahead log, as a broken disk would."""
    code = """
        import asyncio, os, resource, signal, sys
        from stanchion.errors import StanchionError
        from stanchion.store import SQLiteStore
        from tests.store.commands import control, put
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        async def main():
            store = SQLiteStore.open(sys.argv[1], serving=True)
            await store.submit(put(control("kept")))
            limit = os.path.getsize(sys.argv[1] + "-wal") + 8192
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            for id in ("lost", "refused"):
                try:
                    await store.submit(put(control(id, remediation=os.urandom(50_000).hex())))
                except StanchionError as error:
                    print(id, type(error).__name__, store.healthy)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            await store.close()

        asyncio.run(main())
    """
    result = python(code, path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "lost OutcomeUnknown False",
        "refused ServiceUnavailable False",
    ]
    with store.snapshot(TENANT) as moment:
        assert [stored.id for stored in moment.entities(CONTROL_PROFILES)] == ["kept"]
    assert verify(store, TENANT, head=None).entities == 1


def test_every_connection_writes_through_to_the_disk(store: SQLiteStore, statements: Statements) -> None:
    answers = [store._writer.execute(f"PRAGMA {name}").fetchall() for name in ("journal_mode", "synchronous")]
    assert answers == [[("wal",)], [(2,)]]
    assert store._writer.execute("PRAGMA foreign_keys").fetchall() == [(1,)]
    assert statements.ran
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._reader.execute("DELETE FROM meta")


def test_a_store_that_lost_its_facts_is_refused(store: SQLiteStore, path: Path) -> None:
    store.close_now()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM meta WHERE key = 'link_key'")
    with pytest.raises(OperatorError, match="lost facts of its store"):
        SQLiteStore.open(path)
