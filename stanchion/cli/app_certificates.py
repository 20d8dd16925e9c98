"""`stanchion app certificate add | list | remove`: certificates by which applications prove who they are."""

import datetime as dt
from pathlib import Path

import click

from stanchion.access.client import Client
from stanchion.access.client_certificate import ClientCertificate, read_certificate
from stanchion.access.operator import find_app
from stanchion.access.operator_certificate import (
    add_certificate,
    read_certificate_at,
    remove_certificate,
    time_warning,
)
from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.listing import Listing
from stanchion.cli.options import json_option, note, print_table, setting_options
from stanchion.model.instant import format_instant, ticks_of
from stanchion.store.meta import operator


@click.group(cls=Listing)
def certificate() -> None:
    """Give an application certificates to sign in by, list and remove them."""


@certificate.command("add")
@click.argument("client_id")
@click.argument("file", type=click.Path(path_type=Path))
@setting_options(*STORE_SETTINGS)
@json_option
def add(client_id: str, file: Path, *, as_json: bool, **options: object) -> None:
    """Accept what the key of this certificate signs as the application's word; FILE is PEM or DER."""
    given = read_certificate_at(file, now=dt.datetime.now(dt.UTC))
    with local_store(options) as local:
        app = add_certificate(local.store, client_id, certificate=given, actor=operator())
    note_time(given)
    _print(app, as_json=as_json)


@certificate.command("list")
@click.argument("client_id")
@setting_options(*STORE_SETTINGS)
@json_option
def list_(client_id: str, *, as_json: bool, **options: object) -> None:
    """List the certificates of an application, the oldest first."""
    with local_store(options) as local:
        app = find_app(local.store, client_id)
    _print(app, as_json=as_json)


@certificate.command("remove")
@click.argument("client_id")
@click.argument("thumbprint")
@setting_options(*STORE_SETTINGS)
@json_option
def remove(client_id: str, thumbprint: str, *, as_json: bool, **options: object) -> None:
    """Accept a certificate no longer; THUMBPRINT is its SHA-256. Tokens that it got stay good."""
    with local_store(options) as local:
        app = remove_certificate(local.store, client_id, thumbprint=thumbprint, actor=operator())
    if not app.certificates and not app.secrets:
        note(f"The app {app.client_id} has neither certificate nor secret now, and gets no tokens.")
    _print(app, as_json=as_json)


def note_time(given: ClientCertificate) -> None:
    """Tell the operator where a certificate just given counts not yet, or not for long."""
    warning = time_warning(given, now=dt.datetime.now(dt.UTC))
    if warning is not None:
        note(warning)


def _print(app: Client, *, as_json: bool) -> None:
    rows = [
        {
            "thumbprint": kept.thumbprint,
            "subject": kept.subject,
            "begins": format_instant(ticks_of(kept.begins)),
            "ends": format_instant(ticks_of(kept.ends)),
        }
        for kept in (read_certificate(each.certificate) for each in app.certificates)
    ]
    print_table(rows, columns=("thumbprint", "subject", "begins", "ends"), as_json=as_json)
