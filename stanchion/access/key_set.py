"""The keys of an issuer: of a JWK set those that may verify tokens, by their id (RFC 7517).

- RSA of 2048 to 8192 bits for RS256, P-256 for ES256. What says that it is for something else (`use`,
  `key_ops`, `alg`) or publishes its private half is left out, and so is what cannot be read.
- Entra says of each key for which issuer it signs, with a place for the tenant; a key verifies for no other.
  So keys of personal accounts, which are in the same set, cannot sign for an organization.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64decode

from stanchion.access.clouds import TENANT_PLACE
from stanchion.access.discovery import read_document
from stanchion.access.issuer_document import IssuerFault
from stanchion.model.json_text import JsonObject, JsonValue

MIN_RSA_BITS = 2048
# A verification takes longer with each bit; nobody signs with more.
MAX_RSA_BITS = 8192
# 65537 is what everybody uses.
MIN_EXPONENT, MAX_EXPONENT = 3, (1 << 32) - 1
# Entra's set has some 10 to 30.
MAX_KEYS = 200
# Of each number; 8192 bits take 1366.
MAX_PART_CHARACTERS = 2048

Algorithm: TypeAlias = Literal["RS256", "ES256"]
_PARTS: dict[Algorithm, tuple[str, ...]] = {"RS256": ("kty", "n", "e"), "ES256": ("kty", "crv", "x", "y")}


class KeyId(NamedTuple):
    """A key of a set: its id, and the one algorithm that it is for."""

    kid: str
    algorithm: str


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies; equal to another one that is the same key for the same issuer."""

    parts: tuple[tuple[str, str], ...]  # of its JWK, what makes the key
    issuer: str | None  # for whom it signs, as Entra says it

    @cached_property
    def key(self) -> RSAKey | ECKey:
        """The key itself; raises JoseError or ValueError where its numbers are none."""
        jwk: dict[str, str | list[str]] = dict(self.parts)
        return RSAKey.import_key(jwk) if jwk["kty"] == "RSA" else ECKey.import_key(jwk)

    def signs_for(self, tenant_id: str, issuers: Mapping[str, object]) -> bool:
        """Say whether it signs for a tenant, one of whose issuers these are; unlabelled keys do for all."""
        return self.issuer is None or self.issuer.replace(TENANT_PLACE, tenant_id) in issuers


KeySet: TypeAlias = Mapping[KeyId, PublicKey]


def read_key_set(data: bytes, *, of: str) -> KeySet:
    """Return the keys of a set that can be used; raises IssuerFault, naming the address, where there are none."""
    document = read_document(data, of=of)
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise IssuerFault(f"{of} is not a set of keys: an object with a list of keys is expected.")
    if len(listed) > MAX_KEYS:
        raise IssuerFault(f"{of} has {len(listed)} keys; at most {MAX_KEYS} are read.")
    found: dict[KeyId, set[PublicKey]] = {}
    for jwk in listed:
        algorithm = _algorithm(jwk) if isinstance(jwk, dict) else None
        if isinstance(jwk, dict) and algorithm is not None and isinstance(kid := jwk.get("kid"), str):
            key = _public_key(jwk, algorithm)
            if key is not None:
                found.setdefault(KeyId(kid, algorithm), set()).add(key)
    # Two keys of one id are none: which of them signed could only be guessed.
    keys = {key_id: one for key_id, (one, *others) in found.items() if not others}
    if not keys:
        raise IssuerFault(
            f"{of} has no key that can be used; RSA of {MIN_RSA_BITS} bits or more for RS256, or P-256 for ES256, "
            "with a kid is expected."
        )
    return keys


def _algorithm(jwk: JsonObject) -> Algorithm | None:
    """Return the algorithm for which a key may be used here, or None."""
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            algorithm: Algorithm = "RS256"
        case "EC", "P-256":
            algorithm = "ES256"
        case _:
            return None
    for_us = (
        _is_one_of(jwk.get("alg"), None, algorithm)
        and _is_one_of(jwk.get("use"), None, "sig")
        and _may_verify(jwk.get("key_ops"))
    )
    return algorithm if for_us and "d" not in jwk else None


def _is_one_of(value: JsonValue, *allowed: str | None) -> bool:
    return any(value == each for each in allowed)


def _may_verify(operations: JsonValue) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _public_key(jwk: JsonObject, algorithm: Algorithm) -> PublicKey | None:
    issuer = jwk.get("issuer")
    parts = tuple(
        (name, text)
        for name in _PARTS[algorithm]
        if isinstance(text := jwk.get(name), str) and len(text) <= MAX_PART_CHARACTERS
    )
    if len(parts) != len(_PARTS[algorithm]) or not (issuer is None or isinstance(issuer, str)):
        return None
    key = PublicKey(parts, issuer)
    try:
        if algorithm == "RS256" and not _is_strong(dict(parts)):
            return None
        key.key  # noqa: B018 (whether it can be read shows here)
    except (JoseError, ValueError):
        return None
    return key


def _is_strong(parts: Mapping[str, str]) -> bool:
    modulus, exponent = _number(parts["n"]), _number(parts["e"])
    return (
        MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS
        and MIN_EXPONENT <= exponent <= MAX_EXPONENT
        and modulus % 2 == exponent % 2 == 1
    )


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text.encode()))
