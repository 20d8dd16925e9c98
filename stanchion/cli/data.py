"""`stanchion export | verify`: a tenant's data out, and whether it is what it was."""

import re
from pathlib import Path

import click

from stanchion.access.tenants import parse_tenant_id
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.options import (
    json_option,
    note,
    print_object,
    print_table,
    setting_options,
    tenant_option,
)
from stanchion.errors import NotFound, OperatorError
from stanchion.importers.shape import PLACED
from stanchion.ledger.controls import exported
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import CONTROL_PROFILES, GRAPH_SETS, EntitySet
from stanchion.model.instant import format_instant
from stanchion.model.json_text import dump_json
from stanchion.store import STORE_CHAIN
from stanchion.store.moment import Moment
from stanchion.store.verify import VerifyReport
from stanchion.store.verify import verify as verify_tenant

_NOTED_HEAD = re.compile(r"(?P<sequence>[0-9]{1,18}):(?P<hash>[0-9a-f]{64})")


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
        **_erasure(report),
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


def _erasure(report: VerifyReport) -> dict[str, object]:
    """Return what to print of a tenant that was erased, be it that it was added again since."""
    told: dict[str, object] = {}
    if report.closed_ticks is not None:
        told["erased"] = format_instant(report.closed_ticks)
    if report.under_way:
        told["erasure"] = "not ended"
        note("The tenant is being erased; `stanchion tenant erase` ends it, should it have been stopped.")
    if report.erased_changes:
        told["erased_changes"] = report.erased_changes
    return told


def _chain(tenant_id: str) -> str:
    return tenant_id if tenant_id == STORE_CHAIN else parse_tenant_id(tenant_id)


def _export_set(moment: Moment, entity_set: EntitySet, directory: Path) -> dict[str, object]:
    target = directory / f"{entity_set.name}.json"
    partial = target.with_suffix(".json.partial")
    try:
        written = _write_set(moment, entity_set, partial)
        partial.replace(target)
    finally:
        # What an export that was stopped left would be read by an import of the folder.
        partial.unlink(missing_ok=True)
    return {"file": str(target), "entities": written}


def _write_set(moment: Moment, entity_set: EntitySet, file: Path) -> int:
    """Write a page of all entities of a set; returns how many they are."""
    written = 0
    with file.open("wb") as target:
        context = f"https://graph.microsoft.com/{entity_set.roots[0]}/$metadata#security/{entity_set.name}"
        head = {"@odata.context": context, PLACED: True}
        target.write(dump_json(head).removesuffix(b"}") + b',"value":[')
        for stored in moment.entities(entity_set):
            target.write(b",\n" if written else b"\n")
            target.write(_exported(moment, entity_set, stored))
            written += 1
        target.write(b"\n]}\n")
    return written


def _exported(moment: Moment, entity_set: EntitySet, stored: Stored) -> bytes:
    if entity_set is not CONTROL_PROFILES:
        return stored.body
    return dump_json(exported(stored.value, moment.history(stored.id)))
