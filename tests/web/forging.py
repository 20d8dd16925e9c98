"""Tokens that this server would not make: signed with its own key, with claims changed, or not signed by it."""

import time
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import RSAKey

from stanchion.access.claims import Claims, application_claims, store_authority
from stanchion.access.issuer import sign
from stanchion.access.operator import AppWish, add_app, signing_key
from stanchion.app import key_file
from tests.conftest import OPERATOR, TENANT, Api


def own_key(api: Api) -> RSAKey:
    """Return the key that the server signs with."""
    return signing_key(api.store, key_file=key_file(api.settings), actor=OPERATOR)


def good_claims(api: Api) -> Claims:
    """Return the claims of a good token of an app that may write."""
    permission = "SecurityEvents.ReadWrite.All"
    app = add_app(api.store, AppWish(TENANT, "forged", permissions=(permission,)), actor=OPERATOR).app
    return application_claims(
        store_authority(api.store.store_id),
        tenant_id=TENANT,
        app_id=app.client_id,
        permissions=(permission,),
        now_seconds=int(time.time()),
    )


def forged(api: Api, **changed: Any) -> str:  # noqa: ANN401 (claims are of many types)
    """Return a token signed with the server's own key, some claims changed."""
    return sign(msgspec.structs.replace(good_claims(api), **changed), own_key(api))


def signed_otherwise(api: Api, header: dict[str, str], key: RSAKey) -> str:
    """Return a token with good claims, signed with another key or under another header."""
    return jws.serialize_compact(
        {"alg": "RS256", "typ": "JWT", **header}, msgspec.json.encode(good_claims(api)), key
    )
