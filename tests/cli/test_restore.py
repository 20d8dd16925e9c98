"""`stanchion restore`: a store made of a backup, with a new epoch; and what it refuses, leaving all as it was."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stanchion.store import STORE_CHAIN
from stanchion.store.bodies import unpack
from stanchion.store.compile import DialectName
from stanchion.store.lock import ServeLock
from tests.cli.conftest import Run
from tests.cli.invoking import invoke, printed, refusal
from tests.cli.ledger import decide
from tests.databases import Database, Databases
from tests.serving.place import TENANT, Place


@pytest.fixture
def backup(run: Run, tmp_path: Path) -> Path:
    """A backup of the test's store."""
    file = tmp_path / "backup.db"
    printed(run("backup", file, "--json"))
    return file


@pytest.fixture
def empty(databases: Databases, dialect: DialectName, tmp_path: Path) -> Iterator[Database]:
    """A database without tables, of the same kind as the test's store."""
    folder = tmp_path / "empty"
    folder.mkdir()
    with databases.new(dialect, folder) as database:
        yield database


def test_a_restored_store_has_all_of_it_and_another_epoch(
    run: Run, backup: Path, empty: Database, place: Place
) -> None:
    shutil.copy(place.key_file, empty.key_file)
    before = printed(run("backup", backup, "--replace", "--json"))
    told = printed(invoke("restore", backup, *empty.options, "--json"))

    assert told["epoch"] != told["former_epoch"] == before["epoch"]
    assert told["store"] == before["store"]
    assert told["tenants"][1:] == before["tenants"][1:]
    for each in told["tenants"]:
        found = printed(invoke("verify", "--tenant", each["tenant"], *empty.options, "--json"))
        assert found["head"] == each["head"]
    token = ("token", "--tenant", TENANT, "--client-id", place.client_id)
    assert invoke(*token, *empty.options).exit_code == 0


def test_the_restore_is_a_change_of_the_stores_own_chain(run: Run, backup: Path, empty: Database) -> None:
    noted = printed(run("verify", "--tenant", STORE_CHAIN, "--json"))["head"]
    told = printed(invoke("restore", backup, *empty.options, "--json"))

    printed(invoke("verify", "--tenant", STORE_CHAIN, "--head", noted, *empty.options, "--json"))
    (detail,) = empty.execute(
        "SELECT detail FROM change_details WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT 1", STORE_CHAIN
    )
    assert json.loads(unpack(detail[0])) == {
        "epoch": told["epoch"],
        "formerEpoch": told["former_epoch"],
        "heads": {each["tenant"]: each["head"] for each in told["tenants"][1:]},
    }


def test_links_of_before_are_signed_by_a_key_that_is_gone(
    backup: Path, empty: Database, place: Place
) -> None:
    printed(invoke("restore", backup, *empty.options, "--json"))

    asked = "SELECT value FROM meta WHERE key = 'link_key'"
    assert empty.execute(asked) != place.at.execute(asked)


def test_a_store_is_replaced_only_where_it_is_asked_for(run: Run, backup: Path, place: Place) -> None:
    decide(place, 0, comment="later", state="Ignored")
    assert "--replace" in refusal(run("restore", backup))
    assert place.at.execute("SELECT count(*) FROM decisions") == [(1,)]

    told = printed(run("restore", backup, "--replace", "--json"))
    assert place.at.execute("SELECT count(*) FROM decisions") == [(0,)]
    if told["kept"]:
        with closing(sqlite3.connect(told["kept"])) as former:
            assert former.execute("SELECT count(*) FROM decisions").fetchall() == [(1,)]


@pytest.mark.sqlite("a file can be damaged")
def test_a_damaged_store_gives_way_with_its_log(run: Run, backup: Path, place: Place) -> None:
    place.database.write_bytes(b"nothing of use")
    log = Path(f"{place.database}-wal")
    log.write_bytes(b"a log of nothing")
    told = printed(run("restore", backup, "--replace", "--json"))

    assert not log.exists()
    assert Path(told["kept"]).read_bytes() == b"nothing of use"
    assert Path(f"{told['kept']}-wal").read_bytes() == b"a log of nothing"
    printed(run("verify", "--tenant", TENANT, "--json"))


@pytest.mark.sqlite("the lock is a file")
def test_a_place_that_is_served_is_left_alone(run: Run, backup: Path, place: Place) -> None:
    lock = ServeLock(place.database)
    try:
        assert "is served by process" in refusal(run("restore", backup, "--replace"))
    finally:
        lock.release()


@pytest.mark.slow
@pytest.mark.sqlite("a command has the file open")
def test_a_place_that_another_process_has_open_is_left_alone(run: Run, backup: Path, place: Place) -> None:
    with place.opened():
        assert "is open in another process" in refusal(run("restore", backup, "--replace"))


@pytest.mark.sqlite("files have owners")
def test_what_takes_the_place_of_a_store_can_be_used_by_those_who_could(
    run: Run, backup: Path, place: Place
) -> None:
    place.database.chmod(0o640)
    printed(run("restore", backup, "--replace", "--json"))

    assert place.database.stat().st_mode & 0o777 == 0o640


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def torn(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2 // 4096 * 4096)
        opened.write(b"\xff" * 8192)


def of_text(file: Path) -> None:
    file.write_text("a letter" * 200)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def of_another_program(file: Path) -> None:
    file.unlink()
    execute(file, "CREATE TABLE things (id INTEGER)")


def of_a_newer_version(file: Path) -> None:
    execute(file, "UPDATE alembic_version SET version_num = '9999'")


def altered(file: Path) -> None:
    execute(file, "UPDATE secure_scores SET max_score = 49")


def lacking_its_facts(file: Path) -> None:
    execute(file, "DELETE FROM meta WHERE key = 'store_id'")


def of_half_a_copy(file: Path) -> None:
    execute(file, "UPDATE meta SET value = 'copy' WHERE key = 'purpose'")


def missing(file: Path) -> None:
    file.unlink()


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def execute(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"/* fleet: test */ {sql}")
        connection.commit()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (truncated, "damaged"),
        (torn, "damaged"),
        (of_text, "not a SQLite database"),
        (emptied, "is empty"),
        (of_another_program, "another program"),
        (of_a_newer_version, "newer Stanchion"),
        (altered, "secureScores/"),
        (lacking_its_facts, "holds no store"),
        (of_half_a_copy, "a copy that was not finished"),
        (missing, "does not exist"),
        (a_folder, "is not a file"),
    ],
)
def test_what_is_no_whole_backup_is_refused_and_leaves_the_store(
    backup: Path, place: Place, spoil: Callable[[Path], None], told: str
) -> None:
    decide(place, 0, comment="later", state="Ignored")
    spoil(backup)

    assert told in refusal(invoke("restore", backup, "--replace", *place.options))
    assert place.at.execute("SELECT count(*) FROM decisions") == [(1,)]
    printed(invoke("verify", "--tenant", TENANT, *place.options, "--json"))


def test_a_key_file_that_is_not_there_is_told_of(backup: Path, empty: Database) -> None:
    result = invoke("restore", backup, *empty.options)

    assert result.exit_code == 0
    assert f"The key file {empty.key_file} is missing" in result.stderr
