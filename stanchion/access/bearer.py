"""A bearer token as it comes: the Authorization header, the token's parts, and what is refused unseen.

- One header, the scheme Bearer, at most 16 KiB of ASCII (RFC 6750 2.1).
- The header of a token tells which key to try and is trusted for nothing more. `jku`, `x5u` and `jwk` are
  ignored; `crit` and `b64` ask for extensions not offered and are refused (RFC 7515 4.1.11, RFC 7797).
- No part of a token is ever put into a message.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64decode

from stanchion.errors import BadRequest, Denial, Unauthenticated
from stanchion.model.json_text import JsonObject, parse_object

# Ours are under 2 KiB, Entra's with many groups reach some 8.
MAX_TOKEN_BYTES = 16 * 1024
# Headers and claims are read before anything is verified. Those of Entra with 200 groups have some 250 values.
MAX_TOKEN_VALUES = 1_000
# RFC 8725 3.1: these alone, and each key says which of the two it is for.
ALGORITHMS = ("RS256", "ES256")

_PARTS = 3
_CLAIM = re.compile(r"(?:`\$\.|required field `)(\w+)")

T = TypeVar("T")


@dataclass(frozen=True)
class TokenHeader:
    """What an unverified token says about its own signature."""

    algorithm: str
    kid: str
    kind: str | None  # `typ`, in lower case and without `application/` (RFC 7515 4.1.9)


def read_bearer(authorization: Sequence[str]) -> bytes:
    """Return the token of a request's Authorization headers; raises Unauthenticated."""
    if len(authorization) > 1:
        raise invalid("The request has more than one Authorization header.", "malformed_token")
    scheme, _, rest = authorization[0].strip(" \t").partition(" ") if authorization else ("", "", "")
    token = rest.strip(" \t")
    if not token and scheme.lower() in {"", "bearer"}:
        raise Unauthenticated("Access token is empty.", denial="no_token")
    if scheme.lower() != "bearer":
        raise invalid("The Authorization scheme must be Bearer.", "malformed_token")
    if len(token) > MAX_TOKEN_BYTES:
        raise invalid(f"It is longer than {MAX_TOKEN_BYTES} bytes.", "malformed_token")
    if not token.isascii():
        raise malformed()
    return token.encode()


def read_header(token: bytes) -> TokenHeader:
    """Return the header of a token; raises Unauthenticated for one that nobody here can have signed."""
    header = _read_part(token, 0, what="header")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise invalid(f"The algorithm (alg) must be {' or '.join(ALGORITHMS)}.", "wrong_algorithm")
    if "crit" in header or "b64" in header:
        raise invalid("Its header asks for an extension (crit, b64) that is not supported.")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise invalid("Its header does not name a key (kid).")
    kind = header.get("typ")
    if kind is not None and not isinstance(kind, str):
        raise invalid("The type (typ) in its header must be a string.")
    return TokenHeader(
        algorithm, kid, kind.lower().removeprefix("application/") if kind is not None else None
    )


def read_payload(token: bytes) -> JsonObject:
    """Return what a token says before anything of it is verified: only to find out whose keys to try."""
    return _read_part(token, 1, what="payload")


def verified_payload(token: bytes, key: RSAKey | ECKey, *, algorithm: str) -> bytes:
    """Return the payload of a token that this key has signed by this algorithm; raises Unauthenticated."""
    try:
        return jws.deserialize_compact(token, key, registry=_REGISTRIES[algorithm]).payload or b""
    except (JoseError, ValueError):
        raise invalid("The signature is not valid.", "wrong_signature") from None


def registry_of(algorithm: str, *, max_bytes: int) -> jws.JWSRegistry:
    """Return what reads signatures by one algorithm, of tokens of any form up to a length."""
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    # By itself it stops short of headers with a certificate and of signatures by long keys.
    registry.max_header_length = registry.max_payload_length = registry.max_signature_length = max_bytes
    return registry


def read_claims(payload: JsonObject, kind: type[T], *, needed: str) -> T:
    """Return the claims of a payload; raises Unauthenticated naming the first at fault and what is needed."""
    try:
        return msgspec.convert(payload, type=kind)
    except msgspec.ValidationError as error:
        # Of the library's sentence only the name of a claim that we declared: no value.
        named = _CLAIM.search(str(error))
        name = f" ({named[1]})" if named else ""
        raise invalid(f"A claim is missing or of a wrong type{name}; needed are {needed}.") from None


def read_json(data: bytes, *, what: str) -> JsonObject:
    """Return a JSON object inside a token; raises Unauthenticated without repeating any of it."""
    try:
        return parse_object(data, max_values=MAX_TOKEN_VALUES)
    except BadRequest:
        raise invalid(
            f"Its {what} is not a JSON object, or says something twice or too much.", "malformed_token"
        ) from None


def invalid(why: str, denial: Denial = "invalid_token") -> Unauthenticated:
    """Return the refusal of a token."""
    return Unauthenticated(f"Access token validation failure. {why}", denial=denial)


def malformed() -> Unauthenticated:
    """Return the refusal of what is no token at all."""
    return Unauthenticated(
        "CompactToken parsing failed with error code: 80049217. A signed JWT is expected.",
        denial="malformed_token",
    )


def _read_part(token: bytes, index: int, *, what: str) -> JsonObject:
    parts = token.split(b".")
    if len(parts) != _PARTS:
        raise malformed()
    try:
        data = urlsafe_b64decode(parts[index])
    except ValueError:
        raise malformed() from None
    return read_json(data, what=what)


_REGISTRIES = {name: registry_of(name, max_bytes=MAX_TOKEN_BYTES) for name in ALGORITHMS}
