"""`stanchion tenant add | list`: the tenants of a store. Nothing else makes one."""

import click

from stanchion.access.operator import add_tenant, ensure_signing_key
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.listing import Listing
from stanchion.cli.options import json_option, note, print_object, print_table, setting_options
from stanchion.model.instant import format_instant
from stanchion.store.meta import operator


@click.group(cls=Listing)
def tenant() -> None:
    """Add tenants, and list them."""


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
@setting_options(*STORE_SETTINGS)
@json_option
def list_(*, as_json: bool, **options: object) -> None:
    """List the tenants by id."""
    with local_store(options) as local:
        rows = [
            {"tenant": row.tenant_id, "name": row.name, "created": format_instant(row.created_ticks)}
            for row in local.store.tenants()
        ]
    print_table(rows, columns=("tenant", "name", "created"), as_json=as_json)
