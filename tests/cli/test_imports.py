"""`stanchion import`: exports of a tenant in, and out again."""

import json
from pathlib import Path
from typing import Any

from stanchion.model.json_text import JsonObject, JsonValue
from tests.cli.conftest import Run
from tests.cli.exports import counted, export_file
from tests.cli.invoking import invoke, printed, refusal
from tests.cli.ledger import changes, decide
from tests.serving.place import OTHER_TENANT, TENANT, Place, control, control_id, score


def test_a_file_comes_in_once_and_the_second_time_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = export_file(tmp_path, control(900), {**control(0), "title": "Renamed"}, control(1))
    before = changes(run)
    first = printed(run("import", file, "--tenant", TENANT, "--json"))
    second = printed(run("import", file, "--tenant", TENANT, "--json"))

    assert [row["file"] for row in first] == [str(file)]
    assert counted(first[0]) == (1, 1, 1, 0, 0)
    assert counted(second[0]) == (0, 0, 3, 0, 0)
    assert changes(run) == before + 1


def test_a_bare_array_and_a_byte_order_mark_are_read_too(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "array.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps([score(30)]).encode())

    assert counted(printed(run("import", file, "--tenant", TENANT, "--json"))[0]) == (1, 0, 0, 0, 0)


def test_a_score_of_a_past_day_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    file = export_file(tmp_path, {**score(1), "currentScore": 49.0})

    assert counted(printed(run("import", file, "--tenant", TENANT, "--json"))[0]) == (0, 0, 0, 1, 0)


def test_a_page_that_goes_on_elsewhere_is_noted(run: Run, tmp_path: Path) -> None:
    link = "https://graph.microsoft.com/v1.0/security/secureScores?$skiptoken=x"
    result = run("import", export_file(tmp_path, score(30), **{"@odata.nextLink": link}), "--tenant", TENANT)

    assert result.exit_code == 0
    assert link in result.stderr


def test_several_files_have_their_sum_below_them(run: Run, tmp_path: Path) -> None:
    files = [
        export_file(tmp_path, control(900), control(901), name="a.json"),
        export_file(tmp_path, control(902), name="b.json"),
        export_file(tmp_path, {"id": "x"}, name="c.json"),
    ]
    several = run("import", *files, "--tenant", TENANT).stdout
    one = run("import", files[0], "--tenant", TENANT).stdout

    (total,) = (line.split() for line in several.splitlines() if line.startswith("2 of 3 files"))
    assert total[4:] == ["3", "0", "0", "0", "1"]
    assert "1 of 1" not in one


def test_a_dry_run_says_what_would_change_and_writes_nothing(run: Run, place: Place, tmp_path: Path) -> None:
    before, stored = changes(run), place.at.rows()
    files = [
        export_file(tmp_path, control(900), {**control(0), "title": "Renamed"}, name="a.json"),
        export_file(tmp_path, control(900), {"id": "x"}, name="b.json"),
        export_file(tmp_path, control(900), control(901), {**score(1), "currentScore": 1}, name="c.json"),
    ]
    text = run("import", *files, "--tenant", TENANT, "--dry-run")
    dry = run("import", *files, "--tenant", TENANT, "--dry-run", "--json")

    assert changes(run) == before
    assert place.at.rows() == stored
    assert "new secureScoreControlProfiles 'control-900'" in text.stdout
    assert "changed secureScoreControlProfiles 'control-000'" in text.stdout
    assert json.loads(dry.stdout)[2]["would_write"] == [
        {"entity_set": "secureScoreControlProfiles", "id": "control-901", "fate": "new"}
    ]
    real = run("import", *files, "--tenant", TENANT, "--json")
    assert [dry.exit_code, real.exit_code] == [1, 1]
    assert [counted(row) for row in json.loads(dry.stdout)] == [
        counted(row) for row in json.loads(real.stdout)
    ]
    assert [counted(row) for row in json.loads(real.stdout)] == [
        (1, 1, 0, 0, 0),
        (0, 0, 0, 0, 1),
        (1, 0, 1, 1, 0),
    ]


def test_another_tenants_export_comes_in_under_this_one_when_asked_for(run: Run, tmp_path: Path) -> None:
    theirs = {**score(30), "azureTenantId": OTHER_TENANT, "id": f"{OTHER_TENANT}_2026-01-30"}
    file = export_file(tmp_path, theirs, {**control(900), "azureTenantId": OTHER_TENANT})
    line = refusal(run("import", file, "--tenant", TENANT))
    row = printed(run("import", file, "--tenant", TENANT, "--retarget", "--json"))[0]

    assert "--retarget" in line
    assert counted(row) == (2, 0, 0, 0, 0)
    assert counted(
        printed(run("import", export_file(tmp_path, score(30)), "--tenant", TENANT, "--json"))[0]
    ) == (
        0,
        0,
        1,
        0,
        0,
    )


def test_a_format_can_be_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text(f"{json.dumps(control(900))}\n{json.dumps(control(901))}\n")

    assert "--format ndjson" in refusal(run("import", file, "--tenant", TENANT, "--format", "graph"))
    assert run("import", file, "--tenant", TENANT, "--format", "excel").exit_code == 2
    assert printed(run("import", file, "--tenant", TENANT, "--format", "ndjson", "--json"))[0]["new"] == 2


def test_a_provider_that_spells_itself_in_another_case_makes_no_second_control(
    run: Run, tmp_path: Path
) -> None:
    for spelling in ("Prowler", "PROWLER", "prowler"):
        information: JsonObject = {"vendor": "Prowler", "provider": spelling}
        file = export_file(tmp_path, {**control(0), "vendorInformation": information})
        printed(run("import", file, "--tenant", TENANT, "--json"))
    printed(run("export", "--tenant", TENANT, "--to", tmp_path / "out", "--json"))
    exported = json.loads((tmp_path / "out" / "secureScoreControlProfiles.json").read_text())["value"]

    assert [each["id"] for each in exported if each["id"].startswith(control_id(0))] == [
        control_id(0),
        f"{control_id(0)}@Prowler",
    ]


def stories() -> list[JsonObject]:
    """Return controls of several products whose ids and texts are not plain, with decisions."""
    prowler: JsonObject = {"vendor": "Prowler", "provider": "Prowler"}
    history: list[JsonValue] = [
        {
            "state": state,
            "updatedBy": "änne",
            "updatedDateTime": when,
            "comment": "erledigt ✓",
            "assignedTo": None,
        }
        for state, when in (
            ("Reviewed", "2026-02-01T00:00:00Z"),
            ("AlternateMitigation", "2026-01-01T00:00:00.1234567Z"),
        )
    ]
    return [
        {**control(0), "vendorInformation": prowler, "controlStateUpdates": history},
        {**control(1), "id": "user@host%20", "title": "完了 🔒"},
        {**control(1), "id": "user@host%20", "vendorInformation": prowler, "controlStateUpdates": history},
        {**control(2), "id": "naïve id", "vendorInformation": {"vendor": "V", "provider": "Übung@home"}},
    ]


def test_an_export_imports_into_a_fresh_store_as_equal_entities_with_every_decision(
    run: Run, place: Place, tmp_path: Path
) -> None:
    assert run("import", export_file(tmp_path, *stories()), "--tenant", TENANT).exit_code == 0
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
        "secureScoreControlProfiles.json": 204,
        "userSecurityProfiles.json": 0,
    }
    assert [row["new"] for row in imported] == [row["entities"] for row in exported]
    for file, other in zip(files, [Path(row["file"]) for row in again], strict=True):
        assert json.loads(file.read_text()) == json.loads(other.read_text())
    values = {value["id"]: value for value in json.loads(files[1].read_text())["value"]}
    assert comments(values[control_id(0)]) == ["second", "first"]
    assert comments(values[f"{control_id(0)}@Prowler"]) == ["erledigt ✓", "erledigt ✓"]
    assert {"user%40host%2520", "user%40host%2520@Prowler", "naïve id"} <= set(values)
    assert invoke("verify", "--tenant", TENANT, "--database", fresh).exit_code == 0


def comments(value: dict[str, Any]) -> list[str]:
    return [update["comment"] for update in value["controlStateUpdates"]]


def test_an_export_imported_where_it_came_from_changes_nothing(
    run: Run, place: Place, tmp_path: Path
) -> None:
    decide(place, 0, comment="kept", state="Ignored")
    exported = printed(run("export", "--tenant", TENANT, "--to", tmp_path / "out", "--json"))
    before = changes(run)
    imported = printed(run("import", *(row["file"] for row in exported), "--tenant", TENANT, "--json"))

    assert sum(row["same"] for row in imported) == sum(row["entities"] for row in exported)
    assert changes(run) == before
