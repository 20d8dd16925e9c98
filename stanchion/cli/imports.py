"""`stanchion import`: exports of a tenant in, one transaction a file, with a report on each."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import click

from stanchion.access.tenants import parse_tenant_id
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.import_files import ImportFile, Unreadable, import_files, too_large
from stanchion.cli.import_report import FileReport, print_reports, summary
from stanchion.cli.options import json_option, note, setting_options, settings_from, tenant_option
from stanchion.cli.progress import Advance, progress
from stanchion.errors import BadRequest, NotFound, OperatorError, PayloadTooLarge
from stanchion.importers.graph import FORMATS, Fault, Format, Found, GraphExport
from stanchion.ledger.imports import (
    EntitiesRefused,
    ImportCounts,
    ImportEntities,
    ImportReport,
    Incoming,
    Refusal,
    Refusals,
)
from stanchion.store import OperatedStore
from stanchion.store.meta import operator
from stanchion.store.rehearsal import rehearsal

Run: TypeAlias = Callable[[ImportEntities], ImportReport]


@dataclass(frozen=True)
class Wanted:
    """How files are to come in."""

    tenant_id: str
    format: Format | None = None
    retarget: bool = False
    skip_refused: bool = False
    dry_run: bool = False


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@tenant_option
@click.option(
    "--format", "asked", type=click.Choice(FORMATS), help="Read as this format; else it is recognised."
)
@click.option("--retarget", is_flag=True, help="Bring entities of other tenants under this tenant's id.")
@click.option("--skip-refused", is_flag=True, help="Import the rest of a file that has refused entities.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@click.option(
    "--metrics-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep metrics in this file, for Prometheus's node exporter.",
)
@setting_options(*STORE_SETTINGS, "max_import_bytes")
@json_option
def import_(
    files: tuple[Path, ...],
    tenant_id: str,
    *,
    asked: Format | None,
    retarget: bool,
    skip_refused: bool,
    dry_run: bool,
    metrics_file: Path | None,
    as_json: bool,
    **options: object,
) -> None:
    """Bring exports of Microsoft Graph in: files, folders of them, .gz and .zip; - is standard input.

    Each file is one transaction: all of it comes in, or nothing. The same file twice changes nothing. A score
    of a past day that is there already stays as it is ("kept"). Exit status 1 if anything was refused.
    """
    max_bytes = settings_from(options).max_import_bytes
    reports: list[FileReport] = []
    with local_store(options) as local:
        wanted = Wanted(
            parse_tenant_id(tenant_id), asked, retarget=retarget, skip_refused=skip_refused, dry_run=dry_run
        )
        if local.store.tenant(wanted.tenant_id) is None:
            raise NotFound(f"The tenant {wanted.tenant_id} does not exist; `stanchion tenant add` adds it.")
        try:
            measured = _measured(None if dry_run else metrics_file, reports)
            with (
                measured as note_metrics,
                _runner(local.store, dry_run=dry_run) as run,
                progress() as advance,
            ):
                for file in import_files(files, max_bytes=max_bytes, database=local.store.path):
                    reports.append(_report(run, file, wanted, advance))
                    note_metrics()
        finally:
            # What came in before everything stops stays in, and is told of.
            if reports:
                print_reports(reports, dry_run=dry_run, as_json=as_json)
    _note_links(reports)
    if refused := summary(reports):
        raise OperatorError(refused)


def import_bytes(store: OperatedStore, data: bytes, *, source: str, tenant_id: str) -> ImportReport:
    """Import one file's content; all of it or, raising what refuses it, nothing."""
    return store.run(_read(ImportFile(source, source, data), Wanted(tenant_id), lambda *_: None).command)


@dataclass(frozen=True)
class _Read:
    """A file that was read: the command it makes, and what the report says of it."""

    command: ImportEntities
    format: Format
    next_link: str | None


@contextmanager
def _runner(store: OperatedStore, *, dry_run: bool) -> Iterator[Run]:
    with rehearsal(store) if dry_run else nullcontext(store) as stage:
        yield stage.run


@contextmanager
def _measured(path: Path | None, reports: list[FileReport]) -> Iterator[Callable[[], None]]:
    """Keep metrics in the file, if there is one; give what writes them anew."""
    if path is None:
        yield lambda: None
        return
    # What they are described by is the server's.
    from stanchion.cli.import_metrics import metrics_written

    with metrics_written(path, reports) as metrics:
        yield metrics.renew


def _report(run: Run, file: ImportFile | Unreadable, wanted: Wanted, advance: Advance) -> FileReport:
    if isinstance(file, Unreadable):
        return FileReport(file.name, ImportCounts(), error=file.reason)
    try:
        read = _read(file, wanted, advance)
    except (BadRequest, PayloadTooLarge) as error:
        return FileReport(file.name, ImportCounts(), error=too_large(error))
    try:
        report = run(read.command)
    except EntitiesRefused as error:
        counts = ImportCounts(refused=error.refusals.count)
        return FileReport(file.name, counts, read.format, error=error.message, refusals=error.refusals.named)
    return FileReport(
        file.name,
        report.counts,
        read.format,
        refusals=report.refusals,
        # Told of in a dry run only; of years of files they would be many.
        written=report.written if wanted.dry_run else (),
        next_link=read.next_link,
    )


def _read(file: ImportFile, wanted: Wanted, advance: Advance) -> _Read:
    """Read a file to the end; of its bytes nothing stays but those of the entities."""
    data = file.take()
    digest = file.digest or hashlib.sha256(data).hexdigest()
    export = GraphExport(data, asked=wanted.format)
    del data
    entities: list[Incoming] = []
    faults = Refusals()
    for part in export.entities(tenant_id=wanted.tenant_id, retarget=wanted.retarget):
        advance(file.name, export.position, len(export))
        match part:
            case Found(place, entity_set, value, placed):
                entities.append(
                    Incoming.of(entity_set, value, number=place.number, path=place.path, placed=placed)
                )
            case Fault(place, entity_id, reason):
                faults.add(Refusal(place.number, place.path, entity_id, reason))
    command = ImportEntities(
        tenant_id=wanted.tenant_id,
        command_id=str(uuid4()),
        actor=operator(),
        source=file.source,
        digest=digest,
        entities=tuple(entities),
        faults=faults,
        skip_refused=wanted.skip_refused,
    )
    return _Read(command, export.format, export.next_link)


def _note_links(reports: list[FileReport]) -> None:
    """Tell of pages that go on elsewhere, once for all files."""
    open_ended = [report for report in reports if report.next_link is not None]
    if not open_ended:
        return
    first = open_ended[0]
    several = f" Other files that go on: {len(open_ended) - 1}." if len(open_ended) > 1 else ""
    link = (first.next_link or "")[:200]
    note(f"{first.file} is one page of several: it goes on at {link!a}.{several}")
