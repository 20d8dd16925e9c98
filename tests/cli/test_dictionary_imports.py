"""Two processes that import scores of the same provider at once: both come in, packed after what either began."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.exports import export_file
from tests.cli.invoking import invoke, printed
from tests.serving.place import TENANT, Place
from tests.serving.process import stanchion
from tests.store.long_scores import score_of_day

FILES, DAYS_EACH = 2, 6


@pytest.mark.slow
def test_two_processes_import_scores_side_by_side(place: Place, tmp_path: Path) -> None:
    values = [
        {**score_of_day(day, id=f"day{day}"), "azureTenantId": TENANT} for day in range(FILES * DAYS_EACH)
    ]
    files = [
        [export_file(tmp_path, value, name=f"{value['id']}.json") for value in values[number::FILES]]
        for number in range(FILES)
    ]

    def imported(mine: list[Path]) -> int:
        arguments = ("import", *map(str, mine), "--tenant", TENANT, *place.options)
        return stanchion(*arguments, folder=place.folder).returncode

    with ThreadPoolExecutor(FILES) as beside:
        assert list(beside.map(imported, files)) == [0] * FILES
    assert printed(invoke("verify", "--tenant", TENANT, *place.options, "--json"))["entities"] >= len(values)
    folder = tmp_path / "export"
    assert invoke("export", "--tenant", TENANT, "--to", folder, *place.options).exit_code == 0
    exported = {
        value["id"]: value
        for page in folder.glob("*ecureScores*.json")
        for value in json.loads(page.read_text())["value"]
    }
    for value in values:
        assert value.items() <= exported[value["id"]].items()
