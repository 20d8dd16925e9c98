"""`stanchion import | export | verify | migrate`: a tenant's data in and out, and whether it is what it was."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import click

from stanchion.access.tenants import parse_tenant_id
from stanchion.app import migrate_database
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.options import (
    json_option,
    note,
    print_object,
    print_table,
    setting_options,
    settings_from,
    tenant_option,
)
from stanchion.cli.progress import progress
from stanchion.errors import NotFound, OperatorError, StanchionError
from stanchion.importers.graph import PLACED, open_export
from stanchion.ledger.controls import exported
from stanchion.ledger.imports import ImportCounts, ImportEntities
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import CONTROL_PROFILES, GRAPH_SETS, EntitySet
from stanchion.model.json_text import dump_json
from stanchion.store import STORE_CHAIN, SQLiteStore
from stanchion.store.meta import operator
from stanchion.store.moment import Moment
from stanchion.store.tables import HEAD_REVISION
from stanchion.store.verify import verify as verify_tenant

_NOTED_HEAD = re.compile(r"(?P<sequence>[0-9]{1,18}):(?P<hash>[0-9a-f]{64})")
_COUNTS = ("new", "changed", "same", "kept")


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@tenant_option
@setting_options(*STORE_SETTINGS, "max_import_bytes")
@json_option
def import_(files: tuple[Path, ...], tenant_id: str, *, as_json: bool, **options: object) -> None:
    """Bring exports of Microsoft Graph in: REST pages, or arrays of entities.

    Each file is one transaction: all of it comes in, or nothing. The same file twice changes nothing. A score
    of a past day that is there already stays as it is ("kept").
    """
    max_bytes = settings_from(options).max_import_bytes
    rows: list[Mapping[str, object]] = []
    with local_store(options) as local:
        asked = parse_tenant_id(tenant_id)
        try:
            for file in files:
                counts = _import_file(local.store, file, tenant_id=asked, max_bytes=max_bytes)
                rows.append({"file": str(file), **{name: getattr(counts, name) for name in _COUNTS}})
        finally:
            # What came in before a file that is refused stays in, and is told of.
            if rows:
                print_table(rows, columns=("file", *_COUNTS), as_json=as_json)


@click.command("export")
@tenant_option
@click.option("--to", "directory", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@setting_options(*STORE_SETTINGS)
@json_option
def export(tenant_id: str, directory: Path, *, as_json: bool, **options: object) -> None:
    """Write a tenant as Graph JSON, one file a set, importable again.

    Controls carry the whole history of their decisions in controlStateUpdates, newest first.
    """
    asked = parse_tenant_id(tenant_id)
    with local_store(options) as local, local.store.snapshot(asked) as moment:
        if moment.head is None:
            raise NotFound(f"The tenant {asked} does not exist; `stanchion tenant list` names them.")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            rows = [_export_set(moment, entity_set, directory) for entity_set in GRAPH_SETS]
        except OSError as error:
            raise OperatorError(f"{directory} cannot be written: {error.strerror}.") from None
    print_table(rows, columns=("file", "entities"), as_json=as_json)


@click.command("verify")
@tenant_option
@click.option("--head", metavar="SEQ:HASH", help="A head noted earlier, which must still be in the chain.")
@setting_options(*STORE_SETTINGS)
@json_option
def verify(tenant_id: str, head: str | None, *, as_json: bool, **options: object) -> None:
    """Check that a tenant's history was not altered; prints the head, to be noted for later.

    The store's own acts, such as key rotation, are in the chain 00000000-0000-0000-0000-000000000000.
    """
    noted = None
    if head is not None:
        match = _NOTED_HEAD.fullmatch(head.lower())
        if match is None:
            raise click.UsageError("--head is SEQ:HASH as an earlier verify printed it.")
        noted = (int(match["sequence"]), match["hash"])
    with local_store(options) as local:
        report = verify_tenant(local.store, _chain(tenant_id), head=noted)
    result = {
        "verified": "the chain is whole",
        "changes": report.changes,
        "entities": report.entities,
        **({"unchecked": report.unchecked} if report.unchecked or as_json else {}),
        "head": f"{report.sequence}:{report.hash}",
    }
    if report.unchecked:
        note(
            f"The salts of {report.unchecked} entities were erased: nothing tells whether their bodies are what was "
            "written."
        )
    print_object(result, as_json=as_json)


@click.command("migrate")
@setting_options(*STORE_SETTINGS)
@json_option
def migrate(*, as_json: bool, **options: object) -> None:
    """Bring the database's schema up to date, making it when it is new."""
    migrate_database(settings_from(options).database)
    if as_json:
        print_object({"schema": HEAD_REVISION}, as_json=True)
    else:
        click.echo("The schema is up to date.")


def _chain(tenant_id: str) -> str:
    return tenant_id if tenant_id == STORE_CHAIN else parse_tenant_id(tenant_id)


def _import_file(store: SQLiteStore, file: Path, *, tenant_id: str, max_bytes: int) -> ImportCounts:
    try:
        return import_bytes(store, _read(file, max_bytes=max_bytes), source=file.name, tenant_id=tenant_id)
    except OperatorError:
        raise
    except StanchionError as error:
        raise OperatorError(f"{file}: {error.message} Nothing of the file was imported.") from None


def import_bytes(store: SQLiteStore, data: bytes, *, source: str, tenant_id: str) -> ImportCounts:
    """Import one file's content; all of it or, raising what refuses it, nothing."""
    opened = open_export(data)
    if opened.next_link is not None:
        note(f"{source} is one page of several: it goes on at {opened.next_link[:200]!a}.")
    with progress(source, total=len(opened)) as advance:
        entities = tuple(advance(opened.entities(tenant_id=tenant_id)))
    return store.run(
        ImportEntities(
            tenant_id=tenant_id,
            command_id=str(uuid4()),
            actor=operator(),
            source=source,
            digest=hashlib.sha256(data).hexdigest(),
            entities=entities,
            placed=opened.placed,
        )
    )


def _read(file: Path, *, max_bytes: int) -> bytes:
    try:
        size = file.stat().st_size
        if size > max_bytes:
            raise OperatorError(
                f"{file} has {size:,} bytes; --max-import-bytes (STANCHION_MAX_IMPORT_BYTES) allows {max_bytes:,}."
            )
        return file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}.") from None


def _export_set(moment: Moment, entity_set: EntitySet, directory: Path) -> dict[str, object]:
    target = directory / f"{entity_set.name}.json"
    partial = target.with_suffix(".json.partial")
    written = 0
    with partial.open("wb") as file:
        context = f"https://graph.microsoft.com/{entity_set.roots[0]}/$metadata#security/{entity_set.name}"
        head = {"@odata.context": context, PLACED: True}
        file.write(dump_json(head).removesuffix(b"}") + b',"value":[')
        for stored in moment.entities(entity_set):
            file.write(b",\n" if written else b"\n")
            file.write(_exported(moment, entity_set, stored))
            written += 1
        file.write(b"\n]}\n")
    partial.replace(target)
    return {"file": str(target), "entities": written}


def _exported(moment: Moment, entity_set: EntitySet, stored: Stored) -> bytes:
    if entity_set is not CONTROL_PROFILES:
        return stored.body
    return dump_json(exported(stored.value, moment.history(stored.id)))
