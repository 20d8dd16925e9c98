"""Tokens of stores that are made once and copied for long: each is signed anew before it has grown old.

A token is good for an hour, and a whole run of the tests may take longer. Nothing is written to the store for it.
"""

import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping

import msgspec
from joserfc.jwk import RSAKey

from stanchion.access.claims import Claims
from stanchion.access.issuer import sign

# What a test adds to it stays well within the hour, and so does a clock that is set ahead by most of one.
_OLD_SECONDS = 300


class LastingTokens(Mapping[str, str]):
    """Tokens by their names, which are good whenever they are asked for; `key` is that of the store."""

    def __init__(self, tokens: Mapping[str, str], *, key: RSAKey) -> None:
        self._tokens = dict(tokens)
        self._key = key

    def __getitem__(self, name: str) -> str:
        claims = claims_of(self._tokens[name])
        now_seconds = int(time.time())
        if claims.iat + _OLD_SECONDS < now_seconds:
            times = {"iat": now_seconds, "nbf": now_seconds, "exp": now_seconds + claims.exp - claims.iat}
            self._tokens[name] = sign(msgspec.structs.replace(claims, **times), self._key)
        return self._tokens[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tokens)

    def __len__(self) -> int:
        return len(self._tokens)


def claims_of(token: str) -> Claims:
    """Return what a token says."""
    payload = token.split(".")[1]
    return msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=Claims)
