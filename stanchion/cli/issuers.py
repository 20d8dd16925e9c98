"""`stanchion issuer add | list | remove`: identity providers whose tokens are trusted besides our own."""

import asyncio

import click

from stanchion.access.issuer_entry import IssuerEntry
from stanchion.access.issuers import IssuerWish, add_issuer, list_issuers, remove_issuer
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.listing import Listing
from stanchion.cli.options import json_option, note, print_object, print_table, setting_options
from stanchion.model.instant import format_instant
from stanchion.store.meta import operator

_COLUMNS = ("id", "issuer", "audiences", "tenants", "fleet_home", "keys", "created")


@click.group(cls=Listing)
def issuer() -> None:
    """Trust tokens of Entra or another OpenID Connect issuer, list such issuers and remove them."""


@issuer.command("add")
@click.argument("issuer_name", metavar="NAME|URL")
@click.option(
    "--audience", "audiences", multiple=True, required=True, help="What its tokens name us by; repeatable."
)
@click.option(
    "--tenant",
    "tenants",
    multiple=True,
    required=True,
    metavar="GUID",
    help="Tenant it speaks for; repeatable.",
)
@click.option(
    "--fleet-home", is_flag=True, help="Let Ledger.Fleet permissions count in tokens for these tenants."
)
@click.option("--keys-url", help="Where its keys are (JWKS), instead of asking its discovery document.")
@click.option(
    "--keys-host",
    "keys_hosts",
    multiple=True,
    metavar="HOST",
    help="Host, or host:port, besides its own from which its keys may come; repeatable.",
)
@setting_options(*STORE_SETTINGS)
@json_option
def add(
    issuer_name: str,
    audiences: tuple[str, ...],
    *,
    tenants: tuple[str, ...],
    fleet_home: bool,
    keys_url: str | None,
    keys_hosts: tuple[str, ...],
    as_json: bool,
    **options: object,
) -> None:
    """Trust an issuer's tokens for some tenants.

    NAME is a cloud of Entra: global, usgov or china. URL is the https address of any other issuer, exactly as its
    tokens have it in iss.
    """
    wish = IssuerWish(
        issuer_name,
        audiences=audiences,
        tenants=tenants,
        fleet_home=fleet_home,
        keys_url=keys_url,
        keys_hosts=keys_hosts,
    )
    with local_store(options) as local:
        added = asyncio.run(add_issuer(local.store, wish, actor=operator()))
    for warning in added.warnings:
        note(warning)
    print_object(_described(added.entry), as_json=as_json)


@issuer.command("list")
@setting_options(*STORE_SETTINGS)
@json_option
def list_(*, as_json: bool, **options: object) -> None:
    """List the issuers that are trusted, the oldest first."""
    with local_store(options) as local:
        entries = list_issuers(local.store)
    print_table([_described(entry) for entry in entries], columns=_COLUMNS, as_json=as_json)


@issuer.command("remove")
@click.argument("issuer_name", metavar="ID|NAME|URL")
@setting_options(*STORE_SETTINGS)
@json_option
def remove(issuer_name: str, *, as_json: bool, **options: object) -> None:
    """Trust an issuer no more; a running server refuses its tokens within a second."""
    with local_store(options) as local:
        removed = remove_issuer(local.store, issuer_name, actor=operator())
    print_object(_described(removed), as_json=as_json)


def _described(entry: IssuerEntry) -> dict[str, object]:
    return {
        "id": entry.entry_id,
        "issuer": entry.issuer,
        "audiences": list(entry.audiences),
        "tenants": list(entry.tenant_ids),
        "fleet_home": entry.fleet_home,
        "keys": entry.keys_url,
        "created": format_instant(entry.created_ticks),
    }
