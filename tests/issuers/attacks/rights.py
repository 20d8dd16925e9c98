"""Attacks on how long a token is good, and on what it may do."""

import json

from tests.conftest import TENANT
from tests.issuers.attack import Attack, by_token
from tests.issuers.minting import PERSON, READ_WRITE_ALL, SECURITY_READER, signed
from tests.issuers.scene import CLIENT_ID, HARBOUR_KEY, Scene, now

TIMES = "RFC 7519 4.1.4"
LIFETIME = "Lifetime validation failed"
TYPES = "wrong type"
WIDS = "Stanchion: delegated tokens of Entra need a role in wids"
FORBIDDEN = "does not have valid roles"


def _literal(scene: Scene, name: str, literal: str) -> str:
    """Return a token in which a time stands as a literal that JSON or a number does not know."""
    payload = json.dumps(scene.claims(**{name: 424242})).replace("424242", literal)
    return signed({"typ": "JWT", "alg": "RS256", "kid": HARBOUR_KEY.kid}, payload.encode(), HARBOUR_KEY)


def _time(name: str, forged: str, *, says: str = LIFETIME, clause: str = TIMES, **changes: object) -> Attack:
    """Return an attack by times, given as they are or as seconds from now in a tuple of one."""

    def made(scene: Scene) -> str:
        return scene.token(**{n: now() + c[0] if isinstance(c, tuple) else c for n, c in changes.items()})

    return by_token(name, clause, forged, token=made, says=says)


def _number(name: str, forged: str, literal: str) -> Attack:
    return by_token(name, TIMES, forged, token=lambda scene: _literal(scene, "exp", literal), says="payload")


def _person(name: str, clause: str, forged: str, *, says: str = FORBIDDEN, **changes: object) -> Attack:
    """Return an attack by a token of Entra for a person, who may not write."""
    return by_token(
        name,
        clause,
        forged,
        token=lambda scene: scene.entra_v2("delegated", **changes),
        says=says,
        status=403,
    )


ROWS: tuple[Attack, ...] = (
    _time("no exp", "the token has no `exp`", says="exp", exp=...),
    _time("exp null", "`exp` is `null`", says="exp", exp=None),
    _time("exp past", "`exp` was two minutes ago", exp=(-120,), iat=(-600,)),
    _time("exp just past the skew", "`exp` was 61 seconds ago", exp=(-61,), iat=(-600,)),
    _time("exp as text", "`exp` is text of digits", says="exp", exp=str(now() + 300)),
    _time("exp true", "`exp` is `true`", says="exp", exp=True),
    _time("exp negative", "`exp` is `-1`", exp=-1),
    _time("exp 0", "`exp` is `0`", exp=0),
    _number("exp infinite", "`exp` is `Infinity`", "Infinity"),
    _number("exp beyond a number", "`exp` is `1e400`", "1e400"),
    _number("exp not a number", "`exp` is `NaN`", "NaN"),
    _number("exp beyond 64 bits", "`exp` has 40 digits", "9" * 40),
    _time("nbf to come", "`nbf` is in two minutes", clause="RFC 7519 4.1.5", nbf=(120,)),
    _time("nbf as text", "`nbf` is text", clause="RFC 7519 4.1.5", says=TYPES, nbf="0"),
    _time("iat to come", "`iat` is in two minutes", clause="RFC 7519 4.1.6", iat=(120,)),
    by_token(
        "a token of a year",
        "RFC 9068 5",
        "`exp` is a year from now",
        token=lambda scene: scene.entra_v2(exp=now() + 31_536_000),
        says=LIFETIME,
    ),
    by_token(
        "roles as text",
        "RFC 9068 2.2.3.1",
        "`roles` is a string",
        token=lambda scene: scene.token(roles=READ_WRITE_ALL),
        says=TYPES,
    ),
    by_token(
        "wids as text",
        WIDS,
        "`wids` is a string that holds a role",
        token=lambda scene: scene.entra_v2("delegated", wids="194ae4cb-b126-40b2-bd5b-6091b380977d"),
        says=TYPES,
    ),
    by_token(
        "neither scp nor roles",
        "Stanchion: neither is 403",
        "the issuer's own token, without `roles`",
        token=lambda scene: scene.token(roles=...),
        says="scp or roles",
        status=403,
    ),
    by_token(
        "roles empty",
        "Stanchion: neither is 403",
        "`roles` is `[]`",
        token=lambda scene: scene.token(roles=[]),
        says="scp or roles",
        status=403,
    ),
    by_token(
        "roles elsewhere",
        "Stanchion: roles",
        "the role is in Keycloak's `realm_access` alone",
        token=lambda scene: scene.token(roles=..., realm_access={"roles": [READ_WRITE_ALL]}),
        says="scp or roles",
        status=403,
    ),
    by_token(
        "a role in another case",
        "Stanchion: roles",
        "`roles` is in lower case",
        token=lambda scene: scene.token(roles=[READ_WRITE_ALL.lower()]),
        says=READ_WRITE_ALL,
        status=403,
    ),
    by_token(
        "a role that only begins so",
        "Stanchion: write takes .ReadWrite.All",
        "`roles` is `SecurityEvents.ReadWrite`",
        token=lambda scene: scene.token(roles=["SecurityEvents.ReadWrite"]),
        says=READ_WRITE_ALL,
        status=403,
    ),
    by_token(
        "a reading role that writes",
        "Stanchion: write takes .ReadWrite.All",
        "`roles` is `SecurityEvents.Read.All`",
        token=lambda scene: scene.token(roles=["SecurityEvents.Read.All"]),
        says=READ_WRITE_ALL,
        status=403,
    ),
    by_token(
        "a fleet role from no fleet home",
        "Stanchion: fleet roles count only from a fleet home",
        "`roles` is `Ledger.Fleet.ReadWrite`, which any customer of a shared app could assign",
        token=lambda scene: scene.token(roles=["Ledger.Fleet.ReadWrite"]),
        says=READ_WRITE_ALL,
        status=403,
    ),
    _person(
        "roles in a delegated token",
        "Stanchion: scp makes a token delegated",
        "`scp` is `User.Read`, `roles` would write",
        scp="User.Read",
        roles=[READ_WRITE_ALL],
    ),
    _person(
        "an empty scp beside roles",
        "Stanchion: scp makes a token delegated",
        "`scp` is empty, `roles` would write",
        says=READ_WRITE_ALL,
        scp="",
        roles=[READ_WRITE_ALL],
    ),
    _person(
        "a person's roles without scp",
        "Stanchion: roles are an application's",
        "the token is a person's, to whom an app role was assigned, without `scp`",
        says="scp or roles",
        scp=...,
        roles=[READ_WRITE_ALL],
    ),
    _person(
        "a person's roles by idtyp",
        "Stanchion: roles are an application's",
        "`idtyp` is `user`, there is no `scp`, and `sub` is as an application's",
        says="scp or roles",
        scp=...,
        sub=PERSON,
        idtyp="user",
        roles=[READ_WRITE_ALL],
    ),
    _person("no wids", WIDS, "a person's token without `wids`", says="Security Administrator", wids=...),
    _person("wids empty", WIDS, "`wids` is `[]`", says="Security Administrator", wids=[]),
    _person(
        "wids of a lesser role",
        WIDS,
        "a Security Reader writes",
        says="Security Administrator",
        wids=[SECURITY_READER],
    ),
    _person(
        "wids of no role here",
        WIDS,
        "`wids` holds the id that every user has",
        says="Security Administrator",
        wids=["b79fbf4d-3ef9-4689-8143-76b194e85509"],
    ),
    _person(
        "wids by name",
        WIDS,
        "`wids` holds `Security Administrator`, not its id",
        says="Security Administrator",
        wids=["Security Administrator"],
    ),
    _person(
        "a person's roles without scp in wids alone",
        WIDS,
        "`wids` is that of an administrator, `scp` only reads",
        says=READ_WRITE_ALL,
        scp="SecurityEvents.Read.All",
    ),
    by_token(
        "a token for another tenant's data",
        "Stanchion: on the Graph roots no other tenant can be reached",
        "the issuer's token for a tenant with an `aud` of the tenant's, not of the API's",
        token=lambda scene: scene.entra_v2(aud=f"{CLIENT_ID}/{TENANT}"),
        says="aud",
    ),
)
