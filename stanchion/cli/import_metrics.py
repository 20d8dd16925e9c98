"""What an import does, for Prometheus: a file that the textfile collector of its node exporter reads.

- It is there from the first file on, with `stanchion_import_running`, and whole at any moment: each writing takes the
  place of the one before. One that is killed leaves it running, since when its start says.
- It tells of the newest import alone, so that its numbers are gauges; a dry run writes none.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

from stanchion.cli.import_report import COUNTS, FileReport
from stanchion.errors import OperatorError
from stanchion.web.metrics import Metric

RUNNING = Metric("stanchion_import_running", "gauge", "1 while an import runs, 0 once it has ended.")
STARTED = Metric("stanchion_import_start_timestamp_seconds", "gauge", "Unix time at which it began.")
ENDED = Metric(
    "stanchion_import_end_timestamp_seconds", "gauge", "Unix time at which it ended, 0 while it runs."
)
SUCCEEDED = Metric(
    "stanchion_import_success", "gauge", "1 where it has ended and all came in, 0 while it runs, and else."
)
FILES = Metric(
    "stanchion_import_files",
    "gauge",
    "Files so far: imported, or refused with nothing of them.",
    ("outcome",),
)
ENTITIES = Metric(
    "stanchion_import_entities",
    "gauge",
    "Entities so far by what became of them, as the report counts them.",
    ("outcome",),
)
IMPORT_METRICS = (RUNNING, STARTED, ENDED, SUCCEEDED, FILES, ENTITIES)


@contextmanager
def metrics_written(path: Path, reports: Sequence[FileReport]) -> Iterator["ImportMetrics"]:
    """Keep the file for the block, in which `reports` grow; raises OperatorError where it cannot be written."""
    metrics = ImportMetrics(path, reports)
    metrics.begin()
    complete = False
    try:
        yield metrics
        complete = True
    finally:
        metrics.renew(ended=True, complete=complete)


class ImportMetrics:
    """The file of one import."""

    def __init__(self, path: Path, reports: Sequence[FileReport]) -> None:
        self._path = path
        self._reports = reports
        self._began = time.time()

    def begin(self) -> None:
        """Write that it runs; raises OperatorError."""
        try:
            self._write(self._text(ended=False, complete=False))
        except OSError as error:
            raise OperatorError(
                f"{self._path} cannot be written: {error.strerror}. --metrics-file needs a folder of yours."
            ) from None

    def renew(self, *, ended: bool = False, complete: bool = False) -> None:
        """Write what there is to tell by now."""
        # What comes in comes in, whether it can be told or not.
        with suppress(OSError):
            self._write(self._text(ended=ended, complete=complete))

    def _write(self, text: str) -> None:
        beside = self._path.with_name(f".{self._path.name}.{uuid4().hex}")
        try:
            beside.write_text(text, encoding="ascii")
            beside.replace(self._path)
        except OSError:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise

    def _text(self, *, ended: bool, complete: bool) -> str:
        out = sum(report.error is not None for report in self._reports)
        counted = [asdict(report.counts) for report in self._reports]
        succeeded = complete and not any(report.is_refused for report in self._reports)
        return "".join(
            [
                _family(RUNNING, {"": not ended}),
                _family(STARTED, {"": self._began}),
                _family(ENDED, {"": time.time() if ended else 0}),
                _family(SUCCEEDED, {"": succeeded}),
                _family(FILES, {"imported": len(self._reports) - out, "refused": out}),
                _family(ENTITIES, {name: sum(each[name] for each in counted) for name in COUNTS}),
            ]
        )


def _family(metric: Metric, values: dict[str, float]) -> str:
    lines = [f"# HELP {metric.name} {metric.sentence}", f"# TYPE {metric.name} {metric.kind}"]
    for outcome, value in values.items():
        label = f'{{outcome="{outcome}"}}' if outcome else ""
        lines.append(f"{metric.name}{label} {float(value)}")
    return "\n".join([*lines, ""])
