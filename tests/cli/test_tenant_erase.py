"""`stanchion tenant erase`: asked twice, gone for ever, and what keeps a copy says so."""

import json
from pathlib import Path

import pytest

from stanchion.access import operator_erasure
from stanchion.store import STORE_CHAIN
from stanchion.store.lock import ServeLock
from tests.cli.checking import check
from tests.cli.conftest import Run
from tests.cli.invoking import invoke, printed, refusal
from tests.cli.ledger import decide
from tests.serving.place import CONTROLS, OTHER_TENANT, TENANT, Place, control_id

# Nothing listens there, so that what asks it is refused at once.
NOBODY = "127.0.0.1:1"
KEYS = ("--audience", "api://a", "--keys-url", f"https://{NOBODY}/keys", "--keys-host", NOBODY)
# What nobody else's rows hold: a comment, a person, a title, the tenant's name, apps.
COMMENT = "Zephyrine-Quillfeather"
TRACES = (COMMENT, "Alder Quay", "Title 17", "control-042", "writer", "reader")


def erase(run: Run, *more: str) -> dict[str, object]:
    told: dict[str, object] = printed(run("tenant", "erase", TENANT, "--yes", "--json", *more))
    return told


def counted(run: Run) -> dict[str, int]:
    rows: dict[str, int] = printed(run("tenant", "erase", TENANT, "--dry-run", "--json"))["rows"]
    return rows


def traces(place: Place, *words: str) -> set[str]:
    """Return which of some words are in the files of the database."""
    files = [file for file in place.folder.iterdir() if file.name.startswith(place.database.name)]
    held = b"".join(file.read_bytes() for file in files)
    return {word for word in words if word.encode() in held}


def test_a_dry_run_counts_what_would_go_and_leaves_it(run: Run) -> None:
    first = counted(run)
    assert first["secure_score_control_profiles"] == CONTROLS
    assert first["clients"] == 2
    assert counted(run) == first
    assert printed(run("verify", "--tenant", TENANT, "--json"))["entities"] > CONTROLS


@pytest.mark.parametrize("typed", ["", "yes", OTHER_TENANT])
def test_whoever_types_another_id_erases_nothing(place: Place, run: Run, typed: str) -> None:
    before = counted(run)
    told = invoke("tenant", "erase", TENANT, *place.options, typed=f"{typed}\n")
    assert told.exit_code == 1
    assert "That is not the id of the tenant; nothing was erased." in told.stderr
    assert counted(run) == before


def test_whoever_types_the_id_erases_the_tenant(place: Place, run: Run) -> None:
    told = invoke("tenant", "erase", TENANT, *place.options, typed=f"{TENANT.upper()}\n")
    assert told.exit_code == 0, told.output
    assert "after restoring an older backup erase the tenant again" in told.stderr
    assert {row["tenant"] for row in printed(run("tenant", "list", "--json"))} == {OTHER_TENANT}
    assert [row["tenant"] for row in printed(run("tenant", "list", "--erased", "--json"))] == [TENANT]


@pytest.mark.sqlite("its file is read")
def test_nothing_of_it_is_left_in_the_file_or_its_log(run: Run, place: Place) -> None:
    decide(place, 17, comment=COMMENT, state="Ignored")
    with place.opened():  # So that there is a log.
        decide(place, 18, comment=COMMENT, state="Ignored")
        assert traces(place, *TRACES) >= {COMMENT, "Alder Quay", "writer"}
    assert erase(run)["file"] == "rewritten"
    assert traces(place, *TRACES) == set()
    assert traces(place, "Brinewood") == {"Brinewood"}


@pytest.mark.sqlite("its file is read")
def test_beside_a_server_the_log_is_emptied_and_the_rest_is_told(
    run: Run, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_erasure, "_NOTICE_SECONDS", 0)
    decide(place, 17, comment=COMMENT, state="Ignored")
    lock = ServeLock(place.database)
    try:
        with place.opened():
            told = run("tenant", "erase", TENANT, "--yes")
            assert "Run it once more while no server runs" in told.stderr
            assert COMMENT not in place.database.with_name(f"{place.database.name}-wal").read_bytes().decode(
                "latin-1"
            )
            assert traces(place, COMMENT) == set()
    finally:
        lock.release()
    assert erase(run)["file"] == "rewritten"


def test_the_history_of_an_erased_tenant_verifies_and_says_so(run: Run) -> None:
    noted = printed(run("verify", "--tenant", TENANT, "--json"))
    erased = erase(run)
    told = printed(run("verify", "--tenant", TENANT, "--head", noted["head"], "--json"))
    assert told["head"] == erased["head"]
    assert told["erased"] == erased["erased"]
    assert told["erased_changes"] == noted["changes"] + 1
    shown = run("verify", "--tenant", TENANT).stdout
    assert "erased:" in shown


@pytest.mark.parametrize("full", [(), ("--full",)])
def test_check_tells_of_an_erased_tenant_that_all_is_well(
    run: Run, place: Place, full: tuple[str, ...]
) -> None:
    erase(run)
    _, lines = check(place, *full)
    (finding,) = [each for each in lines if each.subject == TENANT]
    assert finding.status == "ok"
    assert finding.finding.startswith("Erased on 2")


def test_a_backup_and_its_restore_keep_it_erased(run: Run, tmp_path: Path) -> None:
    head = erase(run)["head"]
    backup = printed(run("backup", tmp_path / "after.db", "--json"))
    assert {each["tenant"]: each["head"] for each in backup["tenants"]}[TENANT] == head
    assert [each["tenant"] for each in backup["tenants"]] == [STORE_CHAIN, TENANT, OTHER_TENANT]
    restored = f"sqlite:///{tmp_path / 'restored.db'}"
    printed(invoke("restore", tmp_path / "after.db", "--database", restored, "--json"))
    assert printed(invoke("verify", "--tenant", TENANT, "--database", restored, "--json"))["head"] == head
    assert [row["tenant"] for row in printed(invoke("tenant", "list", "--database", restored, "--json"))] == [
        OTHER_TENANT
    ]


def test_a_copy_that_was_made_ahead_forgets_what_was_erased_since(
    run: Run, place: Place, tmp_path: Path
) -> None:
    target = f"sqlite:///{tmp_path / 'copy.db'}"
    printed(invoke("copy", "--from", place.url, "--to", target, "--ahead", "--json"))
    head = erase(run)["head"]
    told = printed(invoke("copy", "--from", place.url, "--to", target, "--json"))
    assert {each["tenant"]: each["head"] for each in told["tenants"]}[TENANT] == head
    assert (
        printed(invoke("tenant", "list", "--erased", "--database", target, "--json"))[0]["tenant"] == TENANT
    )
    rows = printed(invoke("tenant", "erase", TENANT, "--dry-run", "--database", target, "--json"))["rows"]
    assert {name for name, count in rows.items() if count} == {"changes", "change_details"}


def test_what_an_older_backup_brings_back_is_erased_again(run: Run, tmp_path: Path) -> None:
    printed(run("backup", tmp_path / "before.db", "--json"))
    erase(run)
    restored = f"sqlite:///{tmp_path / 'restored.db'}"
    told = invoke("restore", tmp_path / "before.db", "--database", restored)
    assert "erased" in told.stderr
    options = ("--database", restored)
    assert printed(invoke("tenant", "erase", TENANT, "--dry-run", "--json", *options))["erased"] is False
    assert printed(invoke("tenant", "erase", TENANT, "--yes", "--json", *options))["tenant"] == TENANT
    assert printed(invoke("verify", "--tenant", TENANT, "--json", *options))["entities"] == 0


def replaced(run: Run, place: Place, backup: Path) -> str:
    """Restore a backup in place of the store; return what the operator is told."""
    told = run("restore", backup, "--replace")
    assert told.exit_code == 0, told.output
    for aside in place.folder.glob("*.replaced-*"):  # Two within a second would have one name.
        aside.unlink()
    return told.stderr


@pytest.mark.sqlite("PostgreSQL is restored into an empty database")
def test_a_restore_names_the_tenants_that_were_erased_in_what_it_replaces(
    run: Run, place: Place, tmp_path: Path
) -> None:
    before, after, again = (tmp_path / f"{name}.db" for name in ("before", "after", "again"))
    said = f"{TENANT} was erased since, and is there again: `stanchion tenant erase {TENANT}`."
    run("backup", before)
    erase(run)
    assert said not in run("backup", after).stderr
    assert said in replaced(run, place, before)
    erase(run)
    assert said not in replaced(run, place, after)
    run("tenant", "add", TENANT, "--name", "Back again")
    run("backup", again)
    assert said in replaced(run, place, before)
    assert said not in replaced(run, place, again)


@pytest.mark.sqlite("PostgreSQL is restored into an empty database")
def test_a_restore_does_not_name_an_erased_tenant_that_it_does_not_bring_back(
    run: Run, place: Place, tmp_path: Path
) -> None:
    run("backup", tmp_path / "before.db")
    new = "55555555-5555-4555-8555-555555555555"
    run("tenant", "add", new, "--name", "Passing by")
    run("tenant", "erase", new, "--yes")
    assert "was erased since" not in replaced(run, place, tmp_path / "before.db")


def test_what_asks_for_an_erased_tenant_is_told_so(run: Run, tmp_path: Path) -> None:
    erase(run)
    file = tmp_path / "one.json"
    file.write_text(
        json.dumps({"value": [{"id": control_id(1), "vendorInformation": {"provider": "P", "vendor": "V"}}]})
    )
    for arguments in (
        ("export", "--tenant", TENANT, "--to", tmp_path / "out"),
        ("import", file, "--tenant", TENANT),
        ("app", "add", "--tenant", TENANT, "--name", "another"),
    ):
        assert TENANT in refusal(run(*arguments))
    assert printed(run("app", "list", "--tenant", TENANT, "--json")) == []


def test_an_issuer_speaks_for_it_no_more_and_one_that_spoke_for_it_alone_is_gone(run: Run) -> None:
    alone = ("issuer", "add", "https://idp.example.com/alone", *KEYS, "--tenant", TENANT)
    both = (
        "issuer",
        "add",
        "https://idp.example.com/both",
        *KEYS,
        "--tenant",
        OTHER_TENANT,
        "--tenant",
        TENANT,
    )
    assert run(*alone).exit_code == run(*both).exit_code == 0
    erase(run)
    rows = printed(run("issuer", "list", "--json"))
    assert [(row["issuer"], row["tenants"]) for row in rows] == [
        ("https://idp.example.com/both", [OTHER_TENANT])
    ]
    assert printed(run("verify", "--tenant", STORE_CHAIN, "--json"))["verified"]
    assert f"There is no tenant {TENANT}" in refusal(run(*alone))
    run("tenant", "add", TENANT, "--name", "Back again")
    assert run(*alone).exit_code == 0
