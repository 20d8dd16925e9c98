"""Attacks on the form of a token: other serialisations, nested and encrypted ones, doubled names, odd bytes."""

import json

from stanchion.model.json_text import JsonObject
from tests.conftest import OTHER_TENANT
from tests.issuers.attack import Attack, by_token
from tests.issuers.minting import encode, signed
from tests.issuers.scene import ATTACKER_KEY, HARBOUR_KEY, Scene

NO_TOKEN = "CompactToken parsing failed"
NO_OBJECT = "is not a JSON object, or says something twice"
JWE_HEADER = b'{"alg":"RSA-OAEP","enc":"A256GCM"}'
HEADER: JsonObject = {"typ": "JWT", "alg": "RS256", "kid": "key-1"}


def _flattened(scene: Scene) -> str:
    protected, payload, signature = scene.token().split(".")
    return json.dumps({"payload": payload, "protected": protected, "signature": signature})


def _payload(scene: Scene, **changed: object) -> bytes:
    return json.dumps(scene.claims(**changed)).encode()


def _with_payload(payload: bytes) -> str:
    return signed(HEADER, payload, HARBOUR_KEY)


def _doubled_header(scene: Scene) -> str:
    header = json.dumps(HEADER).encode()
    return signed(header[:-1] + b',"alg":"none"}', _payload(scene), HARBOUR_KEY)


def _nested(scene: Scene) -> str:
    return signed({**HEADER, "cty": "JWT"}, scene.token().encode(), ATTACKER_KEY)


ROWS: tuple[Attack, ...] = (
    by_token(
        "JSON serialisation",
        "RFC 7519 3, RFC 7515 7.2",
        "a true JWS in the flattened JSON serialisation",
        token=_flattened,
        says=NO_TOKEN,
    ),
    by_token(
        "a nested JWT",
        "RFC 7519 5.2, RFC 8725 3.3",
        "a true token inside one that the attacker signed, `cty` is `JWT`",
        token=_nested,
        says=NO_OBJECT,
    ),
    by_token(
        "a nested JWT by the issuer",
        "RFC 7519 5.2",
        "the payload is another token, both signed by the issuer",
        token=lambda scene: signed({**HEADER, "cty": "JWT"}, scene.token().encode(), HARBOUR_KEY),
        says=NO_OBJECT,
    ),
    by_token(
        "an encrypted token",
        "RFC 7519 3, RFC 7516 7.1",
        "five parts, as of a JWE",
        token=lambda scene: f"{encode(JWE_HEADER)}.{scene.token()}.e30",
        says=NO_TOKEN,
    ),
    by_token(
        "a header of JWE in three parts",
        "RFC 7516 4.1.2",
        "`alg` is `dir`, `enc` is `A256GCM`",
        token=lambda scene: scene.headed(alg="dir", enc="A256GCM"),
        says="The algorithm (alg) must be",
    ),
    by_token(
        "an opaque token",
        "RFC 7519 7.2",
        "no dot in it, as tokens of personal accounts",
        token=lambda _: "EwBwA8l6BAAU7p9QDpi",
        says=NO_TOKEN,
    ),
    by_token(
        "a header name said twice",
        "RFC 7515 4",
        "the header says `alg` twice, the second time `none`",
        token=_doubled_header,
        says=NO_OBJECT,
    ),
    by_token(
        "a claim said twice",
        "RFC 7519 4",
        "the payload says `tid` twice, the second time another tenant",
        token=lambda scene: _with_payload(_payload(scene)[:-1] + f',"tid":"{OTHER_TENANT}"}}'.encode()),
        says=NO_OBJECT,
    ),
    by_token(
        "a claim said twice by an escape",
        "RFC 7519 4",
        "the payload says `tid` and `t\\u0069d`",
        token=lambda scene: _with_payload(_payload(scene)[:-1] + f',"t\\u0069d":"{OTHER_TENANT}"}}'.encode()),
        says=NO_OBJECT,
    ),
    by_token(
        "a payload that is no object",
        "RFC 7519 7.2",
        "the payload is `[1]`",
        token=lambda _: _with_payload(b"[1]"),
        says=NO_OBJECT,
    ),
    by_token(
        "a payload that is no UTF-8",
        "RFC 8725 3.7",
        "a Latin-1 letter in a claim",
        token=lambda scene: _with_payload(_payload(scene, name="Quai").replace(b"Quai", b"Qu\xe9")),
        says=NO_OBJECT,
    ),
    by_token(
        "a payload in UTF-16",
        "RFC 8725 3.7",
        "the payload is UTF-16 with its mark",
        token=lambda scene: _with_payload(_payload(scene).decode().encode("utf-16")),
        says=NO_OBJECT,
    ),
    by_token(
        "a payload that nests deep",
        "RFC 8725 3.4",
        "4,000 arrays in one another",
        token=lambda _: _with_payload(b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}"),
        says=NO_OBJECT,
    ),
    by_token(
        "a header that nests deep",
        "RFC 8725 3.4",
        "4,000 arrays in one another, before any key is looked for",
        token=lambda _: encode(b'{"alg":' + b"[" * 4000 + b"]" * 4000 + b"}") + ".e30.e30",
        says=NO_OBJECT,
    ),
    by_token(
        "a header that is no object",
        "RFC 7515 4",
        'the header is `"RS256"`',
        token=lambda _: encode(b'"RS256"') + ".e30.e30",
        says=NO_OBJECT,
    ),
    by_token(
        "padding",
        "RFC 7515 2",
        "`=` at the end",
        token=lambda scene: f"{scene.token()}=",
        says="The signature is not valid.",
    ),
    by_token(
        "a blank inside",
        "RFC 7519 7.2",
        "a blank after the first dot",
        token=lambda scene: scene.token().replace(".", ". ", 1),
        says=NO_TOKEN,
    ),
    by_token(
        "text that is not ASCII",
        "RFC 6750 2.1",
        "`\u00e9` at the end",
        token=lambda scene: f"{scene.token()}\u00e9",
        says=NO_TOKEN,
    ),
    by_token(
        "a token of 20 KiB",
        "Stanchion: a token is at most 16 KiB",
        "a true token, grown by a claim",
        token=lambda scene: scene.token(padding="a" * 15_000),
        says="longer than 16384 bytes",
    ),
    by_token(
        "a token of 1 MiB",
        "Stanchion: headers are at most 32 KiB",
        "a true token, grown by a claim",
        token=lambda scene: scene.token(padding="a" * 800_000),
        says="header",
        status=431,
    ),
)
