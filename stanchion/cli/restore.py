"""`stanchion restore`: a store made from a backup, with a new epoch."""

from contextlib import suppress
from pathlib import Path

import click

from stanchion.access.key_file import read_key_file
from stanchion.app import key_file
from stanchion.cli.backup import print_holdings, tenants_of
from stanchion.cli.context import STORE_SETTINGS, inspected
from stanchion.cli.options import json_option, note, print_object, setting_options, settings_from
from stanchion.cli.progress import progress
from stanchion.errors import OperatorError
from stanchion.settings import Settings
from stanchion.store.transfer.databases import restore as restore_from
from stanchion.store.transfer.restore import Restored


@click.command("restore")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--replace", is_flag=True, help="Take the place of a store that is there, which is kept beside it."
)
@setting_options(*STORE_SETTINGS)
@json_option
def restore(file: Path, *, replace: bool, as_json: bool, **options: object) -> None:
    """Make a store of the backup FILE, where --database says; it is verified before and after.

    The store has a new epoch: what clients kept of before, entity tags and links, fits it no longer. Run it as
    the account of the server.
    """
    settings = settings_from(options)
    before = _erasures(settings) if replace else {}
    with progress() as advance:
        restored = restore_from(file, settings.database, replace=replace, advance=advance)
    _print(restored, as_json=as_json)
    try:
        read_key_file(key_file(settings))
    except OperatorError as error:
        note(error.message)
    note("Whatever was revoked, removed, erased or decided after the backup was taken is as it was before.")
    for tenant_id, erased in _erasures(settings).items():
        if before.get(tenant_id, erased) > erased:
            note(f"{tenant_id} was erased since, and is there again: `stanchion tenant erase {tenant_id}`.")


def _erasures(settings: Settings) -> dict[str, tuple[int, bool]]:
    """Return of each tenant in the store that is there the change that erased it last, and whether it is erased now.

    Of several states of a tenant the greater one knows more erasures. A store that cannot be read has none.
    """
    with suppress(OperatorError), inspected(settings) as store:
        rows = sorted((*store.tenants(), *store.erased_tenants()), key=lambda row: row.tenant_id)
        return {row.tenant_id: (row.erased_sequence or 0, row.erased_ticks is not None) for row in rows}
    return {}


def _print(restored: Restored, *, as_json: bool) -> None:
    held = restored.holdings
    if as_json:
        print_object(
            {
                "database": restored.place,
                "store": held.store_id,
                "epoch": held.epoch,
                "former_epoch": restored.former_epoch,
                "kept": str(restored.kept) if restored.kept else None,
                "tenants": tenants_of(held),
            },
            as_json=True,
        )
        return
    print_object(
        {
            "restored to": restored.place,
            "store": held.store_id,
            "epoch": f"{held.epoch} (before: {restored.former_epoch})",
            "verified": f"{len(held.tenants)} tenants, {held.changes:,} changes, {held.entities:,} entities",
            **({"kept": str(restored.kept)} if restored.kept else {}),
        },
        as_json=False,
    )
    print_holdings(held)
