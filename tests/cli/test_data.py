"""`stanchion export | verify | migrate`: a tenant's data out, and whether it is what it was."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stanchion.store.tables import HEAD_REVISION
from tests.cli.conftest import Run
from tests.cli.invoking import invoke, printed, refusal
from tests.cli.ledger import decide
from tests.serving.place import TENANT, Place, control_id


def test_an_export_of_a_tenant_never_added_makes_no_folder(run: Run, tmp_path: Path) -> None:
    line = refusal(
        run("export", "--tenant", "dddddddd-0000-4000-8000-000000000004", "--to", tmp_path / "out")
    )

    assert "stanchion tenant list" in line
    assert not (tmp_path / "out").exists()


def test_an_export_to_what_is_no_folder_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").touch()

    assert str(tmp_path / "out") in refusal(run("export", "--tenant", TENANT, "--to", tmp_path / "out"))


def test_an_export_that_fails_leaves_no_part_of_a_file(run: Run, tmp_path: Path) -> None:
    for name in ("secureScores", "secureScoreControlProfiles", "userSecurityProfiles"):
        (tmp_path / f"{name}.json").mkdir()

    assert "cannot be written" in refusal(run("export", "--tenant", TENANT, "--to", tmp_path))
    assert not list(tmp_path.glob("*.partial"))


def test_a_whole_chain_verifies_and_an_earlier_head_is_found_in_it(run: Run, place: Place) -> None:
    noted = printed(run("verify", "--tenant", TENANT, "--json"))["head"]
    decide(place, 0, comment="later", state="Ignored")
    later = printed(run("verify", "--tenant", TENANT, "--head", noted, "--json"))

    assert later["changes"] == int(noted.partition(":")[0]) + 1
    assert later["head"] != noted


def test_a_head_that_is_not_in_the_chain_is_refused(run: Run) -> None:
    sequence, _, digest = printed(run("verify", "--tenant", TENANT, "--json"))["head"].partition(":")
    other = digest[::-1]

    assert "not in the chain" in refusal(run("verify", "--tenant", TENANT, "--head", f"{sequence}:{other}"))


@pytest.mark.parametrize("head", ["", "1", "1:zz", "x:" + "a" * 64, "-1:" + "a" * 64])
def test_a_head_that_cannot_be_read_is_a_usage_error(run: Run, head: str) -> None:
    assert run("verify", "--tenant", TENANT, "--head", head).exit_code == 2


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        (
            "UPDATE changes SET record = CAST(replace(record, 'import', 'imp0rt') AS BLOB) WHERE tenant_id = :tenant",
            "Change ",
        ),
        ("UPDATE changes SET hash = hex(hash) WHERE tenant_id = :tenant", "Change 1 "),
        ("UPDATE secure_scores SET body = CAST(body AS TEXT) WHERE tenant_id = :tenant", "secureScores/"),
        ("UPDATE secure_scores SET version = version + 1 WHERE tenant_id = :tenant", "secureScores/"),
        ("DELETE FROM secure_scores WHERE tenant_id = :tenant AND id LIKE '%05'", "2026-01-05"),
        ("UPDATE secure_score_control_profiles SET max_score = 9 WHERE tenant_id = :tenant", control_id(0)),
    ],
)
def test_verify_names_the_place_that_was_altered(run: Run, place: Place, tampering: str, named: str) -> None:
    with closing(sqlite3.connect(place.database)) as connection:
        altered = connection.execute(tampering, {"tenant": TENANT}).rowcount
        connection.commit()

    assert altered > 0
    assert named in refusal(run("verify", "--tenant", TENANT))


def test_verifying_a_tenant_that_is_not_there_is_refused(run: Run) -> None:
    assert "does not exist" in refusal(run("verify", "--tenant", "dddddddd-0000-4000-8000-000000000004"))


def test_migrate_makes_a_store_and_leaves_one_as_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"

    assert invoke("migrate", "--database", url).stdout == "The schema is up to date.\n"
    assert printed(invoke("migrate", "--database", url, "--json")) == {"schema": HEAD_REVISION}
    assert printed(invoke("tenant", "list", "--json", "--database", url)) == []


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "mysql://x/y", "sqlite://relative"])
def test_a_database_that_cannot_be_reached_or_named_is_refused(url: str) -> None:
    refusal(invoke("migrate", "--database", url))
