"""`stanchion import | export | verify | migrate`: a tenant's data in and out."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stanchion.ledger.commands import DecideControl
from stanchion.ledger.decisions import parse_request
from stanchion.model.json_text import JsonObject
from stanchion.store import SQLiteStore
from tests.cli.conftest import Run
from tests.cli.invoking import invoke, printed, refusal
from tests.serving.place import MICROSOFT, OPERATOR, OTHER_TENANT, TENANT, Place, control, control_id, score

COUNTS = ("new", "changed", "same", "kept")


def export_file(folder: Path, *values: JsonObject, name: str = "export.json", **page: object) -> Path:
    """Write a page of Graph."""
    file = folder / name
    file.write_text(json.dumps({**page, "value": values}))
    return file


def counted(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in COUNTS)


def changes(run: Run) -> int:
    found: int = printed(run("verify", "--tenant", TENANT, "--json"))["changes"]
    return found


def test_a_file_comes_in_once_and_the_second_time_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = export_file(tmp_path, control(900), {**control(0), "title": "Renamed"}, control(1))
    before = changes(run)
    first = printed(run("import", file, "--tenant", TENANT, "--json"))
    second = printed(run("import", file, "--tenant", TENANT, "--json"))

    assert [row["file"] for row in first] == [str(file)]
    assert counted(first[0]) == (1, 1, 1, 0)
    assert counted(second[0]) == (0, 0, 3, 0)
    assert changes(run) == before + 1


def test_a_bare_array_and_a_byte_order_mark_are_read_too(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "array.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps([score(30)]).encode())

    assert counted(printed(run("import", file, "--tenant", TENANT, "--json"))[0]) == (1, 0, 0, 0)


def test_a_score_of_a_past_day_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    file = export_file(tmp_path, {**score(1), "currentScore": 49.0})

    assert counted(printed(run("import", file, "--tenant", TENANT, "--json"))[0]) == (0, 0, 0, 1)


def test_a_page_that_goes_on_elsewhere_is_noted(run: Run, tmp_path: Path) -> None:
    link = "https://graph.microsoft.com/v1.0/security/secureScores?$skiptoken=x"
    result = run("import", export_file(tmp_path, score(30), **{"@odata.nextLink": link}), "--tenant", TENANT)

    assert result.exit_code == 0
    assert link in result.stderr


def truncated(folder: Path) -> Path:
    file = export_file(folder, *[control(number) for number in range(900, 910)])
    file.write_bytes(file.read_bytes()[:-200])
    return file


def another_tenants(folder: Path) -> Path:
    return export_file(folder, control(900), {**control(901), "azureTenantId": OTHER_TENANT})


def no_export(folder: Path) -> Path:
    file = folder / "export.json"
    file.write_text('{"name": "my aunt"}')
    return file


def no_json(folder: Path) -> Path:
    file = folder / "export.json"
    file.write_bytes(b"PK\x03\x04\xff\xfe")
    return file


def empty(folder: Path) -> Path:
    file = folder / "export.json"
    file.touch()
    return file


def wrong_type(folder: Path) -> Path:
    return export_file(folder, control(900), {**control(901), "maxScore": "five"})


def unknown_kind(folder: Path) -> Path:
    return export_file(folder, {"id": "x", "colour": "green"})


def deep(folder: Path) -> Path:
    file = folder / "export.json"
    file.write_text('{"value": ' + "[" * 100_000 + "]" * 100_000 + "}")
    return file


def doubled_name(folder: Path) -> Path:
    file = folder / "export.json"
    file.write_text('{"value": [{"id": "a", "id": "b", "maxScore": 5, "title": "t"}]}')
    return file


def missing(folder: Path) -> Path:
    return folder / "missing.json"


def folder_itself(folder: Path) -> Path:
    return folder


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (truncated, "cut off"),
        (another_tenants, OTHER_TENANT),
        (no_export, "no export"),
        (no_json, "no JSON"),
        (empty, "no JSON"),
        (wrong_type, "maxScore"),
        (unknown_kind, "known kind"),
        (deep, ""),
        (doubled_name, "twice"),
        (missing, "No such file"),
        (folder_itself, "directory"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_whole(
    run: Run, tmp_path: Path, wrong: Callable[[Path], Path], reason: str
) -> None:
    before = changes(run)
    file = wrong(tmp_path)
    line = refusal(run("import", file, "--tenant", TENANT))

    assert str(file) in line
    assert reason in line
    assert changes(run) == before


def test_a_file_over_the_limit_is_refused_naming_the_setting(run: Run, tmp_path: Path) -> None:
    file = export_file(tmp_path, control(900))
    line = refusal(run("import", file, "--tenant", TENANT, "--max-import-bytes", file.stat().st_size - 1))

    assert "--max-import-bytes" in line
    assert run("import", file, "--tenant", TENANT, "--max-import-bytes", file.stat().st_size).exit_code == 0


@pytest.mark.parametrize(
    ("tenant", "reason"), [("dddddddd-0000-4000-8000-000000000004", "tenant"), ("x", "x")]
)
def test_an_import_into_a_tenant_never_added_is_refused(
    run: Run, tmp_path: Path, tenant: str, reason: str
) -> None:
    file = export_file(tmp_path, {**control(900), "azureTenantId": tenant})

    assert reason in refusal(run("import", file, "--tenant", tenant))
    assert len(printed(run("tenant", "list", "--json"))) == 2


def test_a_refused_file_leaves_those_before_it_imported_and_told_of(run: Run, tmp_path: Path) -> None:
    good = export_file(tmp_path, control(900), name="good.json")
    bad = export_file(tmp_path, {"id": "x"}, name="bad.json")
    result = run("import", good, bad, "--tenant", TENANT, "--json")

    assert str(bad) in refusal(result)
    assert [row["file"] for row in json.loads(result.stdout)] == [str(good)]


def test_an_export_imports_into_a_fresh_store_as_equal_entities_with_every_decision(
    run: Run, place: Place, tmp_path: Path
) -> None:
    decide(place, 0, comment="first", state="Ignored", assignedTo="ana@alder.example")
    decide(place, 0, comment="second", state="Reviewed")
    decide(place, 1, comment="third", state="ThirdParty")
    exported = printed(run("export", "--tenant", TENANT, "--to", tmp_path / "out", "--json"))
    files = [Path(row["file"]) for row in exported]
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    assert invoke("tenant", "add", TENANT, "--name", "Again", "--database", fresh).exit_code == 0
    imported = printed(invoke("import", *files, "--tenant", TENANT, "--json", "--database", fresh))
    again = printed(
        invoke("export", "--tenant", TENANT, "--to", tmp_path / "again", "--json", "--database", fresh)
    )

    assert {Path(row["file"]).name: row["entities"] for row in exported} == {
        "secureScores.json": 12,
        "secureScoreControlProfiles.json": 200,
        "userSecurityProfiles.json": 0,
    }
    assert [row["new"] for row in imported] == [row["entities"] for row in exported]
    for file, other in zip(files, [Path(row["file"]) for row in again], strict=True):
        assert json.loads(file.read_text()) == json.loads(other.read_text())
    first = json.loads(files[1].read_text())["value"][0]
    assert [update["comment"] for update in first["controlStateUpdates"]] == ["second", "first"]
    assert verified(fresh)


def test_an_export_imported_where_it_came_from_changes_nothing(
    run: Run, place: Place, tmp_path: Path
) -> None:
    decide(place, 0, comment="kept", state="Ignored")
    exported = printed(run("export", "--tenant", TENANT, "--to", tmp_path / "out", "--json"))
    before = changes(run)
    imported = printed(run("import", *(row["file"] for row in exported), "--tenant", TENANT, "--json"))

    assert sum(row["same"] for row in imported) == sum(row["entities"] for row in exported)
    assert changes(run) == before


def test_an_export_of_a_tenant_never_added_makes_no_folder(run: Run, tmp_path: Path) -> None:
    line = refusal(
        run("export", "--tenant", "dddddddd-0000-4000-8000-000000000004", "--to", tmp_path / "out")
    )

    assert "stanchion tenant list" in line
    assert not (tmp_path / "out").exists()


def test_an_export_to_what_is_no_folder_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").touch()

    assert str(tmp_path / "out") in refusal(run("export", "--tenant", TENANT, "--to", tmp_path / "out"))


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
    assert printed(invoke("migrate", "--database", url, "--json")) == {"schema": "0001"}
    assert printed(invoke("tenant", "list", "--json", "--database", url)) == []


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "mysql://x/y", "sqlite://relative"])
def test_a_database_that_cannot_be_reached_or_named_is_refused(url: str) -> None:
    refusal(invoke("migrate", "--database", url))


def decide(place: Place, number: int, **body: str) -> None:
    """Decide about a control as the API does."""
    store = SQLiteStore.open(place.database)
    asked: JsonObject = {**body, "vendorInformation": MICROSOFT}
    command = DecideControl(
        tenant_id=TENANT,
        command_id=f"{number}-{body['comment']}",
        actor=OPERATOR,
        control_id=control_id(number),
        request=parse_request(asked, root="v1.0"),
    )
    asyncio.run(store.submit(command))
    store.close_now()


def verified(url: str) -> bool:
    return invoke("verify", "--tenant", TENANT, "--database", url).exit_code == 0
