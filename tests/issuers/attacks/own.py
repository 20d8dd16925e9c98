"""Attacks between the built-in issuer and the others: nobody's key proves another's words."""

import time

import msgspec

from stanchion.access.claims import store_authority
from tests.conftest import ORIGIN, TENANT
from tests.issuers.attack import Attack, by_token
from tests.issuers.minting import SigningKey, encode, signed, token
from tests.issuers.scene import ATTACKER_KEY, HARBOUR_KEY, Scene
from tests.web.forging import forged, good_claims, own_key

KEPT_APART = "RFC 8725 3.12, Stanchion: keys are held per issuer"
UNKNOWN = "key"


def _own(scene: Scene) -> SigningKey:
    key = own_key(scene.api)
    return SigningKey(lambda: key, str(key.kid))


def _words_of_the_store(scene: Scene) -> dict[str, object]:
    made: dict[str, object] = msgspec.to_builtins(good_claims(scene.api))
    return made


def _at_the_origin(scene: Scene) -> dict[str, object]:
    return {**_words_of_the_store(scene), "aud": ORIGIN, "iss": f"{ORIGIN}/{TENANT}/v2.0"}


def _unsigned(scene: Scene) -> str:
    header = msgspec.json.encode({"alg": "none", "typ": "JWT", "kid": _own(scene).kid})
    return f"{encode(header)}.{encode(msgspec.json.encode(_words_of_the_store(scene)))}."


ROWS: tuple[Attack, ...] = (
    by_token(
        "the store's words by an issuer's key",
        KEPT_APART,
        "`iss` and `aud` are the store's, signed by a trusted issuer under its `kid`",
        token=lambda scene: token(_words_of_the_store(scene), HARBOUR_KEY),
        says=UNKNOWN,
    ),
    by_token(
        "the server's words by an issuer's key",
        KEPT_APART,
        "`iss` and `aud` are the server's address, signed by a trusted issuer under its `kid`",
        token=lambda scene: token(_at_the_origin(scene), HARBOUR_KEY),
        says=UNKNOWN,
    ),
    by_token(
        "the store's words under the store's kid",
        KEPT_APART,
        "`iss`, `aud` and `kid` are the store's, signed by a trusted issuer",
        token=lambda scene: token(_words_of_the_store(scene), HARBOUR_KEY, kid=_own(scene).kid),
        says="The signature is not valid.",
    ),
    by_token(
        "an issuer's words by the store's key",
        KEPT_APART,
        "`iss` and `aud` are those of an issuer, signed by the store's key",
        token=lambda scene: token(scene.claims(), _own(scene)),
        says=UNKNOWN,
    ),
    by_token(
        "the store's words, unsigned",
        "RFC 8725 3.1",
        "a token of the built-in issuer with `alg` `none`",
        token=_unsigned,
        says="(alg)",
    ),
    by_token(
        "the store's words by ES256",
        "RFC 8725 3.1",
        "the header says `ES256`, `kid` names the store's RSA key",
        token=lambda scene: signed(
            {"typ": "JWT", "alg": "ES256", "kid": _own(scene).kid}, _words_of_the_store(scene), ATTACKER_KEY
        ),
        says="alg",
    ),
    by_token(
        "aud of another store",
        "RFC 8725 3.9",
        "a token of another Stanchion, by a key of this one",
        token=lambda scene: forged(
            scene.api, aud=store_authority("1").audience, iss=store_authority("1").issuer(TENANT)
        ),
        says="(aud)",
    ),
    by_token(
        "aud of Graph by the built-in issuer",
        "RFC 8725 3.9",
        "signed by the store's key for `https://graph.microsoft.com`",
        token=lambda scene: forged(scene.api, aud="https://graph.microsoft.com"),
        says="(aud)",
    ),
    by_token(
        "an app nobody added",
        "Stanchion: app, tenant and key still stand",
        "signed by the store's key, `appid` is unknown",
        token=lambda scene: forged(scene.api, appid="cccccccc-0000-4000-8000-000000000003"),
        says="(appid)",
    ),
    by_token(
        "an old token of the built-in issuer",
        "RFC 7519 4.1.4",
        "signed by the store's key, expired an hour ago",
        token=lambda scene: forged(
            scene.api,
            iat=int(time.time()) - 7200,
            nbf=int(time.time()) - 7200,
            exp=int(time.time()) - 3600,
        ),
        says="expired",
    ),
)
