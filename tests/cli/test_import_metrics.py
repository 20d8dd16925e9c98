"""`stanchion import --metrics-file`: what an import has done, as the node exporter of Prometheus reads it."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stanchion.cli.import_metrics import IMPORT_METRICS, metrics_written
from stanchion.cli.import_report import FileReport
from stanchion.ledger.imports import ImportCounts
from tests.cli.conftest import Run
from tests.cli.exports import COUNTS, export_file
from tests.cli.invoking import refusal
from tests.serving.place import TENANT, control

PREFIX = "stanchion_import_"


def told(file: Path) -> dict[str, float]:
    """Return what a file tells, by name and outcome."""
    samples = [each for family in text_string_to_metric_families(file.read_text()) for each in family.samples]
    return {"_".join([each.name, *each.labels.values()]).removeprefix(PREFIX): each.value for each in samples}


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    return tmp_path / "import.prom"


def test_an_import_tells_what_came_in_and_that_it_has_ended(run: Run, tmp_path: Path, metrics: Path) -> None:
    file = export_file(tmp_path, control(900), {**control(0), "title": "Renamed"}, control(1))
    run("import", file, "--tenant", TENANT, "--metrics-file", metrics)
    found = told(metrics)
    assert [found[f"entities_{name}"] for name in COUNTS] == [1, 1, 1, 0, 0]
    assert (found["files_imported"], found["files_refused"]) == (1, 0)
    assert (found["running"], found["success"]) == (0, 1)
    assert 1_700_000_000 < found["start_timestamp_seconds"] <= found["end_timestamp_seconds"]
    assert {family.name for family in text_string_to_metric_families(metrics.read_text())} == {
        each.name for each in IMPORT_METRICS
    }
    assert list(tmp_path.glob(".import.prom*")) == []


@pytest.mark.parametrize(
    ("options", "outcome"),
    [((), [0, 0, 0, 0, 1]), (("--skip-refused",), [1, 0, 0, 0, 1])],
)
def test_a_refusal_is_no_success(
    run: Run, tmp_path: Path, metrics: Path, *, options: tuple[str, ...], outcome: list[int]
) -> None:
    file = export_file(tmp_path, control(900), {"id": "x"})
    result = run("import", file, "--tenant", TENANT, "--metrics-file", metrics, *options)
    found = told(metrics)
    assert result.exit_code == 1
    assert [found[f"entities_{name}"] for name in COUNTS] == outcome
    assert (found["running"], found["success"]) == (0, 0)
    assert found["files_refused"] == (0 if options else 1)


def test_a_dry_run_leaves_the_file_as_it_is(run: Run, tmp_path: Path, metrics: Path) -> None:
    file = export_file(tmp_path, control(900))
    run("import", file, "--tenant", TENANT, "--dry-run", "--metrics-file", metrics)
    assert not metrics.exists()


def test_a_file_that_cannot_be_written_keeps_the_import_from_starting(run: Run, tmp_path: Path) -> None:
    file = export_file(tmp_path, control(900))
    absent = tmp_path / "absent" / "import.prom"
    result = run("import", file, "--tenant", TENANT, "--metrics-file", absent)
    assert refusal(result).startswith(f"{absent} cannot be written: No such file or directory.")
    again = run("import", file, "--tenant", TENANT)
    assert again.exit_code == 0
    assert " 1 " in again.stdout


def test_while_it_runs_it_says_so_and_how_far_it_is(metrics: Path) -> None:
    reports: list[FileReport] = []
    with metrics_written(metrics, reports) as writing:
        assert told(metrics)["running"] == 1
        reports.append(FileReport("a.json", ImportCounts(new=3)))
        writing.renew()
        found = told(metrics)
        assert (found["running"], found["success"], found["end_timestamp_seconds"]) == (1, 0, 0)
        assert (found["files_imported"], found["entities_new"]) == (1, 3)


def test_an_import_that_breaks_off_is_no_success(metrics: Path) -> None:
    reports = [FileReport("a.json", ImportCounts(new=3))]
    with pytest.raises(KeyboardInterrupt), metrics_written(metrics, reports):
        raise KeyboardInterrupt
    found = told(metrics)
    assert (found["running"], found["success"], found["entities_new"]) == (0, 0, 3)


def test_a_folder_that_goes_away_stops_no_import(tmp_path: Path) -> None:
    folder = tmp_path / "collector"
    folder.mkdir()
    with metrics_written(folder / "import.prom", []) as writing:
        (folder / "import.prom").unlink()
        folder.rmdir()
        writing.renew()
