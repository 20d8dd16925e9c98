"""Client secrets: 32 random bytes that only their owner keeps; the store keeps their SHA-256.

A secret of 256 random bits needs no slow hash: nobody can try them. Comparison takes the same time whether
the client is known or not, and which secret it has.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field

SECRET_BYTES = 32
# A prefix lets secret scanners find a leaked one, and people see whose it is.
PREFIX = "stn_"
HINT_CHARACTERS = 3

_NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class NewSecret:
    """A secret just made; `text` is shown once and never kept."""

    text: str = field(repr=False)
    digest: str
    hint: str  # the first characters after the prefix, to tell two secrets apart in a list


def make_secret(random_bytes: bytes) -> NewSecret:
    """Return the secret made of 32 random bytes."""
    if len(random_bytes) != SECRET_BYTES:
        raise ValueError(f"a secret is made of {SECRET_BYTES} bytes, not {len(random_bytes)}")
    rest = urlsafe_b64encode(random_bytes).rstrip(b"=").decode()
    text = PREFIX + rest
    return NewSecret(text, digest_secret(text), rest[:HINT_CHARACTERS])


def digest_secret(text: str) -> str:
    """Return the SHA-256 of a secret as hex; any text has one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def secret_matches(text: str, digests: Iterable[str]) -> bool:
    """Say whether the secret has one of the digests; no digests at all take as long as one."""
    mine = digest_secret(text)
    # Each is compared, so that the time does not tell which one it was.
    matches = [hmac.compare_digest(mine, digest) for digest in tuple(digests) or (_NO_DIGEST,)]
    return True in matches
