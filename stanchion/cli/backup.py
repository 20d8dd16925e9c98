"""`stanchion backup`: a whole store in one file, taken beside a running server, verified before it has its name."""

from pathlib import Path

import click

from stanchion.app import key_file
from stanchion.cli.context import STORE_SETTINGS
from stanchion.cli.options import (
    json_option,
    note,
    print_object,
    print_table,
    setting_options,
    settings_from,
)
from stanchion.cli.progress import progress
from stanchion.model.instant import format_instant
from stanchion.settings import Settings
from stanchion.store.transfer.backup import Backup
from stanchion.store.transfer.databases import back_up
from stanchion.store.transfer.holdings import Holdings


@click.command("backup")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Put the backup in the place of a file that exists.")
@setting_options(*STORE_SETTINGS)
@json_option
def backup(file: Path, *, replace: bool, as_json: bool, **options: object) -> None:
    """Write the whole store to FILE and verify it; the server may run meanwhile.

    It holds all that was answered before it began. The key file is not in it: keep that too, elsewhere.
    """
    settings = settings_from(options)
    with progress() as advance:
        made = back_up(settings.database, file, replace=replace, advance=advance)
    if as_json:
        print_object(_described(made, settings), as_json=True)
        return
    _print(made)
    note(key_file_note(settings))


def tenants_of(holdings: Holdings) -> list[dict[str, object]]:
    """Return what is told of each chain that was verified, the store's own first."""
    return [
        {
            "tenant": held.tenant_id,
            "name": held.name,
            "changes": held.changes,
            "entities": held.entities,
            "head": held.head,
        }
        for held in holdings.chains
    ]


def print_holdings(holdings: Holdings) -> None:
    """Print what a store holds, a line for each chain."""
    print_table(
        tenants_of(holdings), columns=("tenant", "name", "changes", "entities", "head"), as_json=False
    )


def key_file_note(settings: Settings) -> str:
    """Return what to say of the key file, which goes nowhere with a store."""
    return (
        f"The key file {key_file(settings)} is not in it, and without that no token can be signed: keep it too, "
        "apart from the backups."
    )


def _described(made: Backup, settings: Settings) -> dict[str, object]:
    return {
        "file": str(made.file),
        "bytes": made.bytes,
        "taken": format_instant(made.taken_ticks),
        "store": made.holdings.store_id,
        "epoch": made.holdings.epoch,
        "schema": made.schema,
        "key_file": str(key_file(settings)),
        "tenants": tenants_of(made.holdings),
    }


def _print(made: Backup) -> None:
    held = made.holdings
    print_object(
        {
            "backup": str(made.file),
            "size": f"{made.bytes / 1_000_000:,.1f} MB",
            "as of": format_instant(made.taken_ticks),
            "store": held.store_id,
            "verified": f"{len(held.tenants)} tenants, {held.changes:,} changes, {held.entities:,} entities",
        },
        as_json=False,
    )
    print_holdings(held)
