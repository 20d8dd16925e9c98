"""Tokens of issuers besides our own: verified by the keys of the entry that their `iss` and `tid` lead to.

- The unverified `iss` and `tid` only pick the entry; with Entra the `tid` must be the one in `iss`. Then the
  entry's keys judge the signature, and only then is anything else believed.
- `scp` makes a token delegated, else `roles` makes it an application's; neither permits anything (403).
- Delegated tokens of Entra also need a directory role; other issuers know none.
- Ledger.Fleet permissions count only under an entry that is a fleet home.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from stanchion.access.bearer import TokenHeader, invalid, read_json, verified_payload
from stanchion.access.caller import Caller
from stanchion.access.directory import Directory
from stanchion.access.external_claims import (
    ExternalClaims,
    begins_seconds,
    client_id,
    ends_seconds,
    read_external_claims,
)
from stanchion.access.issuer_entry import IssuerEntry
from stanchion.access.issuer_keys import IssuerKeys
from stanchion.access.key_set import KeyId, PublicKey
from stanchion.access.permission import FLEET_PERMISSIONS, PERMISSIONS, ROLES
from stanchion.access.standing import Standing
from stanchion.access.tenants import PERSONAL_ACCOUNTS
from stanchion.ledger.changes import Actor
from stanchion.model.json_text import JsonObject
from stanchion.store import STORE_CHAIN

_ROLE_IDS = frozenset(ROLES.values())


@dataclass(frozen=True)
class ExternalToken:
    """For whom a verified token stands and when, with the entry and the key that verified it.

    Of the token itself nothing is left: whoever signs many long ones fills no memory with them.
    """

    entry_id: str
    key_id: KeyId
    key: PublicKey
    caller: Caller
    begins_seconds: float
    ends_seconds: float

    @property
    def tenant_id(self) -> str:
        """The tenant that it names."""
        return self.caller.tenant_id

    @property
    def app_id(self) -> str:
        """The application that asked for it."""
        return self.caller.app_id


class ExternalTokens:
    """Verifies tokens of the issuers of a directory, and says whom they stand for as long as they do."""

    def __init__(self, directory: Directory, keys: IssuerKeys) -> None:
        self._directory = directory
        self._keys = keys

    async def verify(self, token: bytes, header: TokenHeader, unverified: JsonObject) -> ExternalToken:
        """Return what a token truly says; `unverified` is its payload as it came.

        Raises Unauthenticated, and ServiceUnavailable while the issuer's keys cannot be had.
        """
        entry = self._entry(unverified.get("iss"), unverified.get("tid"))
        key_id = KeyId(header.kid, header.algorithm)
        key = await self._keys.of(entry).key(key_id)
        if key is None:
            raise invalid(
                "The key (kid) that signed it is none of its issuer's (iss) for this algorithm (alg).",
                "unknown_key",
            )
        payload = read_json(verified_payload(token, key.key, algorithm=header.algorithm), what="payload")
        claims = read_external_claims(payload, header, entry)
        claims = msgspec.structs.replace(claims, tid=claims.tid.lower())
        if not key.signs_for(claims.tid, entry.issuers(claims.tid)):
            raise invalid("The key that signed it is not for the tenant (tid).", "untrusted_issuer")
        return ExternalToken(
            entry.entry_id,
            key_id,
            key,
            _caller(claims, entry),
            begins_seconds=begins_seconds(claims),
            ends_seconds=ends_seconds(claims),
        )

    def standing(self, token: ExternalToken, *, now_seconds: float) -> Standing:
        """Return whom a token stands for now; raises Unauthenticated when it stands for nobody any more."""
        if now_seconds >= token.ends_seconds:
            raise invalid("Lifetime validation failed, the token is expired.", "expired_token")
        if now_seconds < token.begins_seconds:
            raise invalid("Lifetime validation failed, the token is not valid yet.", "early_token")
        actor = token.caller.actor
        entry = self._entry(actor.issuer, actor.tenant_id)
        if entry.entry_id != token.entry_id or self._directory.tenant(actor.tenant_id) is None:
            raise invalid(
                "The issuer (iss) does not speak for the tenant (tid) any more.", "untrusted_issuer"
            )
        keys = self._keys.of(entry)
        if keys.known(token.key_id) != token.key:
            raise invalid("The key that signed it is not one of its issuer's (iss) any more.", "unknown_key")
        return Standing(
            token.caller,
            begins_seconds=token.begins_seconds,
            ends_seconds=min(token.ends_seconds, now_seconds + keys.stands_for_seconds()),
        )

    def _entry(self, issuer: object, tenant: object) -> IssuerEntry:
        if not isinstance(issuer, str) or not isinstance(tenant, str):
            raise invalid("The tenant (tid) is missing; the issuer (iss) must be made to add it.")
        tenant_id = tenant.lower()
        if tenant_id == PERSONAL_ACCOUNTS:
            raise invalid("Personal Microsoft accounts have no security posture.", "unknown_tenant")
        entry = self._directory.issuers().entry(issuer, tenant_id)
        if entry is None or tenant_id == STORE_CHAIN:
            raise invalid("The issuer (iss) does not speak for the tenant (tid) here.", "untrusted_issuer")
        return entry


def _caller(claims: ExternalClaims, entry: IssuerEntry) -> Caller:
    delegated = claims.scp is not None
    permissions = frozenset(PERMISSIONS).intersection(_permissions(claims, entry))
    app_id = client_id(claims, entry.issuers(claims.tid).get(claims.iss)) or ""
    name = claims.upn or claims.preferred_username
    # Who is not named is a program, which its client id tells apart.
    subject = (claims.oid or claims.sub) if delegated or name is not None else None
    return Caller(
        tenant_id=claims.tid,
        actor=Actor(
            issuer=claims.iss,
            tenant_id=claims.tid,
            name=name or app_id,
            oid=subject,
            appid=app_id if subject is None else None,
        ),
        app_id=app_id,
        permissions=permissions if entry.fleet_home else permissions - FLEET_PERMISSIONS,
        delegated=delegated,
        wids=_ROLE_IDS.intersection(role.lower() for role in claims.wids or ()) if delegated else frozenset(),
        without_roles=entry.cloud is None,
    )


def _permissions(claims: ExternalClaims, entry: IssuerEntry) -> Iterable[str]:
    if claims.scp is not None:
        return claims.scp.split() if isinstance(claims.scp, str) else claims.scp
    # A person's token without scopes is no application's, whatever roles the person has.
    if claims.idtyp not in {None, "app"} or (entry.cloud is not None and _is_of_person(claims)):
        return ()
    return claims.roles or ()


def _is_of_person(claims: ExternalClaims) -> bool:
    """Say whether a token of Entra is a person's: only an application's `sub` is its object id."""
    return claims.oid is not None and claims.sub is not None and claims.oid != claims.sub
