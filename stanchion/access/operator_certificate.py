"""What an operator does with the certificates of an app on the local store."""

import re
from datetime import datetime, timedelta
from pathlib import Path

from stanchion.access.certificate_administration import AddCertificate, RemoveCertificate
from stanchion.access.client import Client
from stanchion.access.client_certificate import MAX_FILE_BYTES, ClientCertificate, read_certificate_file
from stanchion.access.directory import AdministeredStore
from stanchion.access.operator import find_app, new_id
from stanchion.errors import BadRequest, OperatorError
from stanchion.ledger.changes import Operator
from stanchion.model.wording import shown

# As long as it takes to have a new one made, and given to the program that signs.
SOON = timedelta(days=30)

_THUMBPRINT = re.compile(r"[0-9a-f]{64}")


def read_certificate_at(path: Path, *, now: datetime) -> ClientCertificate:
    """Return the certificate of a file; raises OperatorError, or BadRequest for one that is unfit."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise OperatorError(f"The certificate {path} cannot be read: {error.strerror}.") from None
    return read_certificate_file(data, now=now)


def add_certificate(
    store: AdministeredStore, client_id: str, *, certificate: ClientCertificate, actor: Operator
) -> Client:
    """Give an app a certificate; raises NotFound for one that is not there, Conflict where it has too many."""
    app = find_app(store, client_id)
    return store.run(
        AddCertificate(
            tenant_id=app.tenant_id,
            client_id=app.client_id,
            certificate=certificate,
            actor=actor,
            command_id=new_id(),
        )
    )


def remove_certificate(
    store: AdministeredStore, client_id: str, *, thumbprint: str, actor: Operator
) -> Client:
    """Take a certificate away from an app; raises NotFound where it has none of this thumbprint."""
    app = find_app(store, client_id)
    return store.run(
        RemoveCertificate(
            tenant_id=app.tenant_id,
            client_id=app.client_id,
            thumbprint=_parse_thumbprint(thumbprint),
            actor=actor,
            command_id=new_id(),
        )
    )


def time_warning(certificate: ClientCertificate, *, now: datetime) -> str | None:
    """Return what is to be known of a certificate that counts not yet, no more or not for long."""
    name = f"The certificate {certificate.thumbprint[:8]}... ({certificate.subject})"
    if now < certificate.begins:
        return f"{name} counts from {certificate.begins:%Y-%m-%d %H:%M} UTC on."
    if certificate.ends < now:
        return f"{name} expired on {certificate.ends:%Y-%m-%d}; `stanchion app certificate remove` takes it away."
    if certificate.ends - now < SOON:
        return f"{name} expires on {certificate.ends:%Y-%m-%d}; `stanchion app certificate add` gives another one."
    return None


def _parse_thumbprint(text: str) -> str:
    # OpenSSL writes `sha256 Fingerprint=`, colons between the bytes, and upper case.
    thumbprint = text.rpartition("=")[2].replace(":", "").lower()
    if _THUMBPRINT.fullmatch(thumbprint) is None:
        raise BadRequest(
            f"{shown(text)} is no thumbprint: the 64 hex digits of a SHA-256 are expected.",
            target="thumbprint",
        )
    return thumbprint
