"""The claims of an access token of an issuer besides our own, and which of them make it one for us.

- Entra's of version 1.0 (`appid`, `upn`) and 2.0 (`azp`, `preferred_username`), the version being that of `iss`;
  any other issuer's as RFC 9068 has them, with a `tid` that its operator makes it add.
- `aud`, a text or a list, must name us. `scope` is not `scp` and means nothing.
- What tells an ID token, a logout token or a token bound to a key from an access token for bearers is refused
  (RFC 8725 3.12): another `typ`, a `nonce` or hash of a sign-in in a token that does not say what it is, `cnf`,
  `events`, no client that asked for it.
- At most 48 hours lie between `iat` and `exp`: Entra's longest, with continuous access evaluation, are 28.
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from stanchion.access.bearer import TokenHeader, invalid, read_claims
from stanchion.access.claims import CLOCK_SKEW_SECONDS
from stanchion.access.clouds import TokenVersion
from stanchion.access.issuer_entry import IssuerEntry
from stanchion.model.json_text import JsonObject

MAX_LIFETIME_SECONDS = 48 * 3600

# Shown to people and written into the chain: short, on one line, and without marks that nobody sees.
_NAME = r"\A[^\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+\Z"
Name: TypeAlias = Annotated[str, Meta(max_length=256, pattern=_NAME)]

_TOKEN_KINDS = frozenset({None, "jwt", "at+jwt"})
# Keycloak and Cognito say it inside.
_CLAIMED_KINDS = frozenset({None, "bearer", "jwt", "at+jwt"})
_CLAIMED_USES = frozenset({None, "access"})
_SIGN_IN_CLAIMS = ("nonce", "at_hash", "c_hash", "s_hash")
_FOREIGN_CLAIMS = ("events", "cnf")
_SAYS_ACCESS = frozenset({"at+jwt", "bearer", "access"})


class ExternalClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says; a claim of another type than here makes the token unreadable."""

    iss: str
    aud: str | tuple[str, ...]
    tid: str
    exp: float
    iat: float
    nbf: float | None = None
    sub: Name | None = None
    oid: Name | None = None
    appid: Name | None = None
    azp: Name | None = None
    client_id: Name | None = None
    cid: Name | None = None
    upn: Name | None = None
    preferred_username: Name | None = None
    scp: str | tuple[str, ...] | None = None
    roles: tuple[str, ...] | None = None
    wids: tuple[str, ...] | None = None
    idtyp: str | None = None
    ver: object = None  # Entra's is a text, Okta's a number
    typ: str | None = None
    token_use: str | None = None


def read_external_claims(payload: JsonObject, header: TokenHeader, entry: IssuerEntry) -> ExternalClaims:
    """Return the claims of a payload whose signature is good; raises Unauthenticated unless it is for us."""
    claims = read_claims(payload, ExternalClaims, needed="aud, iss, tid, exp, iat")
    _check_kind(payload, claims, header)
    audiences = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)
    if audiences.isdisjoint(entry.audiences):
        raise invalid(
            "The audience (aud) is not one that this issuer (iss) was added with.", "wrong_audience"
        )
    version = entry.issuers(claims.tid.lower()).get(claims.iss)
    if version is not None and claims.ver != version:
        raise invalid("The version (ver) is not that of the issuer (iss).")
    if client_id(claims, version) is None:
        raise invalid("It does not say which client asked for it (appid, azp or client_id).")
    if claims.exp - claims.iat > MAX_LIFETIME_SECONDS:
        raise invalid("Lifetime validation failed, tokens live at most 48 hours.")
    return claims


def client_id(claims: ExternalClaims, version: TokenVersion | None) -> str | None:
    """Return the client that asked for a token: by Entra's name of the version, else by any usual one."""
    match version:
        case "1.0":
            return claims.appid
        case "2.0":
            return claims.azp
        case None:
            return claims.appid or claims.azp or claims.client_id or claims.cid


def begins_seconds(claims: ExternalClaims) -> float:
    """Return from when a token is good, the skew of clocks allowed for."""
    return max(claims.iat, claims.nbf or claims.iat) - CLOCK_SKEW_SECONDS


def ends_seconds(claims: ExternalClaims) -> float:
    """Return when a token is good no more, the skew of clocks allowed for."""
    return claims.exp + CLOCK_SKEW_SECONDS


def _check_kind(payload: JsonObject, claims: ExternalClaims, header: TokenHeader) -> None:
    claimed = claims.typ.lower() if claims.typ is not None else None
    # Older Keycloaks repeat the nonce in access tokens, and say that these are for bearers.
    says_access = not _SAYS_ACCESS.isdisjoint({header.kind, claimed, claims.token_use})
    foreign = _FOREIGN_CLAIMS if says_access else (*_FOREIGN_CLAIMS, *_SIGN_IN_CLAIMS)
    marks = [name for name in foreign if name in payload]
    if (
        header.kind not in _TOKEN_KINDS
        or claimed not in _CLAIMED_KINDS
        or claims.token_use not in _CLAIMED_USES
        or marks
    ):
        what = f" ({', '.join(marks)})" if marks else " (typ)"
        raise invalid(f"It is not an access token for a bearer, but of another kind{what}.")
