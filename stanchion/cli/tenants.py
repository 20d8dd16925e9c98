"""`stanchion tenant add | list | erase`: the tenants of a store. Nothing else makes one."""

import click

from stanchion.access.operator import add_tenant, ensure_signing_key
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.listing import Listing
from stanchion.cli.options import json_option, note, print_object, print_table, setting_options
from stanchion.cli.tenant_erasure import erase
from stanchion.model.instant import format_instant
from stanchion.store.meta import operator
from stanchion.store.rows import read_erased_tenants


@click.group(cls=Listing)
def tenant() -> None:
    """Add tenants, list them, and erase them."""


tenant.add_command(erase)


@tenant.command("add")
@click.argument("tenant_id", metavar="GUID")
@click.option("--name", required=True, help="Name for people.")
@setting_options(*STORE_SETTINGS)
@json_option
def add(tenant_id: str, name: str, *, as_json: bool, **options: object) -> None:
    """Add a tenant; the store is made when it is new."""
    with local_store(options, create=True) as local:
        ensure_signing_key(local.store, key_file=local.key_file, actor=operator())
        added = add_tenant(local.store, tenant_id, name=name, actor=operator())
    for warning in added.warnings:
        note(warning)
    print_object({"tenant": added.tenant_id, "name": added.name}, as_json=as_json)


@tenant.command("list")
@click.option("--erased", is_flag=True, help="List those that are erased instead.")
@setting_options(*STORE_SETTINGS)
@json_option
def list_(*, erased: bool, as_json: bool, **options: object) -> None:
    """List the tenants by id."""
    if erased:
        _list_erased(options, as_json=as_json)
        return
    with local_store(options) as local:
        rows = [
            {"tenant": row.tenant_id, "name": row.name, "created": format_instant(row.created_ticks)}
            for row in local.store.tenants()
        ]
    print_table(rows, columns=("tenant", "name", "created"), as_json=as_json)


def _list_erased(options: dict[str, object], *, as_json: bool) -> None:
    with local_store(options) as local, local.store.reading() as connection:
        rows = [
            {"tenant": row.tenant_id, "erased": format_instant(row.erased_ticks or 0)}
            for row in read_erased_tenants(connection)
        ]
    print_table(rows, columns=("tenant", "erased"), as_json=as_json)
