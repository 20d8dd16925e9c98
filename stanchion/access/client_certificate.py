"""Certificates of clients: what a client may sign its assertions by, read from the file that its owner has.

- PEM or DER; of a file with several the first, which is the client's own. A private key beside it is not read.
- RSA of 2048 to 8192 bits or P-256, within its dates. Who signed the certificate does not matter: the operator
  vouches for it by adding it.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, RSAKey

from stanchion.access.key_set import MAX_RSA_BITS, MIN_RSA_BITS
from stanchion.errors import BadRequest
from stanchion.model.wording import printable

# A chain of several is some 10 KiB.
MAX_FILE_BYTES = 256 * 1024

_PEM_BEGINS = b"-----BEGIN "
_CERTIFICATE, _PRIVATE_KEY = b"CERTIFICATE-----", b"PRIVATE KEY-----"


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate as it is judged."""

    der: bytes
    thumbprint: str  # SHA-256, in lower-case hex
    sha256: str  # the same in base64url, as assertions call it in `x5t#S256` (RFC 7515 4.1.8)
    sha1: str  # as they call it in `x5t` (4.1.7)
    subject: str  # for people, controls escaped
    begins: datetime
    ends: datetime
    key: RSAKey | ECKey
    algorithms: frozenset[str]

    def covers(self, moment: datetime) -> bool:
        """Say whether it is within its dates."""
        return self.begins <= moment <= self.ends


def read_certificate_file(data: bytes, *, now: datetime) -> ClientCertificate:
    """Return the certificate of a file; raises BadRequest for one that no client can sign by now."""
    if len(data) > MAX_FILE_BYTES:
        raise _unusable(f"the file is larger than {MAX_FILE_BYTES:,} bytes")
    load = x509.load_pem_x509_certificate if _PEM_BEGINS in data else x509.load_der_x509_certificate
    try:
        certificate = read_certificate(load(data).public_bytes(Encoding.DER))
    except (ValueError, x509.InvalidVersion):
        raise _unusable(_why_none(data)) from None
    if certificate.ends < now:
        raise _unusable(f"it expired at {certificate.ends:%Y-%m-%dT%H:%M:%SZ}")
    return certificate


@lru_cache(maxsize=64)
def read_certificate(der: bytes) -> ClientCertificate:
    """Return a certificate; raises ValueError for what is none, BadRequest for one whose key cannot be used."""
    loaded = x509.load_der_x509_certificate(der)
    key, algorithms = _public_key(loaded)
    return ClientCertificate(
        der=der,
        thumbprint=loaded.fingerprint(hashes.SHA256()).hex(),
        sha256=_base64url(loaded.fingerprint(hashes.SHA256())),
        # A name that clients send, and no proof.
        sha1=_base64url(loaded.fingerprint(hashes.SHA1())),  # noqa: S303
        subject=printable(loaded.subject.rfc4514_string()),
        begins=loaded.not_valid_before_utc,
        ends=loaded.not_valid_after_utc,
        key=key,
        algorithms=algorithms,
    )


def _public_key(loaded: x509.Certificate) -> tuple[RSAKey | ECKey, frozenset[str]]:
    try:
        native = loaded.public_key()
    except UnsupportedAlgorithm:
        native = None
    if isinstance(native, RSAPublicKey) and MIN_RSA_BITS <= native.key_size <= MAX_RSA_BITS:
        return RSAKey.import_key(native), frozenset({"RS256", "PS256"})
    if isinstance(native, EllipticCurvePublicKey) and isinstance(native.curve, SECP256R1):
        return ECKey.import_key(native), frozenset({"ES256"})
    raise _unusable(f"its key must be RSA of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, or on the curve P-256")


def _why_none(data: bytes) -> str:
    if _CERTIFICATE not in data and _PRIVATE_KEY in data:
        return "the file holds a private key alone, which stays with the client; name the file of its certificate"
    return (
        "the file holds no certificate in PEM or DER that can be read; out of a .pfx file "
        "`openssl pkcs12 -clcerts -nokeys` takes it"
    )


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _unusable(why: str) -> BadRequest:
    return BadRequest(f"The certificate cannot be used: {why}.", target="certificate")
