"""Checks of the settings and of the certificate that they name."""

import datetime as dt
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import click
from cryptography import x509

from stanchion.cli.checks.finding import Finding, failed, ok, warning
from stanchion.cli.servable import RULES, require_certificate
from stanchion.errors import OperatorError
from stanchion.settings import Settings

WARN_DAYS = 30


def check_configuration(settings: Settings) -> Iterator[Finding]:
    """Tell whether the settings agree with each other."""
    all_well = True
    for finding in (*_contradictions(settings), *_doubts(settings)):
        all_well = False
        yield finding
    if all_well:
        yield ok("The settings are valid.")


def check_certificate(settings: Settings, *, now: dt.datetime) -> Iterator[Finding]:
    """Tell whether certificate and key belong together, and how many days the certificate has left."""
    if settings.tls_certificate is None:
        yield ok("None is set: a proxy ends TLS, or http is served.")
        return
    try:
        require_certificate(settings)
    except OperatorError as error:
        yield failed(error.message)
    try:
        chain = x509.load_pem_x509_certificates(Path(settings.tls_certificate).read_bytes())
    except (OSError, ValueError):
        return  # It was told above.
    yield _validity(chain[0], now=now)
    yield from (
        warning(
            f"The certificate of {each.subject.rfc4514_string()} in the chain has expired; renew the chain."
        )
        for each in chain[1:]
        if each.not_valid_after_utc < now
    )


def _validity(certificate: x509.Certificate, *, now: dt.datetime) -> Finding:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begins:
        return failed(
            f"The certificate is not valid before {begins:%Y-%m-%d %H:%M} UTC; look at the clock, or wait."
        )
    if now > ends:
        return failed(
            f"The certificate expired on {ends:%Y-%m-%d %H:%M} UTC; renew it and restart the server."
        )
    left = f"valid until {ends:%Y-%m-%d}, {(ends - now).days} days from now"
    if ends - now < dt.timedelta(days=WARN_DAYS):
        return warning(f"The certificate is {left}; renew it and restart the server.")
    return ok(f"The certificate is {left}.")


def _contradictions(settings: Settings) -> Iterator[Finding]:
    for rule in RULES:
        try:
            rule(settings)
        except (click.UsageError, OperatorError) as error:
            yield failed(error.message)


def _doubts(settings: Settings) -> Iterator[Finding]:
    if not settings.public_url and not _is_loopback(settings.host):
        yield warning(
            f"--host {settings.host} listens to other machines, but without --public-url only localhost is answered."
        )
    for url in settings.public_url:
        parts = urlsplit(url)
        if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            yield warning(f"{url} is http: tokens and secrets pass in the clear; use https.")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
