"""`stanchion tenant erase`: a tenant goes for ever, with all that was kept of it."""

import click

from stanchion.access.operator_erasure import Erasable, ErasedTenant, erasable, erase_tenant
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.options import instant, json_option, note, print_object, setting_options
from stanchion.cli.progress import progress
from stanchion.errors import OperatorError
from stanchion.model.instant import format_instant
from stanchion.store.meta import operator

_REMAINS = (
    "Backups, exports and files that a restore set aside still hold what was erased: delete them in their time, and "
    "after restoring an older backup erase the tenant again."
)


@click.command("erase")
@click.argument("tenant_id", metavar="GUID")
@click.option("--yes", is_flag=True, help="Do not ask for the tenant's id again.")
@click.option("--dry-run", is_flag=True, help="Tell what would go, and erase nothing.")
@setting_options(*STORE_SETTINGS)
@json_option
def erase(tenant_id: str, *, yes: bool, dry_run: bool, as_json: bool, **options: object) -> None:
    """Erase a tenant for ever: scores, controls, decisions, users, apps and what its history says.

    The server may run meanwhile, and refuses the tenant from the first moment. The hashes of its changes stay, so
    that its history can still be verified. Stopped at any moment, the same command goes on.
    """
    with local_store(options) as local:
        found = erasable(local.store, tenant_id)
        if dry_run:
            print_object(_there(found, as_json=as_json), as_json=as_json)
            return
        if not yes and not found.ended:
            _confirm(found, shown=local.store.name)
        with progress() as advance:
            erased = erase_tenant(local.store, tenant_id, actor=operator(), advance=advance)
    print_object(_described(erased, as_json=as_json), as_json=as_json)
    if erased.scrubbed == "log emptied":
        note(
            "Run it once more while no server runs: the file is then written anew, without what its pages may hide."
        )
    if erased.scrubbed == "log in use":
        note(
            "Somebody still reads the log beside the file, which holds what was erased; run it again in a while."
        )
    note(_REMAINS)


def _confirm(found: Erasable, *, shown: str) -> None:
    """Ask for the tenant's id once more; raises OperatorError for another one."""
    rows = sum(found.rows.values())
    note(f"{rows:,} rows of {found.tenant_id} in {shown} go for ever.")
    typed = click.prompt("Type the id of the tenant to erase it", err=True, default="", show_default=False)
    if typed.strip().lower() != found.tenant_id:
        raise OperatorError("That is not the id of the tenant; nothing was erased.")


def _there(found: Erasable, *, as_json: bool) -> dict[str, object]:
    closed = {"closed": instant(found.closed_ticks)}
    told: dict[str, object] = {"tenant": found.tenant_id, **closed, "erased": found.ended}
    if as_json:
        return {**told, "rows": found.rows}
    return {**told, **{table: f"{count:,}" for table, count in found.rows.items()}}


def _described(erased: ErasedTenant, *, as_json: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "tenant": erased.tenant_id,
        "erased": format_instant(erased.closed_ticks),
        "head": erased.head,
        "file": erased.scrubbed,
    }
    if as_json:
        return {**told, "rows": erased.rows}
    return {**told, "rows": f"{sum(erased.rows.values()):,}"}
