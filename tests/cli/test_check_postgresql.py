"""`stanchion check` on PostgreSQL: what the server says of itself, and the store in the database."""

import time
from pathlib import Path

import pytest

from stanchion.cli.checks.database import check_server_clock
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.store import STORE_CHAIN, PostgresStore
from stanchion.store.postgresql.inspection import inspect_postgresql
from stanchion.store.tables import HEAD_REVISION
from tests.cli.checking import Line, amiss, check
from tests.cli.invoking import invoke
from tests.serving.place import OTHER_TENANT, TENANT, Place

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="module")

CHECKS = (
    "configuration",
    "certificate",
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


def of_the_store(lines: list[Line]) -> list[tuple[str, str, str]]:
    """Return what is not ok, but for how the server of the tests treats its disk."""
    return [each for each in amiss(lines) if "is off)" not in each[2]]


def told_of(place: Place, setting: str) -> bool:
    """Return whether the report says that a setting of the server is off."""
    _, lines = check(place)
    return any(f"({setting} is off)" in line.finding for line in lines)


@pytest.mark.parametrize("full", [(), ("--full",)], ids=["sampled", "full"])
def test_a_store_that_is_well_is_told_so(place: Place, full: tuple[str, ...]) -> None:
    _, lines = check(place, *full)

    assert of_the_store(lines) == []
    names = list(dict.fromkeys(line.check for line in lines))
    assert names == list(dict.fromkeys(CHECKS))
    assert [line.subject for line in lines if line.check == "chain"] == [STORE_CHAIN, TENANT, OTHER_TENANT]


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_keep_its_promises_is_told(place: Place, setting: str) -> None:
    ((value,),) = place.at.execute(f"SHOW {setting}")

    assert told_of(place, setting) == (value == "off")


def test_a_clock_of_the_database_that_differs_from_ours_is_told(place: Place) -> None:
    with inspect_postgresql(place.url) as server:
        late = time.time_ns() // 100 + 3600 * TICKS_PER_SECOND
        (told,) = check_server_clock(server, now_ticks=lambda: late)
        assert list(check_server_clock(server, now_ticks=lambda: time.time_ns() // 100)) == []

    assert told.status == "warning"
    assert "seconds behind ours" in told.text


def test_a_server_that_nobody_has_asked_yet_is_told_of(place: Place) -> None:
    served = PostgresStore.open(place.url, serving=True)
    try:
        served.tenants()
        _, lines = check(place)
    finally:
        served.close_now()

    assert [line.finding for line in lines if line.check == "server"] == ["1 connection is of a server."]


def test_a_store_that_was_moved_away_is_told_of(place: Place) -> None:
    place.at.execute("INSERT INTO meta (key, value) VALUES ('purpose', 'moved to elsewhere')")

    _, lines = check(place)

    ((name, status, told),) = of_the_store(lines)
    assert (name, status) == ("schema", "warning")
    assert "was moved to elsewhere" in told


def test_a_change_that_was_altered_is_found(place: Place) -> None:
    place.at.execute(
        "UPDATE changes SET record = $1 WHERE tenant_id = $2 AND sequence = 1", b"{}", OTHER_TENANT
    )

    _, lines = check(place)

    ((name, status, told),) = of_the_store(lines)
    assert (name, status) == ("chain", "failed")
    assert "Change 1" in told


def test_a_schema_of_before_is_told_with_the_command_that_mends_it(place: Place) -> None:
    place.at.execute("UPDATE alembic_version SET version_num = '0001'")

    _, lines = check(place)

    told = next(line for line in lines if line.check == "schema")
    assert told.status == "warning"
    assert f"this version has {HEAD_REVISION}" in told.finding
    assert "`stanchion migrate` then brings it up to date" in told.finding


@pytest.mark.usefixtures("dialect")
def test_a_server_that_cannot_be_reached_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    url = "postgresql://someone:geheim@127.0.0.1:1/posture"

    result = invoke("check", "--database", url, "--key-file", tmp_path / "key")

    assert result.exit_code == 1
    assert "The PostgreSQL database posture on 127.0.0.1:1 cannot be used" in result.stdout
    assert "geheim" not in result.output
    assert "Traceback" not in result.output
