"""What must hold among the settings before anything is served: `serve` insists on it, `check` tells of it."""

import ssl
from collections.abc import Callable
from pathlib import Path

import click

from stanchion.access.origin import Origins
from stanchion.app import on_postgresql
from stanchion.errors import OperatorError
from stanchion.settings import Settings
from stanchion.web.cors import Cors
from stanchion.web.operations_listener import OperationsAddress

# In the first line of a private key (RFC 7468 11) or in a header of the older form (RFC 1421 4.6.1.1).
_ENCRYPTED = b"ENCRYPTED"


def require_servable(settings: Settings) -> None:
    """Raise click.UsageError for settings that contradict, OperatorError for what cannot be used."""
    for rule in RULES:
        rule(settings)
    require_certificate(settings)


def require_certificate(settings: Settings) -> None:
    """Raise OperatorError unless the certificate and its key can be read and belong together."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if not (certificate and key):
        return
    for file, kind in ((certificate, "certificate"), (key, "private key")):
        if f"{kind.upper()}-----".encode() not in _content(file):
            raise OperatorError(f"{file} holds no {kind} in PEM.")
    told = f"The certificate {certificate} and key {key} cannot be used"
    if _ENCRYPTED in _content(key):
        raise OperatorError(f"{told}: the key is encrypted, and the server asks for no passphrase.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise OperatorError(f"{told}: {_reason(error)}.") from None


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}.") from None


def _reason(error: OSError) -> str:
    match getattr(error, "reason", None):
        case "KEY_VALUES_MISMATCH" | "KEY_TYPE_MISMATCH":
            return "the key is that of another certificate"
        case _:
            return str(error)


def _one_process(settings: Settings) -> None:
    if settings.workers > 1 and not on_postgresql(settings):
        raise click.UsageError(
            "A SQLite database is served by one process, PostgreSQL by many; leave --workers at 1."
        )


def _both_tls_files(settings: Settings) -> None:
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise click.UsageError("--tls-certificate and --tls-key go together.")


def _origins(settings: Settings) -> None:
    Origins(settings.public_url, trusted_proxies=settings.trusted_proxy)


def _cors_origins(settings: Settings) -> None:
    Cors(settings.cors_origin)


def _operations(settings: Settings) -> None:
    if settings.operations is None:
        return
    ports = OperationsAddress.of(settings.operations).ports(settings.workers)
    if settings.port in ports:
        raise OperatorError(
            f"--operations {settings.operations} and --port {settings.port} need ports of their own."
        )


RULES: tuple[Callable[[Settings], None], ...] = (
    _one_process,
    _both_tls_files,
    _origins,
    _cors_origins,
    _operations,
)
