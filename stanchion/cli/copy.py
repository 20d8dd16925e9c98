"""`stanchion copy`: a whole store to another database, which is the store from then on."""

import click

from stanchion.cli.backup import print_holdings, tenants_of
from stanchion.cli.options import json_option, note, print_object
from stanchion.cli.progress import progress
from stanchion.store.transfer.copy import Copied
from stanchion.store.transfer.databases import copy as copy_store


@click.command("copy")
@click.option("--from", "source", metavar="URL", required=True, help="The database that holds the store.")
@click.option(
    "--to", "target", metavar="URL", required=True, help="An empty database, or one that a copy began."
)
@click.option(
    "--ahead", is_flag=True, help="Copy while the server runs; the store stays where it is for now."
)
@json_option
def copy(source: str, target: str, *, ahead: bool, as_json: bool) -> None:
    """Move the whole store to another database, and compare all of it.

    It stays the same store: tokens, entity tags and links stay good. The server is stopped meanwhile; --ahead
    copies most before. Stopped at any moment, the same command goes on.
    """
    with progress() as advance:
        copied = copy_store(source, target, ahead=ahead, advance=advance)
    _print(copied, as_json=as_json)
    note(_remark(copied))


def _print(copied: Copied, *, as_json: bool) -> None:
    held = copied.holdings
    if as_json:
        print_object(
            {
                "from": copied.source,
                "to": copied.target,
                "store": held.store_id,
                "epoch": held.epoch,
                "finished": copied.finished,
                "tenants_written": copied.written,
                "rows_compared": copied.compared,
                "moved_on": list(copied.moved_on),
                "tenants": tenants_of(held),
            },
            as_json=True,
        )
        return
    print_object(
        {
            "from": copied.source,
            "to": copied.target,
            "store": held.store_id,
            "compared": f"{copied.compared:,} rows are the same",
            "verified": f"{len(held.tenants)} tenants, {held.changes:,} changes, {held.entities:,} entities",
        },
        as_json=False,
    )
    print_holdings(held)


def _remark(copied: Copied) -> str:
    if copied.finished:
        return (
            f"The store is in {copied.target} now: serve it there, with the same key file (--key-file). What is left "
            f"in {copied.source} is not served any more."
        )
    since = f", {len(copied.moved_on)} of which were written to since" if copied.moved_on else ""
    return (
        f"The copy has {len(copied.holdings.chains)} chains{since}. To move the store, stop the server and run the "
        "same command without --ahead: it brings what came since."
    )
