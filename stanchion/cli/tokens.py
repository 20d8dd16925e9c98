"""`stanchion token` and `stanchion key`: bearer tokens made on the store's machine, and the keys that sign."""

import time

import click

from stanchion.access.operator import rotate_key, withdraw_keys
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.listing import Listing
from stanchion.cli.options import (
    instant,
    json_option,
    print_object,
    print_table,
    setting_options,
    tenant_option,
)
from stanchion.model.instant import TICKS_PER_SECOND, format_instant
from stanchion.store.meta import operator


@click.command()
@tenant_option
@click.option("--client-id", required=True, help="The application for which the token is made.")
@click.option(
    "--client-secret",
    envvar="STANCHION_CLIENT_SECRET",
    help="Its secret; without it, an operator's act is recorded.",
)
@click.option("--upn", help="Make a delegated token that speaks for this person.")
@click.option("--scope", "scopes", multiple=True, help="Permission of a delegated token; repeatable.")
@click.option(
    "--role", "roles", multiple=True, help="Directory role of the person, such as 'Security Reader'."
)
@setting_options(*STORE_SETTINGS)
@json_option
def token(
    tenant_id: str,
    client_id: str,
    *,
    client_secret: str | None,
    upn: str | None,
    scopes: tuple[str, ...],
    roles: tuple[str, ...],
    as_json: bool,
    **options: object,
) -> None:
    """Print a bearer token that this store trusts, for an hour."""
    wish = TokenWish(tenant_id, client_id, secret=client_secret, upn=upn, scopes=scopes, roles=roles)
    with local_store(options) as local:
        issued = issue_token(
            local.store, wish, key_file=local.key_file, actor=operator(), now_seconds=int(time.time())
        )
    if as_json:
        expires = format_instant(issued.claims.exp * TICKS_PER_SECOND)
        print_object({"access_token": issued.token, "expires": expires}, as_json=True)
    else:
        click.echo(issued.token)


@click.group(cls=Listing)
def key() -> None:
    """List the keys that sign tokens, and change to a new one."""


@key.command("list")
@setting_options(*STORE_SETTINGS)
@json_option
def list_(*, as_json: bool, **options: object) -> None:
    """List the signing keys, the oldest first."""
    with local_store(options) as local:
        rows = [
            {
                "key": row.kid,
                "algorithm": row.algorithm,
                "created": format_instant(row.created_ticks),
                "retires": instant(row.retired_ticks),
            }
            for row in local.store.signing_keys()
        ]
    print_table(rows, columns=("key", "algorithm", "created", "retires"), as_json=as_json)


@key.command("rotate")
@click.option(
    "--withdraw", "withdraws", is_flag=True, help="Refuse all tokens of former keys at once, as after a leak."
)
@setting_options(*STORE_SETTINGS)
@json_option
def rotate(*, withdraws: bool, as_json: bool, **options: object) -> None:
    """Sign with a new key from now on; tokens of the old one stay good until they expire, or are refused."""
    with local_store(options) as local:
        change = withdraw_keys if withdraws else rotate_key
        rotated = change(local.store, key_file=local.key_file, actor=operator())
    told = {"withdrawn": list(rotated.withdrawn)} if withdraws else {"retired": list(rotated.retired)}
    print_object({"key": rotated.kid, **told}, as_json=as_json)
