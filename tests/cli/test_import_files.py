"""`stanchion import` of all that a file may be: shapes, encodings, archives, folders."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.model.json_text import JsonValue
from tests.cli.conftest import Run
from tests.cli.exports import counted, export_file
from tests.cli.invoking import printed, refusal
from tests.cli.ledger import changes
from tests.importers.shapes import SHAPES, Entities, as_bytes, zipped
from tests.serving.place import TENANT, Place, control, score


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_shape_imports_alike(
    run: Run, tmp_path: Path, shape: "Callable[[Entities], JsonValue | bytes]"
) -> None:
    entities = [(SECURE_SCORES, score(31)), *((CONTROL_PROFILES, control(900 + each)) for each in range(3))]
    for number, name in enumerate(("plain", "utf-16", "gz", "zip")):
        data = as_bytes(shape(entities))
        encoded = {
            "plain": data,
            "utf-16": data.decode().encode("utf-16"),
            "gz": gzip.compress(data),
            "zip": zipped({"in/export": data}),
        }[name]
        (tmp_path / name).write_bytes(encoded)
        (row,) = printed(run("import", tmp_path / name, "--tenant", TENANT, "--json"))
        assert counted(row) == ((4, 0, 0, 0, 0) if number == 0 else (0, 0, 4, 0, 0))
        assert row["file"] == str(tmp_path / name) + ("/in/export" if name == "zip" else "")


def test_a_folder_stands_for_its_files_by_name_but_for_hidden_ones(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    for name in ("2024/01", "2023", ".git"):
        (folder / name).mkdir(parents=True)
    export_file(folder / "2024" / "01", control(900))
    export_file(folder / "2023", control(901))
    export_file(folder / ".git", {"id": "x"})
    export_file(folder, {"id": "x"}, name=".hidden")
    (folder / "README.txt").write_text("Exports of 2023 and 2024.")
    os.mkfifo(folder / "pipe")
    result = run("import", folder, "--tenant", TENANT, "--json")

    assert "2 of 4 files are refused" in refusal(result)
    rows = {row["file"].removeprefix(f"{folder}/"): row for row in json.loads(result.stdout)}
    assert list(rows) == ["2023/export.json", "2024/01/export.json", "README.txt", "pipe"]
    assert [row["new"] for row in rows.values()] == [1, 1, 0, 0]
    assert "no export" in rows["README.txt"]["error"]
    assert "no regular file" in rows["pipe"]["error"]


def test_what_a_folder_links_to_is_read_if_it_is_a_file_and_told_of_if_not(run: Run, tmp_path: Path) -> None:
    folder, other = tmp_path / "exports", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (folder / "link.json").symlink_to(export_file(other, control(900)))
    (folder / "others").symlink_to(other)
    (folder / "round").symlink_to(folder)
    (folder / "lost.json").symlink_to(folder / "nothing")
    result = run("import", folder, "--tenant", TENANT, "--json")

    assert "3 of 4 files are refused" in refusal(result)
    rows = {row["file"].removeprefix(f"{folder}/"): row for row in json.loads(result.stdout)}
    assert rows["link.json"]["new"] == 1
    assert "a link to a folder, which is not followed" in rows["others"]["error"]
    assert "a link to a folder, which is not followed" in rows["round"]["error"]
    assert "No such file" in rows["lost.json"]["error"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_inside_that_cannot_be_read_is_told_of(run: Run, tmp_path: Path) -> None:
    export_file(tmp_path, control(900))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    result = run("import", tmp_path, "--tenant", TENANT, "--json")

    assert f"{closed}: It cannot be read: Permission denied." in refusal(result)
    assert [row["new"] for row in json.loads(result.stdout)] == [0, 1]


def test_a_path_that_no_file_can_have_is_refused(run: Run) -> None:
    assert "cannot be read: File name too long" in refusal(run("import", "a" * 300, "--tenant", TENANT))


def test_a_dash_is_standard_input(run: Run, place: Place, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stanchion", "import", "-", "--tenant", TENANT, *place.options]
    with export_file(tmp_path, control(900)).open("rb") as file:
        done = subprocess.run([*command, "--json"], stdin=file, check=True, capture_output=True, timeout=60)

    (row,) = json.loads(done.stdout)
    assert (row["file"], counted(row)) == ("-", (1, 0, 0, 0, 0))
    (again,) = printed(run("import", tmp_path / "export.json", "--tenant", TENANT, "--json"))
    assert counted(again) == (0, 0, 1, 0, 0)


@pytest.mark.sqlite("is about the file")
def test_the_database_itself_is_not_opened_as_a_file_since_closing_it_would_drop_its_locks(
    run: Run, place: Place
) -> None:
    result = run("import", place.database.parent, "--tenant", TENANT, "--json")

    assert result.exit_code == 1
    reasons = {row["file"]: row["error"] for row in json.loads(result.stdout)}
    assert reasons[str(place.database)] == "This belongs to the database that files are imported into."
    assert reasons[f"{place.database}-wal"] == reasons[str(place.database)]


def test_each_entry_of_a_zip_is_a_file_and_a_change_of_its_own(run: Run, tmp_path: Path) -> None:
    one, another = (json.dumps([control(number)]).encode() for number in (900, 901))
    file = tmp_path / "a.zip"
    file.write_bytes(
        zipped({"b.json": one, "a.json": b"no", "2024/c.json": another, "__MACOSX/b.json": b"no"})
    )
    before = changes(run)
    result = run("import", file, "--tenant", TENANT, "--json")

    assert f"{file}/a.json" in refusal(result)
    assert [(row["file"], row["new"]) for row in json.loads(result.stdout)] == [
        (f"{file}/2024/c.json", 1),
        (f"{file}/a.json", 0),
        (f"{file}/b.json", 1),
    ]
    assert changes(run) == before + 2


def test_what_unpacks_to_more_than_the_limit_is_refused_naming_the_setting(run: Run, tmp_path: Path) -> None:
    bombs = {
        "a.gz": gzip.compress(bytes(200_000)),
        "a.zip": zipped({"a": bytes(150_000), "b": bytes(50_000)}),
    }
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
        line = refusal(run("import", tmp_path / name, "--tenant", TENANT, "--max-import-bytes", 199_999))
        assert "unpacks to more than 199,999 bytes" in line
        assert "--max-import-bytes" in line


def test_an_empty_archive_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({}))

    assert "no file in this archive" in refusal(run("import", tmp_path / "a.zip", "--tenant", TENANT))


def test_the_name_of_an_entry_is_printed_without_its_controls(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"\x1b[31mred\n.json": json.dumps([control(900)]).encode()}))
    result = run("import", tmp_path / "a.zip", "--tenant", TENANT)

    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "\\x1b[31mred\\n.json" in result.stdout
