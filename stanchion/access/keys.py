"""Signing keys: RSA keys that sign tokens, sealed by the key file, published by their public half.

- RS256 with 2048 bits (RFC 7518 3.3). `kid` is the thumbprint of the public key (RFC 7638).
- The private key lies in the database sealed by AES-256-GCM; the `kid` is part of the associated
  data, so that a sealed key moved to another row opens no more.
- A retired key verifies until every token that it signed has expired, a withdrawn one no more.
"""

import secrets
from dataclasses import dataclass
from typing import TypeAlias, cast

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_private_key
from joserfc.jwk import RSAKey

from stanchion.errors import OperatorError

ALGORITHM = "RS256"
KEY_SIZE_BITS = 2048

JwkObject: TypeAlias = dict[str, str]

_SEAL_VERSION = b"\x01"
_NONCE_BYTES = 12


@dataclass(frozen=True)
class SealedKey:
    """A signing key as the store keeps it."""

    kid: str
    public_jwk: str  # JSON text
    sealed_private_key: bytes


def make_sealed_key(sealing_key: bytes) -> SealedKey:
    """Return a new signing key, sealed."""
    key = RSAKey.generate_key(KEY_SIZE_BITS)
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM}
    sealed = seal(key.as_der(private=True), sealing_key, kid=kid)
    return SealedKey(kid, msgspec.json.encode(public).decode(), sealed)


def seal(private_key: bytes, sealing_key: bytes, *, kid: str) -> bytes:
    """Return a private key sealed for the row of its kid."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return (
        _SEAL_VERSION + nonce + AESGCM(sealing_key).encrypt(nonce, private_key, kid.encode() + _SEAL_VERSION)
    )


def open_private_key(sealed: bytes, sealing_key: bytes, *, kid: str) -> RSAKey:
    """Return the private key; raises OperatorError where the key file is not the one that sealed it."""
    nonce, box = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        private_key = AESGCM(sealing_key).decrypt(nonce, box, kid.encode() + sealed[:1])
    except (InvalidTag, ValueError):
        raise OperatorError(
            "The key file is not the one that sealed this store's signing key. Set STANCHION_KEY_FILE to the "
            "right one, or run `stanchion key rotate`, which makes a new key; tokens in use stay good."
        ) from None
    # The seal proves that these bytes are a key of ours; to prove it again would double the time of a start.
    native = load_der_private_key(private_key, None, unsafe_skip_rsa_key_validation=True)
    return RSAKey.import_key(cast("RSAPrivateKey", native), {"kid": kid, "use": "sig", "alg": ALGORITHM})


def read_public_key(public_jwk: str) -> RSAKey:
    """Return the key that verifies what the private half signed."""
    return RSAKey.import_key(dict(msgspec.json.decode(public_jwk, type=JwkObject)))
