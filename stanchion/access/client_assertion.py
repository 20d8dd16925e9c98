"""Client assertions: a client proves who it is by a JWT that it signed itself (RFC 7521 4.2, RFC 7523 3).

- RS256, PS256 or ES256, by a certificate of the client's that is within its dates. The header names it by
  `x5t#S256` or `x5t`; without either each of the client's is tried. `jwk`, `jku`, `x5u` and `x5c` mean nothing,
  `crit` and `b64` are refused.
- `iss` and `sub` are the client id. `aud` is one address, this server's token endpoint or issuer under any
  tenant: of two readers of one assertion, each could use it with the other.
- `exp` is at most an hour ahead, `nbf` and `iat` are past, with 60 s of skew.
- An assertion counts until it expires, also a second time: MSAL sends one of ten minutes again and again.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from stanchion.access.bearer import registry_of
from stanchion.access.claims import CLOCK_SKEW_SECONDS
from stanchion.access.client import Client
from stanchion.access.client_certificate import ClientCertificate, read_certificate
from stanchion.access.oauth_error import (
    expired_certificate,
    foreign_assertion,
    invalid_assertion,
    misaddressed_assertion,
    unknown_certificate,
    untimely_assertion,
)
from stanchion.errors import BadRequest
from stanchion.model.json_text import JsonObject, parse_object

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS = ("RS256", "PS256", "ES256")
MAX_LIFETIME_SECONDS = 3600

# A chain of certificates in the header (`x5c`) takes some KiB, half as much again by being encoded twice.
MAX_ASSERTION_BYTES = 32 * 1024
# Header and payload are read before anything is verified. Real ones have some ten values each, and the chain.
MAX_ASSERTION_VALUES = 100

_PARTS = 3
_REGISTRIES = {name: registry_of(name, max_bytes=MAX_ASSERTION_BYTES) for name in ASSERTION_ALGORITHMS}
_AUDIENCE = re.compile(
    r"(?P<origin>https?://[^/?#\s]+)/[A-Za-z0-9][A-Za-z0-9.-]*/(?:oauth2/(?:v2\.0/)?token|v2\.0)"
)


class AssertionClaims(msgspec.Struct, frozen=True):
    """What an assertion says; MSAL for Python writes its times with fractions."""

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: float
    nbf: float = 0
    iat: float = 0


@dataclass(frozen=True)
class ClientAssertion:
    """An assertion as it was sent: nothing in it is proven yet."""

    token: bytes = field(repr=False)
    algorithm: str
    hints: tuple[tuple[str, str], ...]  # by which names it calls its certificate
    claims: AssertionClaims


def read_assertion(text: str) -> ClientAssertion:
    """Return an assertion; raises OAuthError for what is none, or could not be verified by anybody here."""
    token = text.encode(errors="replace")
    parts = token.split(b".")
    if len(parts) != _PARTS or len(token) > MAX_ASSERTION_BYTES:
        raise invalid_assertion(f"A signed JWT of at most {MAX_ASSERTION_BYTES} bytes is expected.")
    header, payload = (_object(part) for part in parts[:2])
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ASSERTION_ALGORITHMS:
        raise invalid_assertion(f"The algorithm (alg) must be one of {', '.join(ASSERTION_ALGORITHMS)}.")
    if "crit" in header or "b64" in header:
        raise invalid_assertion("Its header asks for an extension (crit, b64) that is not supported.")
    try:
        claims = msgspec.convert(payload, type=AssertionClaims)
    except msgspec.ValidationError:
        raise invalid_assertion(
            "A claim is missing or of a wrong type; needed are aud, exp, iss and sub."
        ) from None
    hints = tuple((name, value) for name in ("x5t#S256", "x5t") if isinstance(value := header.get(name), str))
    return ClientAssertion(token, algorithm, hints, claims)


def check_assertion(
    assertion: ClientAssertion, client: Client | None, *, origins: Iterable[str], now_seconds: float
) -> Client:
    """Return the client that has signed an assertion for one of these origins; raises OAuthError.

    A client that nobody knows and one without the certificate are not told apart.
    """
    certificates = _signing_certificates(assertion, client)
    if client is None or not certificates:
        raise unknown_certificate()
    moment = datetime.fromtimestamp(now_seconds, UTC)
    if not any(certificate.covers(moment) for certificate in certificates):
        raise expired_certificate()
    claims = assertion.claims
    if not claims.iss.lower() == claims.sub.lower() == client.client_id:
        raise foreign_assertion()
    if not _is_for(claims.aud, origins):
        raise misaddressed_assertion()
    begins, ends = max(claims.nbf, claims.iat) - CLOCK_SKEW_SECONDS, claims.exp + CLOCK_SKEW_SECONDS
    if not begins <= now_seconds < ends <= now_seconds + MAX_LIFETIME_SECONDS + 2 * CLOCK_SKEW_SECONDS:
        raise untimely_assertion(MAX_LIFETIME_SECONDS)
    return client


def _signing_certificates(assertion: ClientAssertion, client: Client | None) -> list[ClientCertificate]:
    # Several, where a certificate was renewed for the same key.
    kept = () if client is None else client.certificates
    return [
        certificate
        for certificate in (read_certificate(each.certificate) for each in kept)
        if _is_called(certificate, assertion.hints) and _has_signed(certificate, assertion)
    ]


def _is_called(certificate: ClientCertificate, hints: Iterable[tuple[str, str]]) -> bool:
    names = {"x5t#S256": certificate.sha256, "x5t": certificate.sha1}
    # MSAL for Python leaves the padding.
    return all(value.rstrip("=") == names[name] for name, value in hints)


def _has_signed(certificate: ClientCertificate, assertion: ClientAssertion) -> bool:
    if assertion.algorithm not in certificate.algorithms:
        return False
    try:
        jws.deserialize_compact(assertion.token, certificate.key, registry=_REGISTRIES[assertion.algorithm])
    except (JoseError, ValueError):
        return False
    return True


def _is_for(audience: str | tuple[str, ...], origins: Iterable[str]) -> bool:
    if not isinstance(audience, str):
        if len(audience) != 1:
            return False
        audience = audience[0]
    matched = _AUDIENCE.fullmatch(audience)
    return matched is not None and matched["origin"].lower() in set(origins)


def _object(part: bytes) -> JsonObject:
    try:
        return parse_object(urlsafe_b64decode(part), max_values=MAX_ASSERTION_VALUES)
    except (ValueError, BadRequest):
        raise invalid_assertion(
            f"Its header and payload must be JSON objects of at most {MAX_ASSERTION_VALUES} values, in base64url."
        ) from None
