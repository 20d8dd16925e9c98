"""Large files to import, and `stanchion import` as a process that can be killed at any moment."""

import json
import random
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from stanchion.model.json_text import JsonObject
from tests.serving.place import MICROSOFT, TENANT, Place, control
from tests.serving.process import STANCHION, clean_environment

SCORE_BYTES = 50_000
_POLL_SECONDS = 0.002
_SECONDS = 120.0


@dataclass(frozen=True)
class Import:
    """A process that imports."""

    process: subprocess.Popen[str]
    log: Path  # the database's write-ahead log

    def kill_when_log_has(self, size: int) -> None:
        """Kill it once it has written so many bytes to the log, before it commits."""
        while self.process.poll() is None and self.log_bytes() < size:
            time.sleep(_POLL_SECONDS)
        self.process.kill()

    def log_bytes(self) -> int:
        """Return the size of the log, 0 when there is none."""
        try:
            return self.log.stat().st_size
        except FileNotFoundError:
            return 0

    def counts(self) -> dict[str, int]:
        """Wait for its end, which must be a good one, and return how many were new, changed and so on."""
        out, errors = self.process.communicate(timeout=_SECONDS)
        assert self.process.returncode == 0, errors
        (report,) = json.loads(out)
        return {name: count for name, count in report.items() if type(count) is int}


@contextmanager
def importing(place: Place, file: Path) -> Iterator[Import]:
    """Start an import; what is left of it is killed at the end of the block."""
    command = (*STANCHION, "import", str(file), "--tenant", TENANT, *place.options, "--json")
    with subprocess.Popen(
        command,
        cwd=place.folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Import(process, Path(f"{place.database}-wal"))
        finally:
            process.kill()


def scores(first: date, days: int, *, seed: int) -> list[JsonObject]:
    """Return the scores of some days, each of `SCORE_BYTES` that pack to a half at best."""
    chance = random.Random(seed)
    return [_score(first + timedelta(days=age), chance) for age in range(days)]


def controls(numbers: Iterable[int], *, title: str) -> list[JsonObject]:
    """Return some controls, all with one title."""
    return [{**control(number), "title": title} for number in numbers]


def write_export(file: Path, values: Sequence[JsonObject]) -> Path:
    """Write a page of entities."""
    file.write_text(json.dumps({"value": values}))
    return file


def _score(day: date, chance: random.Random) -> JsonObject:
    return {
        "id": f"{TENANT}_{day}",
        "azureTenantId": TENANT,
        "createdDateTime": f"{day}T00:00:00Z",
        "currentScore": float(chance.randrange(50)),
        "maxScore": 50.0,
        "vendorInformation": MICROSOFT,
        "controlScores": [{"controlName": "c", "description": chance.randbytes(SCORE_BYTES // 2).hex()}],
    }
