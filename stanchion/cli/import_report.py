"""What `stanchion import` tells of each file: counts, and what was refused and where."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from stanchion.cli.import_files import printable
from stanchion.cli.options import print_table
from stanchion.importers.graph import Format
from stanchion.ledger.imports import ImportCounts, ImportedEntity, Refusal
from stanchion.model.wording import shown

COUNTS = ("new", "changed", "same", "kept", "refused")
# Of each file so many lines are printed; the report in JSON has more.
_SHOWN = 20


@dataclass(frozen=True)
class FileReport:
    """One file: what became of it, `error` being why nothing of it came in."""

    file: str
    counts: ImportCounts
    format: Format | None = None
    error: str | None = None
    refusals: Sequence[Refusal] = ()
    written: Sequence[ImportedEntity] = ()
    next_link: str | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the file, or anything in it, was refused."""
        return self.error is not None or self.counts.refused > 0


def print_reports(reports: Sequence[FileReport], *, dry_run: bool, as_json: bool) -> None:
    """Print what became of each file, as a table with what is remarkable below it or as a JSON array."""
    if as_json:
        click.echo(json.dumps([_as_json(report, dry_run=dry_run) for report in reports]))
        return
    rows = [*map(_row, reports), *([_total(reports)] if len(reports) > 1 else [])]
    print_table(rows, columns=("file", *COUNTS), as_json=False)
    for report in reports:
        _print_refusals(report, dry_run=dry_run)
        if dry_run:
            _print_written(report)


def summary(reports: Sequence[FileReport]) -> str:
    """Return one line on what was refused; nothing where nothing was."""
    refused = [report for report in reports if report.is_refused]
    if not refused:
        return ""
    out = [report for report in refused if report.error is not None]
    skipped = sum(report.counts.refused for report in refused if report.error is None)
    entities = f"{skipped:,} entities refused; the rest of their files comes in." if skipped else ""
    if not out:
        return entities
    first = f"{out[0].file}: {out[0].error}"
    if len(out) == 1:
        return f"{first} Nothing of the file was imported. {entities}".rstrip()
    return f"{len(out)} of {len(reports)} files are refused, nothing of them was imported. {entities} First {first}"


def _row(report: FileReport) -> dict[str, object]:
    if report.error is not None and not report.counts.refused:
        return {"file": report.file, **dict.fromkeys(COUNTS, "-"), "refused": "all"}
    return {"file": report.file, **asdict(report.counts)}


def _total(reports: Sequence[FileReport]) -> dict[str, object]:
    came_in = sum(report.error is None for report in reports)
    counts = {name: sum(asdict(report.counts)[name] for report in reports) for name in COUNTS}
    return {"file": f"{came_in:,} of {len(reports):,} files", **counts}


def _as_json(report: FileReport, *, dry_run: bool) -> dict[str, object]:
    return {
        "file": report.file,
        "format": report.format,
        **asdict(report.counts),
        "imported": report.error is None and not dry_run,
        "error": report.error,
        "refusals": [
            {"entity": each.number, "path": each.path, "id": each.id, "reason": each.reason}
            for each in report.refusals
        ],
        "next_link": report.next_link,
        **({"would_write": [asdict(each) for each in report.written]} if dry_run else {}),
    }


def _print_refusals(report: FileReport, *, dry_run: bool) -> None:
    if not report.is_refused:
        return
    if not report.refusals:
        click.echo(f"\n{report.file}: {report.error}")
        return
    stays = "the rest would come in" if dry_run else "the rest came in"
    click.echo(f"\n{report.file}: refused; {'nothing of it comes in' if report.error else stays}")
    for each in report.refusals[:_SHOWN]:
        place = f" at {printable(each.path)}" if each.path else ""
        named = f", {shown(each.id)}" if each.id is not None else ""
        click.echo(f"  entity {each.number}{place}{named}: {each.reason}")
    _print_more(report.counts.refused)


def _print_written(report: FileReport) -> None:
    if not report.written:
        return
    click.echo(f"\n{report.file}: would write")
    for each in report.written[:_SHOWN]:
        click.echo(f"  {each.fate} {each.entity_set} {shown(each.id)}")
    _print_more(report.counts.new + report.counts.changed)


def _print_more(count: int) -> None:
    if count > _SHOWN:
        click.echo(f"  and {count - _SHOWN:,} more")
