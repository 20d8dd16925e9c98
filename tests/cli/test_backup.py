"""`stanchion backup`: what it holds, where it may go, and what it refuses without leaving anything."""

import os
import resource
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from stanchion.store import STORE_CHAIN
from tests.cli.conftest import Run
from tests.cli.invoking import invoke, printed, refusal
from tests.cli.ledger import decide
from tests.serving.place import CONTROLS, OTHER_TENANT, TENANT, Place, control_id

_NOBODY = 65534


def test_a_backup_tells_what_it_holds_and_heads_that_the_store_has(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    told = printed(run("backup", file, "--json"))

    heads = {each["tenant"]: each["head"] for each in told["tenants"]}
    assert list(heads) == [STORE_CHAIN, TENANT, OTHER_TENANT]
    for tenant, head in heads.items():
        assert printed(run("verify", "--tenant", tenant, "--json"))["head"] == head
    entities = {each["tenant"]: each["entities"] for each in told["tenants"]}
    assert entities[TENANT] > CONTROLS
    assert told["bytes"] == file.stat().st_size
    assert told["key_file"]


def test_people_are_told_that_the_key_file_is_not_in_it(run: Run, tmp_path: Path, place: Place) -> None:
    result = run("backup", tmp_path / "backup.db")

    assert result.exit_code == 0
    assert "verified: 2 tenants" in result.stdout
    assert str(place.key_file) in result.stderr


def test_a_backup_is_one_file_that_its_owner_alone_can_read(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    printed(run("backup", folder / "backup.db", "--json"))

    assert [file.name for file in folder.iterdir()] == ["backup.db"]
    assert stat.S_IMODE((folder / "backup.db").stat().st_mode) == 0o600


def test_a_backup_goes_beside_a_store_that_is_open_and_written(
    run: Run, place: Place, tmp_path: Path
) -> None:
    with place.opened():
        decide(place, 0, comment="before", state="Ignored")
        printed(run("backup", tmp_path / "backup.db", "--json"))
        decide(place, 1, comment="after", state="Ignored")

    restored = f"sqlite:///{tmp_path / 'restored.db'}"
    printed(invoke("restore", tmp_path / "backup.db", "--database", restored, "--json"))
    with closing(sqlite3.connect(tmp_path / "restored.db")) as connection:
        found = connection.execute("SELECT DISTINCT control_id FROM decisions").fetchall()
    assert found == [(control_id(0),)]


def test_a_file_that_exists_is_replaced_only_where_it_is_asked_for(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_text("precious")

    assert "--replace" in refusal(run("backup", file))
    assert file.read_text() == "precious"
    printed(run("backup", file, "--replace", "--json"))
    assert file.read_bytes().startswith(b"SQLite format 3")


def test_a_backup_is_no_store_for_other_commands(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    printed(run("backup", file, "--json"))

    for command in (("tenant", "list"), ("verify", "--tenant", TENANT), ("backup", tmp_path / "again.db")):
        assert "is a backup" in refusal(invoke(*command, "--database", f"sqlite:///{file}"))
    assert not (tmp_path / "again.db").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing/backup.db", "is not a directory"),
        (".", "is a directory"),
        ("file/backup.db", "is not a directory"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(run: Run, tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "file").touch()

    assert told in refusal(run("backup", tmp_path / name))


@pytest.mark.sqlite("the database is a file")
def test_the_database_itself_is_no_place_for_its_backup(run: Run, place: Place) -> None:
    before = place.database.read_bytes()

    assert "is the database itself" in refusal(run("backup", place.database, "--replace"))
    assert place.database.read_bytes() == before


def test_a_disk_that_is_full_in_the_middle_leaves_nothing(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    with _largest_file(300_000):
        line = refusal(run("backup", folder / "backup.db"))

    assert "nothing was made" in line
    assert list(folder.iterdir()) == []
    printed(run("backup", folder / "backup.db", "--json"))


def test_a_folder_that_may_not_be_written_is_refused(run: Run, place: Place) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with _not_root(place.folder):
            line = refusal(run("backup", folder / "backup.db"))
        assert "cannot be" in line
        assert list(folder.iterdir()) == []


def test_an_entity_that_was_altered_is_named_and_makes_no_backup(
    run: Run, place: Place, tmp_path: Path
) -> None:
    place.at.execute("UPDATE secure_scores SET max_score = 49 WHERE tenant_id = $1", TENANT)

    assert "secureScores/" in refusal(run("backup", tmp_path / "backup.db"))
    assert not (tmp_path / "backup.db").exists()


@pytest.mark.sqlite("pages of a file are damaged")
def test_a_damaged_database_makes_no_backup(run: Run, place: Place, tmp_path: Path) -> None:
    with place.database.open("r+b") as file:
        file.seek(place.database.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 8192)

    assert "is damaged" in refusal(run("backup", tmp_path / "backup.db"))
    assert list(tmp_path.glob("*backup*")) == []


@pytest.mark.sqlite("PostgreSQL must have the present schema")
def test_a_store_of_an_earlier_schema_is_backed_up_as_it_is_and_restored(
    run: Run, place: Place, tmp_path: Path
) -> None:
    later = {"clients": ("certificates", "tokens_from_ticks"), "tenants": ("erased_ticks", "erased_sequence")}
    for table, columns in later.items():
        for column in columns:
            place.at.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    place.at.execute("UPDATE alembic_version SET version_num = '0003'")
    told = printed(run("backup", tmp_path / "backup.db", "--json"))
    restored = f"sqlite:///{tmp_path / 'restored.db'}"
    printed(invoke("restore", tmp_path / "backup.db", "--database", restored, "--json"))

    assert told["schema"] == "0003"
    assert len(told["tenants"]) == 3
    assert [file.name for file in tmp_path.glob(".*")] == []
    assert len(printed(invoke("tenant", "list", "--database", restored, "--json"))) == 2


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that is full."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


@contextmanager
def _not_root(folder: Path) -> Iterator[None]:
    """Work under an account that may not do everything, but may use a folder."""
    if os.geteuid() != 0:
        yield
        return
    for each in (folder, *folder.parents):
        if each.stat().st_uid == 0 and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o755)
    for file in (folder, *folder.rglob("*")):
        os.chown(file, _NOBODY, -1)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
