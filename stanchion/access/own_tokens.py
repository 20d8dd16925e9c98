"""Tokens of the built-in issuer: verified by a key of this store, for an app of this store.

- RS256 alone (RFC 8725 3.1), the key picked by `kid` from the store.
- `aud` is this server's origin or this store's urn, `iss` the same authority for the same `tid`.
- `exp`, `nbf` and `iat` with 60 s of skew, at most 3600 s apart.
- A token ends with its app, and when the app's tokens are revoked; a client that knows claims challenges is
  asked for a newer one.
"""

import math
from dataclasses import dataclass

import msgspec

from stanchion.access.bearer import (
    TokenHeader,
    invalid,
    read_claims,
    read_json,
    verified_payload,
)
from stanchion.access.caller import Caller
from stanchion.access.claims import (
    CLOCK_SKEW_SECONDS,
    TOKEN_LIFETIME_SECONDS,
    Authority,
    Claims,
    store_authority,
)
from stanchion.access.claims_challenge import REVOKED, challenge_for, is_challengeable
from stanchion.access.client import Client
from stanchion.access.directory import Directory
from stanchion.access.keys import ALGORITHM
from stanchion.access.origin import Origins
from stanchion.access.permission import FLEET_PERMISSIONS
from stanchion.access.standing import Standing
from stanchion.access.tenants import PERSONAL_ACCOUNTS
from stanchion.errors import Denial, Unauthenticated
from stanchion.ledger.changes import Actor
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.store import STORE_CHAIN


@dataclass(frozen=True)
class OwnToken:
    """The claims of a verified token, and the key that verified it."""

    kid: str
    claims: Claims

    @property
    def tenant_id(self) -> str:
        """The tenant that it names."""
        return self.claims.tid

    @property
    def app_id(self) -> str:
        """The application that asked for it."""
        return self.claims.appid


class OwnTokens:
    """Verifies tokens of the built-in issuer, and says whom they stand for as long as they do."""

    def __init__(self, directory: Directory, *, origins: Origins, store_id: str) -> None:
        self._directory = directory
        self._origins = origins
        self._own = store_authority(store_id)

    def verify(self, token: bytes, header: TokenHeader, *, now_seconds: float) -> OwnToken:
        """Return what a token truly says; raises Unauthenticated."""
        if header.algorithm != ALGORITHM:
            raise invalid(f"The algorithm (alg) must be {ALGORITHM}.", "wrong_algorithm")
        key = self._directory.verifying_key(header.kid, now_seconds=now_seconds)
        if key is None:
            raise invalid(
                "The key that signed it is unknown or retired. If it comes from an issuer (iss) of your own, "
                "`stanchion issuer add` has to add that issuer for the tenant (tid).",
                "unknown_key",
            )
        payload = read_json(verified_payload(token, key, algorithm=ALGORITHM), what="payload")
        claims = read_claims(payload, Claims, needed="aud, iss, tid, appid, sub, exp, nbf, iat")
        self._check_authority(claims)
        # The issuer spells the tenant as the claim does; from here on it is spelt as it is stored.
        return OwnToken(header.kid, msgspec.structs.replace(claims, tid=claims.tid.lower()))

    def standing(self, token: OwnToken, *, now_seconds: float) -> Standing:
        """Return whom a token stands for now; raises Unauthenticated when it stands for nobody any more."""
        claims = token.claims
        _check_times(claims, now_seconds=now_seconds)
        key_ends_ticks = self._directory.key_ends_ticks(token.kid)
        key_ends_seconds = math.inf if key_ends_ticks is None else key_ends_ticks / TICKS_PER_SECOND
        if now_seconds >= key_ends_seconds:
            raise invalid("The key that signed it is unknown or retired.", "unknown_key")
        if claims.tid == STORE_CHAIN or self._directory.tenant(claims.tid) is None:
            raise invalid(
                "The tenant (tid) is not known here; `stanchion tenant add` adds it.", "unknown_tenant"
            )
        client = self._directory.client(claims.appid)
        if client is None or client.tenant_id != claims.tid:
            raise _unknown_application("unknown_app")
        _check_revocation(claims, client)
        return Standing(
            _caller(claims, client),
            begins_seconds=max(claims.nbf, claims.iat) - CLOCK_SKEW_SECONDS,
            ends_seconds=min(claims.exp + CLOCK_SKEW_SECONDS, key_ends_seconds),
        )

    def _check_authority(self, claims: Claims) -> None:
        if claims.tid.lower() == PERSONAL_ACCOUNTS:
            raise invalid("Personal Microsoft accounts have no security posture.", "unknown_tenant")
        if claims.aud == self._own.audience:
            authority = self._own
        elif self._origins.accepts_audience(claims.aud):
            authority = Authority(claims.aud)
        else:
            raise invalid("The audience (aud) is not this server.", "wrong_audience")
        if claims.iss != authority.issuer(claims.tid):
            raise invalid("The issuer (iss) is not trusted for the tenant (tid).", "untrusted_issuer")


def _check_times(claims: Claims, *, now_seconds: float) -> None:
    if now_seconds >= claims.exp + CLOCK_SKEW_SECONDS:
        raise invalid("Lifetime validation failed, the token is expired.", "expired_token")
    if now_seconds < max(claims.nbf, claims.iat) - CLOCK_SKEW_SECONDS:
        raise invalid("Lifetime validation failed, the token is not valid yet.", "early_token")
    if claims.exp - claims.iat > TOKEN_LIFETIME_SECONDS:
        raise invalid(f"Lifetime validation failed, tokens live at most {TOKEN_LIFETIME_SECONDS} seconds.")


def _check_revocation(claims: Claims, client: Client) -> None:
    if client.revoked_ticks is None and claims.iat >= client.tokens_from_seconds:
        return
    if is_challengeable(claims.xms_cc):
        ended_ticks = client.revoked_ticks or 0
        from_seconds = max(client.tokens_from_seconds, ended_ticks // TICKS_PER_SECOND + 1)
        raise Unauthenticated(
            REVOKED,
            claims=challenge_for(from_seconds),
            denial="revoked_app" if client.revoked else "revoked_token",
        )
    if client.revoked:
        raise _unknown_application("revoked_app")
    raise invalid(
        "The tokens of the application (appid) were revoked after this one was issued (iat).", "revoked_token"
    )


def _unknown_application(denial: Denial) -> Unauthenticated:
    return invalid("The application (appid) is unknown in this tenant, or revoked.", denial)


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
