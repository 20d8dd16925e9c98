"""Checks of the applications: whether the certificates that they sign in by last."""

import datetime as dt
from collections.abc import Iterator

from stanchion.access.client import read_client
from stanchion.access.client_certificate import read_certificate
from stanchion.access.operator_certificate import SOON, time_warning
from stanchion.cli.checks.finding import Finding, ok, warning
from stanchion.store.inspection import Inspection


def check_client_certificates(store: Inspection, *, now: dt.datetime) -> Iterator[Finding]:
    """Tell which certificates of live apps have expired, or soon will."""
    apps = [app for app in map(read_client, store.clients()) if not app.revoked]
    given = [(app, read_certificate(kept.certificate)) for app in apps for kept in app.certificates]
    ending = [(app, certificate) for app, certificate in given if certificate.ends - now < SOON]
    for app, certificate in ending:
        yield warning(time_warning(certificate, now=now) or "", subject=app.client_id)
    if not given:
        yield ok("None signs in by a certificate.")
    elif not ending:
        yield ok(f"Their certificates are valid for {SOON.days} days and more: {len(given)}.")
