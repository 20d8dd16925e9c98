"""`stanchion import` of files that may not come in, whole or in part."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stanchion.model.json_text import JsonObject
from tests.cli.conftest import Run
from tests.cli.exports import counted, export_file
from tests.cli.invoking import printed, refusal
from tests.cli.ledger import changes
from tests.serving.place import OTHER_TENANT, TENANT, control


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
    file.write_bytes(b"id,score\n")
    return file


def damaged(folder: Path) -> Path:
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


def folder_of_nothing(folder: Path) -> Path:
    (folder / "exports").mkdir()
    return folder / "exports"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (truncated, "cut off"),
        (another_tenants, OTHER_TENANT),
        (no_export, "no export"),
        (no_json, "no export"),
        (damaged, "damaged"),
        (empty, "empty"),
        (wrong_type, "maxScore"),
        (unknown_kind, "known kind"),
        (deep, "deeper"),
        (doubled_name, "twice"),
        (missing, "No such file"),
        (folder_of_nothing, "no file"),
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


def test_a_refused_file_keeps_no_other_out_and_all_are_told_of(run: Run, tmp_path: Path) -> None:
    good = export_file(tmp_path, control(900), name="good.json")
    bad = export_file(tmp_path, control(901), {"id": "x"}, name="bad.json")
    after = export_file(tmp_path, control(902), name="after.json")
    result = run("import", good, bad, after, "--tenant", TENANT, "--json")

    assert str(bad) in refusal(result)
    rows = json.loads(result.stdout)
    assert [(row["file"], row["imported"], row["new"]) for row in rows] == [
        (str(good), True, 1),
        (str(bad), False, 0),
        (str(after), True, 1),
    ]
    (refused,) = rows[1]["refusals"]
    assert (refused["entity"], refused["path"], refused["id"]) == (2, "value/1", "x")
    assert "known kind" in refused["reason"]


def test_refused_entities_may_be_skipped_and_the_exit_status_tells(run: Run, tmp_path: Path) -> None:
    file = export_file(
        tmp_path, control(900), {"id": "x"}, {**control(901), "maxScore": "five"}, control(902)
    )
    result = run("import", file, "--tenant", TENANT, "--skip-refused", "--json")

    assert "2 entities refused" in refusal(result)
    (row,) = json.loads(result.stdout)
    assert (counted(row), row["imported"], row["error"]) == ((2, 0, 0, 0, 2), True, None)
    assert [refused["id"] for refused in row["refusals"]] == ["x", "control-901"]


def test_twenty_refused_entities_are_printed_and_the_others_counted(run: Run, tmp_path: Path) -> None:
    nobodies: list[JsonObject] = [{"id": f"x{number}"} for number in range(25)]
    file = export_file(tmp_path, *nobodies)
    result = run("import", file, "--tenant", TENANT)

    assert "'x19'" in result.stdout
    assert "'x20'" not in result.stdout
    assert "and 5 more" in result.stdout
    assert "entity 20 at value/19, 'x19': It is no entity of a known kind" in result.stdout
    assert len(refusal(result)) < 500
