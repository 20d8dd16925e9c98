"""The claims of an access token of the built-in issuer (RFC 7519; names as in Entra's access tokens).

- `iss` is `{origin}/{tid}/v2.0` and `aud` the origin; tokens made on the command line carry the store's urn
  as both, which the same store trusts whatever its addresses are.
- `scp` makes a token delegated: it speaks for the person in `upn` and `oid`, whose roles are in `wids`. Else
  `roles` holds the permissions of the application itself.
- `xms_cc` with `cp1` says that the client understands claims challenges.
- A token lives 3600 seconds; clocks may differ by 60.
"""

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

TOKEN_LIFETIME_SECONDS = 3600
CLOCK_SKEW_SECONDS = 60

# Any fixed namespace does: it makes the object id of a person the same in each token of a tenant.
_PEOPLE = uuid.UUID("5c1b2d5e-6f0a-5b43-9d3e-0d7f5a7b6c11")


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says; a claim of another type than here makes the token unreadable."""

    iss: str
    aud: str
    tid: str
    appid: str
    sub: str
    iat: int
    nbf: int
    exp: int
    azp: str | None = None
    idtyp: str | None = None
    roles: tuple[str, ...] | None = None
    scp: str | None = None
    upn: str | None = None
    preferred_username: str | None = None
    oid: str | None = None
    wids: tuple[str, ...] | None = None
    uti: str | None = None
    ver: str | None = None
    xms_cc: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Authority:
    """In whose name a token is made, and for whom: an origin, or the urn of a store."""

    audience: str
    kind: Literal["origin", "store"] = "origin"

    def issuer(self, tenant_id: str) -> str:
        """Return `iss` for a tenant."""
        return self.audience if self.kind == "store" else f"{self.audience}/{tenant_id}/v2.0"


def store_authority(store_id: str) -> Authority:
    """Return the authority of tokens made on the command line of a store."""
    return Authority(f"urn:stanchion:{store_id}", "store")


def application_claims(
    authority: Authority,
    *,
    tenant_id: str,
    app_id: str,
    permissions: Iterable[str],
    now_seconds: int,
    capabilities: tuple[str, ...] | None = None,
) -> Claims:
    """Return the claims of a token by which an application speaks for itself; `capabilities` are for `xms_cc`."""
    claims = _claims(authority, tenant_id=tenant_id, app_id=app_id, subject=app_id, now_seconds=now_seconds)
    return msgspec.structs.replace(claims, idtyp="app", roles=tuple(permissions), xms_cc=capabilities)


@dataclass(frozen=True)
class Person:
    """For whom a delegated token speaks; `wids` are role template ids."""

    upn: str
    wids: tuple[str, ...] = ()


def delegated_claims(
    authority: Authority,
    person: Person,
    *,
    tenant_id: str,
    app_id: str,
    permissions: Iterable[str],
    now_seconds: int,
) -> Claims:
    """Return the claims of a token by which an application speaks for a person."""
    object_id = str(uuid.uuid5(_PEOPLE, f"{tenant_id}/{person.upn.lower()}"))
    claims = _claims(
        authority, tenant_id=tenant_id, app_id=app_id, subject=object_id, now_seconds=now_seconds
    )
    return msgspec.structs.replace(
        claims, oid=object_id, upn=person.upn, scp=" ".join(permissions), wids=person.wids or None
    )


def _claims(authority: Authority, *, tenant_id: str, app_id: str, subject: str, now_seconds: int) -> Claims:
    return Claims(
        iss=authority.issuer(tenant_id),
        aud=authority.audience,
        tid=tenant_id,
        appid=app_id,
        azp=app_id,
        sub=subject,
        iat=now_seconds,
        nbf=now_seconds,
        exp=now_seconds + TOKEN_LIFETIME_SECONDS,
        uti=secrets.token_urlsafe(16),
        ver="1.0",
    )
