"""`stanchion export | verify | migrate`: a tenant's data out, and whether it is what it was."""

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
        ("UPDATE changes SET record = hash WHERE tenant_id = $1", "Change 1 "),
        ("UPDATE changes SET time_ticks = time_ticks + 10 WHERE tenant_id = $1", "Change 1 "),
        ("UPDATE secure_scores SET version = version + 1 WHERE tenant_id = $1", "secureScores/"),
        ("DELETE FROM secure_scores WHERE tenant_id = $1 AND id LIKE '%05'", "2026-01-05"),
        ("UPDATE secure_score_control_profiles SET max_score = 9 WHERE tenant_id = $1", control_id(0)),
    ],
)
def test_verify_names_the_place_that_was_altered(run: Run, place: Place, tampering: str, named: str) -> None:
    place.at.execute(tampering, TENANT)

    assert named in refusal(run("verify", "--tenant", TENANT))


@pytest.mark.sqlite("a column holds a value of any type")
@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        ("UPDATE changes SET hash = hex(hash) WHERE tenant_id = $1", "Change 1 "),
        ("UPDATE secure_scores SET body = CAST(body AS TEXT) WHERE tenant_id = $1", "secureScores/"),
    ],
)
def test_verify_names_the_place_that_has_another_type(
    run: Run, place: Place, tampering: str, named: str
) -> None:
    place.at.execute(tampering, TENANT)

    assert named in refusal(run("verify", "--tenant", TENANT))


def test_verifying_a_tenant_that_is_not_there_is_refused(run: Run) -> None:
    assert "does not exist" in refusal(run("verify", "--tenant", "dddddddd-0000-4000-8000-000000000004"))


def test_migrate_makes_a_store_and_leaves_one_as_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"

    told = invoke("migrate", "--database", url).stdout
    assert told == f"The schema was brought from nothing to {HEAD_REVISION}.\n"
    assert invoke("migrate", "--database", url).stdout == f"The schema is up to date: {HEAD_REVISION}.\n"
    again = printed(invoke("migrate", "--database", url, "--json"))
    assert again == {"schema": HEAD_REVISION, "former": HEAD_REVISION}
    assert printed(invoke("tenant", "list", "--json", "--database", url)) == []


@pytest.mark.parametrize("option", ["--sql", "--dry-run"])
def test_a_rehearsal_prints_sql_and_makes_nothing(tmp_path: Path, option: str) -> None:
    told = invoke("migrate", option, "--database", f"sqlite:///{tmp_path / 'new.db'}").stdout

    assert "CREATE TABLE tenants" in told
    assert told.endswith(f"-- The schema would be brought from nothing to {HEAD_REVISION}.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "mysql://x/y", "sqlite://relative"])
def test_a_database_that_cannot_be_reached_or_named_is_refused(url: str) -> None:
    refusal(invoke("migrate", "--database", url))
