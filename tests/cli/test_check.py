"""`stanchion check`: each thing that can be wrong is a line that says so, and nothing is written."""

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from stanchion.access.operator import add_tenant
from stanchion.cli.check import SHOWN_OF_A_CHECK
from stanchion.cli.checks.machine import check_disk
from stanchion.store import STORE_CHAIN, SQLiteStore
from stanchion.store.tables import HEAD_REVISION
from tests.cli.checking import amiss, check, only
from tests.cli.invoking import invoke
from tests.serving.mounting import small_disk
from tests.serving.place import OPERATOR, OTHER_TENANT, TENANT, Place
from tests.serving.process import running

pytestmark = pytest.mark.sqlite("is about the file; the same on PostgreSQL is in test_check_postgresql")

TICKS_PER_SECOND = 10_000_000
CHECKS = (
    "configuration",
    "certificate",
    "disk",
    "server",
    "database",
    "schema",
    "key file",
    "clock",
    "issuers",
    "apps",
    "retention",
    "chain",
    "chain",
    "chain",
)


def state(folder: Path) -> dict[str, str]:
    """Return every file of a folder with the digest of what is in it."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@contextmanager
def opened(place: Place) -> Iterator[SQLiteStore]:
    """Open the store of a place."""
    with place.opened() as store:
        assert isinstance(store, SQLiteStore)
        yield store


def execute(place: Place, statement: str, *parameters: object) -> None:
    """Change a store behind its back; the statement must hit something."""
    with closing(sqlite3.connect(place.database, isolation_level=None)) as connection:
        assert connection.execute(statement, parameters).rowcount > 0


@pytest.mark.parametrize("full", [(), ("--full",)], ids=["sampled", "full"])
def test_a_store_that_is_well_is_told_so_and_not_touched(place: Place, full: tuple[str, ...]) -> None:
    before = state(place.folder)

    result, lines = check(place, *full)

    assert result.exit_code == 0
    assert amiss(lines) == []
    assert tuple(line.check for line in lines) == CHECKS
    assert [line.subject for line in lines if line.check == "chain"] == [STORE_CHAIN, TENANT, OTHER_TENANT]
    assert state(place.folder) == before


def test_people_see_a_line_for_each_check(place: Place) -> None:
    result = invoke("check", *place.options)

    assert result.exit_code == 0
    assert [line[:24].split("  ")[0] for line in result.stdout.splitlines()] == ["ok"] * len(CHECKS)
    assert "ok       schema         The schema is" in result.stdout


def test_a_running_server_is_told_and_not_disturbed(place: Place) -> None:
    with running(place) as server, server.client(place.token) as client:
        _, lines = check(place, "--full")
        assert client.get("/v1.0/security/secureScores").status_code == 200

    assert amiss(lines) == []
    (serving,) = [line.finding for line in lines if line.check == "server"]
    assert serving == f"Process {server.process.pid} serves the database."


def test_a_database_that_is_not_there_is_one_failure_and_is_not_made(tmp_path: Path) -> None:
    database = tmp_path / "new.db"

    _, lines = check(None, "--database", f"sqlite:///{database}")

    assert amiss(lines)[0] == (
        "database",
        "failed",
        f"{database} does not exist; the first start of the server makes it, or --database names another.",
    )
    assert [status for _, status, _ in amiss(lines)[1:]] == ["warning"] * 7
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    _, lines = check(None, "--database", f"sqlite:///{tmp_path}/no/new.db")

    assert ("disk", "failed") in [(name, status) for name, status, _ in amiss(lines)]


def test_a_path_that_cannot_be_followed_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop.db").symlink_to("loop.db")

    for name, reason in (("loop.db", "Too many levels of symbolic links"), ("x" * 300, "File name too long")):
        path = tmp_path / name
        _, lines = check(None, "--database", f"sqlite:///{path}")
        assert ("database", "failed", f"{path} cannot be read: {reason}.") in amiss(lines)
        assert not [text for _, _, text in amiss(lines) if "could not be checked" in text]


@pytest.mark.parametrize(
    "content",
    [b"", b"no database" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000],
    ids=["empty", "text", "damaged header"],
)
def test_a_file_that_is_no_database_fails_in_lines(place: Place, content: bytes) -> None:
    place.database.write_bytes(content)

    _, lines = check(place)

    assert "failed" in {status for _, status, _ in amiss(lines)}
    assert {line.check for line in lines} == set(CHECKS)
    assert place.database.read_bytes() == content


def test_damaged_pages_fail_in_lines(place: Place) -> None:
    data = bytearray(place.database.read_bytes())
    for page in range(2, len(data) // 4096, 3):
        data[page * 4096 + 100 : page * 4096 + 2000] = b"\xa5" * 1900
    place.database.write_bytes(data)

    for full in ((), ("--full",)):
        _, lines = check(place, *full)
        assert ("database", "failed") in [(name, status) for name, status, _ in amiss(lines)]


def test_a_file_without_a_page_in_order_says_what_to_do(place: Place) -> None:
    data = place.database.read_bytes()
    place.database.write_bytes(data[:200] + b"\xa5" * (len(data) - 200))

    _, lines = check(place)

    assert amiss(lines)[0][:2] == ("database", "failed")
    assert "; restore a backup, or name another file with --database." in amiss(lines)[0][2]


def test_of_many_tenants_that_are_well_people_see_some_and_scripts_all(place: Place) -> None:
    with opened(place) as store:
        for number in range(40):
            add_tenant(store, f"{number:08x}-0000-4000-8000-000000000000", name="N", actor=OPERATOR)
    execute(place, "UPDATE changes SET hash = zeroblob(32) WHERE tenant_id LIKE '00000027%'")

    _, lines = check(place)
    told = [line for line in invoke("check", *place.options).stdout.splitlines() if " chain " in line]

    assert len([line for line in lines if line.check == "chain"]) == 43
    assert [line.split()[0] for line in told] == ["ok"] * SHOWN_OF_A_CHECK + ["failed", "ok"]
    assert told[-1] == "ok       chain          22 more are well too; --json has them all."
    assert "00000027-0000-4000-8000-000000000000: Change 1 of" in told[-2]


def test_an_older_schema_is_a_warning_and_stays(place: Place) -> None:
    execute(place, "UPDATE alembic_version SET version_num = '0001'")

    result, lines = check(place)

    assert result.exit_code == 0
    name, status, said = amiss(lines)[0]
    assert (name, status) == ("schema", "warning")
    assert said.startswith(f"The schema is 0001 and this version has {HEAD_REVISION}: back the database up")
    assert [name for name, _, _ in amiss(lines)[1:]] == [
        "key file",
        "clock",
        "issuers",
        "apps",
        "retention",
        "chain",
    ]


def test_a_newer_schema_fails(place: Place) -> None:
    execute(place, "UPDATE alembic_version SET version_num = '9999'")

    _, lines = check(place)

    assert "was made by a newer Stanchion (schema 9999" in amiss(lines)[0][2]


def test_a_file_without_a_write_ahead_log_is_a_warning(place: Place) -> None:
    with closing(sqlite3.connect(place.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()

    _, lines = check(place)

    assert "has no write-ahead log" in only(lines)


@pytest.mark.parametrize(
    ("ahead_seconds", "status", "said"),
    [
        (1, "ok", "after the newest change."),
        (50, "warning", "seconds ahead; set the clock, or wait."),
        (3 * 3600 + 115, "failed", "is 3 hours and 1 minutes ahead; set the clock before more is written."),
        (
            400 * 86_400 + 1800,
            "failed",
            "is 400 days and 0 hours ahead; set the clock before more is written.",
        ),
    ],
)
def test_a_change_of_the_future_says_that_the_clock_stepped_back(
    place: Place, ahead_seconds: int, status: str, said: str
) -> None:
    ticks = time.time_ns() // 100 + ahead_seconds * TICKS_PER_SECOND
    execute(
        place,
        "UPDATE changes SET time_ticks = ? WHERE tenant_id = ? AND sequence ="
        " (SELECT max(sequence) FROM changes WHERE tenant_id = ?)",
        ticks,
        OTHER_TENANT,
        OTHER_TENANT,
    )

    _, lines = check(place)

    (found,) = [line for line in lines if line.check == "clock"]
    assert found.status == status
    assert found.finding.endswith(said)
    assert status == "ok" or f"the newest change of {OTHER_TENANT}" in found.finding


def test_a_key_file_that_is_missing_fails(place: Place) -> None:
    place.key_file.unlink()

    _, lines = check(place)

    assert "stanchion.db.key is missing" in only(lines)
    assert not place.key_file.exists()


@pytest.mark.parametrize(
    ("mode", "status", "said"),
    [
        (0o644, "failed", "Every account can read the key file"),
        (0o640, "warning", "can use it (mode 0640); `chmod 600` it."),
    ],
)
def test_a_key_file_that_others_can_read_is_told(place: Place, mode: int, status: str, said: str) -> None:
    place.key_file.chmod(mode)

    _, lines = check(place)

    assert amiss(lines)[0][:2] == ("key file", status)
    assert said in only(lines)


def test_a_key_file_of_another_store_fails(place: Place) -> None:
    place.key_file.write_text("00" * 32)

    _, lines = check(place)

    assert "The key file is not the one that sealed this store's signing key." in only(lines)


def test_a_retired_key_need_not_be_opened(place: Place) -> None:
    place.key_file.unlink()
    assert invoke("key", "rotate", *place.options).exit_code == 0

    _, lines = check(place)

    assert amiss(lines) == []


def test_a_tenant_whose_history_was_altered_fails_alone(place: Place) -> None:
    execute(place, "UPDATE changes SET hash = zeroblob(32) WHERE tenant_id = ? AND sequence = 1", TENANT)

    for full in ((), ("--full",)):
        _, lines = check(place, *full)
        assert [line.status for line in lines if line.check == "chain"] == ["ok", "failed", "ok"]
        assert f"Change 1 of {TENANT} does not match its hash. Keep this file as it is" in only(lines)


def test_a_check_that_fails_by_itself_does_not_keep_the_others_from_being_made(place: Place) -> None:
    execute(place, "UPDATE signing_keys SET sealed_private_key = 7")
    execute(place, "UPDATE tenants SET sequence = 'many' WHERE tenant_id = ?", TENANT)

    _, lines = check(place)

    assert tuple(line.check for line in lines)[:9] == CHECKS[:9]
    assert {name for name, _, _ in amiss(lines)} == {"key file", "chain"}


def test_a_copy_that_cannot_be_written_is_looked_at_whole(place: Place, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kibibytes=4096) as disk:
        copy = place.copied_to(disk.folder)
        disk.make_read_only()
        _, lines = check(copy)

    assert ("disk", "failed") in [(name, status) for name, status, _ in amiss(lines)]
    assert "is read-only" in amiss(lines)[0][2]
    assert {name for name, _, _ in amiss(lines)} == {"disk"}


def test_a_disk_with_little_room_fails(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", kibibytes=4096) as disk:
        (found,) = check_disk(disk.folder / "stanchion.db")

    assert found.status == "failed"
    assert found.text.endswith("make room.")


def test_an_issuer_that_does_not_answer_fails(place: Place) -> None:
    added = invoke(
        "issuer",
        "add",
        "https://localhost:9/realms/x",
        "--audience",
        "api://stanchion",
        "--tenant",
        TENANT,
        "--keys-url",
        "https://localhost:9/realms/x/keys",
        "--database",
        place.url,
    )
    assert added.exit_code == 0, added.output

    _, lines = check(place)

    (found,) = [line for line in lines if line.check == "issuers"]
    assert (found.status, found.subject) == ("failed", "https://localhost:9/realms/x")
    assert "https://localhost:9/realms/x/keys cannot be reached" in found.finding
