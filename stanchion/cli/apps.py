"""`stanchion app add | secret | list | revoke-tokens | revoke`: the applications that may ask for tokens."""

import datetime as dt
from pathlib import Path

import click

from stanchion.access.client import Client, read_client
from stanchion.access.operator import (
    AppWish,
    add_app,
    add_secret,
    ensure_signing_key,
    revoke_app,
    revoke_tokens,
)
from stanchion.access.operator_certificate import read_certificate_at
from stanchion.access.tenants import parse_tenant_id
from stanchion.cli.app_certificates import certificate, note_time
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.listing import Listing
from stanchion.cli.options import (
    instant,
    json_option,
    note,
    print_object,
    print_table,
    setting_options,
    tenant_option,
)
from stanchion.store.meta import operator


@click.group(cls=Listing)
def app() -> None:
    """Add applications, give them secrets and certificates, list and revoke them."""


app.add_command(certificate)


@app.command("add")
@tenant_option
@click.option("--name", required=True, help="Name for people.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    help="Permission as Graph names it; repeatable.  [default: SecurityEvents.Read.All]",
)
@click.option("--provider", help="Let it see this provider's data only.")
@click.option("--fleet", is_flag=True, help="Let its Ledger.Fleet permissions count, across all tenants.")
@click.option(
    "--certificate",
    "certificate_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Certificate by whose key it signs in, instead of a secret.",
)
@setting_options(*STORE_SETTINGS)
@json_option
def add(
    tenant_id: str,
    name: str,
    *,
    permissions: tuple[str, ...],
    provider: str | None,
    fleet: bool,
    certificate_file: Path | None,
    as_json: bool,
    **options: object,
) -> None:
    """Add an application; prints its client id and, unless it has a certificate, its secret, once."""
    given = read_certificate_at(certificate_file, now=dt.datetime.now(dt.UTC)) if certificate_file else None
    wish = AppWish(
        tenant_id,
        name,
        permissions=permissions,
        provider=provider,
        fleet=fleet,
        certificate=given,
    )
    with local_store(options) as local:
        ensure_signing_key(local.store, key_file=local.key_file, actor=operator())
        added = add_app(local.store, wish, actor=operator())
    for warning in added.warnings:
        note(warning)
    if given is not None:
        note_time(given)
    secret = {"client_secret": added.secret} if added.secret else {}
    print_object({**_described(added.app), **secret}, as_json=as_json)


@app.command("secret")
@click.argument("client_id")
@setting_options(*STORE_SETTINGS)
@json_option
def secret(client_id: str, *, as_json: bool, **options: object) -> None:
    """Give an application a further secret; two are accepted at a time, the oldest goes."""
    with local_store(options) as local:
        added = add_secret(local.store, client_id, actor=operator())
    for warning in added.warnings:
        note(warning)
    print_object({"client_id": client_id, "client_secret": added.secret}, as_json=as_json)


@app.command("list")
@click.option("--tenant", "tenant_id", metavar="GUID", help="Those of one tenant.")
@setting_options(*STORE_SETTINGS)
@json_option
def list_(tenant_id: str | None, *, as_json: bool, **options: object) -> None:
    """List the applications, the oldest first."""
    with local_store(options) as local:
        asked = parse_tenant_id(tenant_id) if tenant_id is not None else None
        clients = [read_client(row) for row in local.store.clients(asked)]
    columns = (
        *("client_id", "name", "tenant", "permissions", "provider", "fleet", "secrets", "certificates"),
        *("tokens_from", "revoked"),
    )
    print_table([_described(client) for client in clients], columns=columns, as_json=as_json)


@app.command("revoke-tokens")
@click.argument("client_id")
@setting_options(*STORE_SETTINGS)
@json_option
def revoke_tokens_(client_id: str, *, as_json: bool, **options: object) -> None:
    """End the tokens that an application has; it may ask for new ones."""
    with local_store(options) as local:
        changed = revoke_tokens(local.store, client_id, actor=operator())
    print_object(_described(changed), as_json=as_json)


@app.command("revoke")
@click.argument("client_id")
@setting_options(*STORE_SETTINGS)
@json_option
def revoke(client_id: str, *, as_json: bool, **options: object) -> None:
    """Revoke an application for ever, and with it the tokens it has."""
    with local_store(options) as local:
        revoked = revoke_app(local.store, client_id, actor=operator())
    print_object(_described(revoked), as_json=as_json)


def _described(client: Client) -> dict[str, object]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "tenant": client.tenant_id,
        "permissions": list(client.permissions),
        "provider": client.provider,
        "fleet": client.fleet,
        "secrets": [f"{secret.hint}..." for secret in client.secrets],
        "certificates": [f"{kept.thumbprint[:8]}..." for kept in client.certificates],
        "tokens_from": instant(client.tokens_from_ticks),
        "revoked": instant(client.revoked_ticks),
    }
