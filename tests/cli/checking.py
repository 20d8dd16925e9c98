"""`stanchion check` called in this process, and what its report says."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from click.testing import Result

from tests.cli.invoking import invoke
from tests.serving.place import Place


class Line(NamedTuple):
    """A line of the report."""

    check: str
    status: str
    subject: str | None
    finding: str


def check(
    place: Place | None, *arguments: object, environment: Mapping[str, str] | None = None
) -> tuple[Result, list[Line]]:
    """Return what the command did and the lines that it reports."""
    named = place.options if place is not None else ()
    result = invoke("check", *named, *arguments, "--json", environment=environment)
    report = json.loads(result.stdout)
    lines = [Line(**each) for each in report["findings"]]
    failures = [line for line in lines if line.status == "failed"]
    assert report["ok"] == (not failures)
    assert result.exit_code == (1 if failures else 0)
    assert result.stderr == (f"Error: {len(failures)} of {len(lines)} checks failed.\n" if failures else "")
    assert all("\n" not in line.finding for line in lines)
    return result, lines


def amiss(lines: list[Line]) -> list[tuple[str, str, str]]:
    """Return check, status and sentence of what is not ok, but for the PostgreSQL of the tests, which is hasty."""
    return [
        (line.check, line.status, line.finding)
        for line in lines
        if line.status != "ok" and "is off)" not in line.finding
    ]


def only(lines: list[Line]) -> str:
    """Return the sentence of the one line that is not ok."""
    ((_, _, finding),) = amiss(lines)
    return finding
