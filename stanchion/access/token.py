"""Access tokens of the built-in issuer, verified: an Authorization header becomes a caller or 401.

- RS256 alone (RFC 8725 3.1), the key picked by `kid` from the store. `jku`, `x5u` and `jwk` headers are
  ignored; `crit` and `b64` ask for extensions not offered and are refused (RFC 7515 4.1.11, RFC 7797).
- `aud` is this server's origin or this store's urn, `iss` the same authority for the same `tid`.
- `exp`, `nbf` and `iat` with 60 s of skew. Only verified claims are kept, keyed by the SHA-256 of the token;
  times, key, tenant and app are checked on every request.
- No part of a token is ever put into a message.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from stanchion.access.caller import Caller
from stanchion.access.claims import (
    CLOCK_SKEW_SECONDS,
    TOKEN_LIFETIME_SECONDS,
    Authority,
    Claims,
    store_authority,
)
from stanchion.access.client import Client
from stanchion.access.directory import Directory
from stanchion.access.keys import ALGORITHM
from stanchion.access.origin import Origins
from stanchion.access.permission import FLEET_PERMISSIONS
from stanchion.access.tenants import PERSONAL_ACCOUNTS
from stanchion.errors import BadRequest, Unauthenticated
from stanchion.ledger.changes import Actor
from stanchion.model.json_text import JsonObject, parse_object
from stanchion.store import STORE_CHAIN

# Ours are under 2 KiB, Entra's with many groups reach some 8.
MAX_TOKEN_BYTES = 16 * 1024
MAX_KEPT_TOKENS = 10_000

_PARTS = 3
_registry = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)


@dataclass(frozen=True)
class _Verified:
    kid: str
    claims: Claims


class TokenVerifier:
    """Verifies tokens against a directory and keeps what it has verified."""

    def __init__(
        self, directory: Directory, *, origins: Origins, store_id: str, max_kept: int = MAX_KEPT_TOKENS
    ) -> None:
        self._directory = directory
        self._origins = origins
        self._own = store_authority(store_id)
        self._max_kept = max_kept
        self._kept: dict[bytes, _Verified] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def caller(self, authorization: Sequence[str], *, now_seconds: float) -> Caller:
        """Return who asks, by the request's Authorization headers; raises Unauthenticated.

        It awaits nothing yet: to be awaited is for issuers and directories that are asked over a network.
        """
        token = read_bearer(authorization)
        digest = hashlib.sha256(token).digest()
        kept = self._kept.get(digest)
        verified = kept or self._verify(token, now_seconds=now_seconds)
        try:
            _check_times(verified.claims, now_seconds=now_seconds)
            caller = self._standing(verified, now_seconds=now_seconds)
        except Unauthenticated:
            self._kept.pop(digest, None)
            raise
        if kept is None:
            self._keep(digest, verified)
        return caller

    def _keep(self, digest: bytes, verified: _Verified) -> None:
        while len(self._kept) >= self._max_kept:
            del self._kept[next(iter(self._kept))]
        self._kept[digest] = verified

    def _verify(self, token: bytes, *, now_seconds: float) -> _Verified:
        kid = _read_kid(token)
        key = self._directory.verifying_key(kid, now_seconds=now_seconds)
        if key is None:
            raise _invalid("The key that signed it is unknown or retired.")
        try:
            payload = jws.deserialize_compact(token, key, registry=_registry).payload
        except (JoseError, ValueError):
            raise _invalid("The signature is not valid.") from None
        claims = _read_claims(payload or b"")
        self._check_authority(claims)
        # The issuer spells the tenant as the claim does; from here on it is spelt as it is stored.
        return _Verified(kid, msgspec.structs.replace(claims, tid=claims.tid.lower()))

    def _check_authority(self, claims: Claims) -> None:
        if claims.tid.lower() == PERSONAL_ACCOUNTS:
            raise _invalid("Personal Microsoft accounts have no security posture.")
        if claims.aud == self._own.audience:
            authority = self._own
        elif self._origins.accepts_audience(claims.aud):
            authority = Authority(claims.aud)
        else:
            raise _invalid("The audience (aud) is not this server.")
        if claims.iss != authority.issuer(claims.tid):
            raise _invalid("The issuer (iss) is not trusted for the tenant (tid).")

    def _standing(self, verified: _Verified, *, now_seconds: float) -> Caller:
        claims = verified.claims
        if self._directory.verifying_key(verified.kid, now_seconds=now_seconds) is None:
            raise _invalid("The key that signed it is unknown or retired.")
        if claims.tid == STORE_CHAIN or self._directory.tenant(claims.tid) is None:
            raise _invalid("The tenant (tid) is not known here; `stanchion tenant add` adds it.")
        client = self._directory.client(claims.appid)
        if client is None or client.tenant_id != claims.tid or client.revoked:
            raise _invalid("The application (appid) is unknown in this tenant, or revoked.")
        return _caller(claims, client)


def read_bearer(authorization: Sequence[str]) -> bytes:
    """Return the token of a request's Authorization headers (RFC 6750 2.1); raises Unauthenticated."""
    if len(authorization) > 1:
        raise _invalid("The request has more than one Authorization header.")
    scheme, _, rest = authorization[0].strip(" \t").partition(" ") if authorization else ("", "", "")
    token = rest.strip(" \t")
    if not token and scheme.lower() in {"", "bearer"}:
        raise Unauthenticated("Access token is empty.")
    if scheme.lower() != "bearer":
        raise _invalid("The Authorization scheme must be Bearer.")
    if len(token) > MAX_TOKEN_BYTES:
        raise _invalid(f"It is longer than {MAX_TOKEN_BYTES} bytes.")
    if not token.isascii():
        raise _malformed()
    return token.encode()


def _read_kid(token: bytes) -> str:
    """Return the id of the key that a token says has signed it; nothing in it is trusted for more."""
    parts = token.split(b".")
    if len(parts) != _PARTS:
        raise _malformed()
    header = _read_object(parts[0], what="header")
    if header.get("alg") != ALGORITHM:
        raise _invalid(f"The algorithm (alg) must be {ALGORITHM}.")
    if "crit" in header or "b64" in header:
        raise _invalid("Its header asks for an extension (crit, b64) that is not supported.")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise _invalid("Its header does not name a key (kid).")
    return kid


def _read_object(part: bytes, *, what: str) -> JsonObject:
    try:
        return _parse(urlsafe_b64decode(part), what=what)
    except ValueError:
        raise _malformed() from None


def _parse(data: bytes, *, what: str) -> JsonObject:
    try:
        return parse_object(data)
    except BadRequest:
        # The reason would repeat what stands in the token.
        raise _invalid(f"Its {what} is not a JSON object, or says something twice.") from None


def _read_claims(payload: bytes) -> Claims:
    try:
        return msgspec.convert(_parse(payload, what="payload"), type=Claims)
    except msgspec.ValidationError:
        names = "aud, iss, tid, appid, sub, exp, nbf, iat"
        raise _invalid(f"A claim is missing or of a wrong type; needed are {names}.") from None


def _check_times(claims: Claims, *, now_seconds: float) -> None:
    if now_seconds >= claims.exp + CLOCK_SKEW_SECONDS:
        raise _invalid("Lifetime validation failed, the token is expired.")
    if now_seconds < max(claims.nbf, claims.iat) - CLOCK_SKEW_SECONDS:
        raise _invalid("Lifetime validation failed, the token is not valid yet.")
    if claims.exp - claims.iat > TOKEN_LIFETIME_SECONDS:
        raise _invalid(f"Lifetime validation failed, tokens live at most {TOKEN_LIFETIME_SECONDS} seconds.")


def _caller(claims: Claims, client: Client) -> Caller:
    delegated = claims.scp is not None
    permissions = frozenset((claims.scp or "").split() if delegated else claims.roles or ())
    # Fleet permissions mean nothing in an app that the operator did not make with --fleet.
    permissions = permissions if client.fleet else permissions - FLEET_PERMISSIONS
    oid = claims.oid if delegated else None
    return Caller(
        tenant_id=claims.tid,
        actor=Actor(
            issuer=claims.iss,
            tenant_id=claims.tid,
            name=(delegated and (claims.upn or claims.preferred_username)) or claims.appid,
            oid=oid,
            appid=claims.appid if oid is None else None,
        ),
        app_id=claims.appid,
        permissions=permissions,
        delegated=delegated,
        wids=frozenset(role.lower() for role in claims.wids or ()) if delegated else frozenset(),
        provider=client.provider,
    )


def _malformed() -> Unauthenticated:
    return Unauthenticated("CompactToken parsing failed with error code: 80049217. A signed JWT is expected.")


def _invalid(why: str) -> Unauthenticated:
    return Unauthenticated(f"Access token validation failure. {why}")
