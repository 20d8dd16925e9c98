"""How much memory an import takes beside the size of its file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.place import TENANT, Place, score

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_SIZE = 40 * 1024 * 1024
_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def scores(file: Path, *, size_bytes: int) -> Path:
    """Write a page of scores as large as Graph's, each of a day of its own."""
    written, number = 0, 0
    with file.open("w") as target:
        target.write('{"value": [')
        while written < size_bytes:
            day = f"{2000 + number // 336}-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}"
            one = {**score(1), "id": f"{TENANT}_{day}", "createdDateTime": f"{day}T00:00:00Z"}
            one["controlScores"] = [
                {"controlName": f"control-{each:03}", "score": number + each / 7, "description": "x" * 500}
                for each in range(80)
            ]
            written += target.write(("," if number else "") + json.dumps(one))
            number += 1
        target.write("]}")
    return file


def peak_bytes(place: Place, file: Path) -> int:
    command = [
        sys.executable,
        "-m",
        "stanchion",
        "import",
        str(file),
        "--tenant",
        TENANT,
        "--database",
        place.url,
    ]
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *command], check=True, capture_output=True, text=True, timeout=200
    )
    return int(done.stdout) * 1024


def test_a_large_file_takes_less_than_two_and_a_half_times_its_size_again_too(
    place: Place, tmp_path: Path
) -> None:
    small = scores(tmp_path / "small.json", size_bytes=1)
    large = scores(tmp_path / "large.json", size_bytes=_SIZE)

    base = peak_bytes(place, small)
    for _ in ("new", "the same"):
        assert peak_bytes(place, large) - base < 2.5 * large.stat().st_size
