"""Attacks through the key set of an issuer: keys too weak, of odd kinds, private or ambiguous; and no set at all."""

import gzip
from collections.abc import Callable, Mapping

from joserfc.jwk import OctKey, RSAKey

from stanchion.access.tenants import PERSONAL_ACCOUNTS
from tests.conftest import OTHER_TENANT
from tests.issuers.attack import Attack, by_token
from tests.issuers.minting import SigningKey, elliptic, encode, rsa
from tests.issuers.scene import ATTACKER_KEY, ENTRA_KEY, ENTRA_KEYS_PATH, HARBOUR_EC_KEY, HARBOUR_KEY, Scene
from tests.issuers.standin import Answer, document, endless, redirect

STRONG = "RFC 8725 3.5"
INPUTS = "RFC 8725 3.4"
ADDRESS = "Stanchion: one JWKS address per entry, https, no redirects"
LIMITS = "Stanchion: 1 MiB"
NO_KEYS = "key"
WEAK = rsa("weak", "key-1", bits=1024)
SECRET = SigningKey(lambda: OctKey.import_key("a secret that stands in public " * 2), "key-1", "HS256")


def _published(
    name: str,
    clause: str,
    forged: str,
    *keys: Callable[[], Mapping[str, object]],
    by: SigningKey = HARBOUR_KEY,
) -> Attack:
    """Return an attack by a key set in which the key that signed stands, beside a good one, as it may not."""

    def made(scene: Scene) -> str:
        scene.harbour.publishes(*(key() for key in keys), HARBOUR_EC_KEY.published())
        return scene.token(by)

    return by_token(name, clause, forged, token=made, says=NO_KEYS)


def _labelled(name: str, clause: str, forged: str, tenant: str) -> Attack:
    """Return an attack by a key of Entra that signs for another tenant than the token's."""

    def made(scene: Scene) -> str:
        key = ENTRA_KEY.published(alg=..., issuer=f"https://login.microsoftonline.com/{tenant}/v2.0")
        scene.entra.answers[ENTRA_KEYS_PATH] = document({"keys": [key]})
        return scene.entra_v2()

    return by_token(name, clause, forged, token=made, says="not for the tenant (tid)")


def _answered(name: str, clause: str, forged: str, answer: Callable[[Scene], Answer]) -> Attack:
    """Return an attack by what the issuer says where its keys should be."""

    def made(scene: Scene) -> str:
        scene.harbour.answers[scene.harbour.keys_path] = answer(scene)
        return scene.token()

    return by_token(name, clause, forged, token=made, says=NO_KEYS, status=503)


def _public(key: SigningKey, **changed: object) -> Callable[[], Mapping[str, object]]:
    return lambda: key.published(**changed)


def _huge() -> Mapping[str, object]:
    modulus = (1 << 16383) | (int.from_bytes(b"\x5a" * 2047, "big") << 1) | 1
    return HARBOUR_KEY.published(n=encode(modulus.to_bytes(2048, "big")))


def _exponent(value: int) -> Callable[[], Mapping[str, object]]:
    return _public(HARBOUR_KEY, e=encode(value.to_bytes(8, "big").lstrip(b"\0")))


def _private() -> Mapping[str, object]:
    assert isinstance(HARBOUR_KEY.key, RSAKey)
    return {**HARBOUR_KEY.key.as_dict(private=True), "kid": HARBOUR_KEY.kid, "use": "sig", "alg": "RS256"}


def _symmetric() -> Mapping[str, object]:
    return {"kty": "oct", "k": encode(b"a secret that stands in public " * 2), "kid": "key-1", "alg": "HS256"}


def _redirected(scene: Scene, location: str) -> Answer:
    for standin in (scene.harbour, scene.yard):
        standin.answers["/elsewhere"] = document({"keys": [HARBOUR_KEY.published()]})
    return redirect(location)


def _bomb() -> Answer:
    keys = gzip.compress(b" " * 8 * 1024 * 1024 + b'{"keys": []}')
    return Answer(keys, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})


def _large(scene: Scene) -> Answer:
    return document({"keys": [HARBOUR_KEY.published(), *scene.harbour.keys], "padding": "a" * 1024 * 1024})


def _symmetric_token(scene: Scene) -> str:
    scene.harbour.publishes(_symmetric())
    return scene.token(SECRET)


P384 = elliptic("harbour", "key-1", algorithm="ES384", curve="P-384")
K256 = elliptic("harbour", "key-1", algorithm="ES256K", curve="secp256k1")

ROWS: tuple[Attack, ...] = (
    _published(
        "a key of 1,024 bits", STRONG, "the issuer publishes and uses a weak RSA key", _public(WEAK), by=WEAK
    ),
    _published("a modulus of 16,384 bits", INPUTS, "a key that would take long to check with", _huge),
    _published("an exponent of 1", INPUTS, "with `e` of 1 anybody can sign", _exponent(1)),
    _published("an even exponent", INPUTS, "`e` is 65538", _exponent(65538)),
    _published("a modulus of zero", INPUTS, "`n` is `AA`", _public(HARBOUR_KEY, n="AA")),
    _published("a modulus that is no text", INPUTS, "`n` is a number", _public(HARBOUR_KEY, n=65537)),
    by_token(
        "a symmetric key",
        "RFC 8725 3.1, 3.2",
        "the set holds a secret, the token is signed by it with `HS256`",
        token=_symmetric_token,
        says="The algorithm (alg) must be",
    ),
    _published(
        "a symmetric key for RS256",
        "RFC 8725 3.1",
        "`kty` is `oct`, `alg` is `RS256`",
        lambda: {**_symmetric(), "alg": "RS256"},
    ),
    _published("a private key", STRONG, "the set gives the private half away", _private),
    _published("a key for encryption", "RFC 7517 4.2", "`use` is `enc`", _public(HARBOUR_KEY, use="enc")),
    _published(
        "a key that may not verify",
        "RFC 7517 4.3",
        '`key_ops` is `["encrypt"]`',
        _public(HARBOUR_KEY, use=..., key_ops=["encrypt"]),
    ),
    _published(
        "a key for another algorithm",
        "RFC 7517 4.4",
        "`alg` of the key is `RS512`",
        _public(HARBOUR_KEY, alg="RS512"),
    ),
    _published("a key without a kid", "RFC 7517 4.5", "the key has no `kid`", _public(HARBOUR_KEY, kid=...)),
    _published(
        "two keys of one kid",
        "RFC 7517 4.5",
        "a second key under the `kid` of the first, and a token signed by it",
        _public(HARBOUR_KEY),
        _public(ATTACKER_KEY),
        by=ATTACKER_KEY,
    ),
    _published(
        "two keys of one kid, the first signs",
        "RFC 7517 4.5",
        "two keys under one `kid`: neither is meant",
        _public(HARBOUR_KEY),
        _public(ATTACKER_KEY),
    ),
    _labelled(
        "the key of personal accounts",
        "Stanchion: personal Microsoft accounts are 401",
        "Entra labels the key with the issuer of personal accounts; the token is an organisation's",
        PERSONAL_ACCOUNTS,
    ),
    _labelled(
        "the key of another tenant",
        "RFC 8725 3.8",
        "Entra labels the key with the issuer of another tenant",
        OTHER_TENANT,
    ),
    _published(
        "a curve that is not P-256",
        "RFC 7518 3.4",
        "a key on P-384 said to be for `ES256`",
        _public(P384, alg="ES256"),
    ),
    _published(
        "secp256k1", "RFC 8812 3.2", "a key on secp256k1 said to be for `ES256`", _public(K256, alg="ES256")
    ),
    _published(
        "a point off the curve",
        INPUTS,
        "`y` of an elliptic key is wrong",
        _public(P384, alg="ES256", crv="P-256", x="AQ", y="AQ"),
    ),
    _published(
        "a certificate beside the key",
        "RFC 7517 4.6",
        "the set names the attacker's key by `x5u` alone",
        lambda: {"kty": "RSA", "kid": "key-1", "x5u": "https://attacker.example/x"},
    ),
    _published(
        "a rotated-out key",
        "Stanchion: the key set is the issuer's word",
        "signed by a key that the issuer shows no more",
        _public(ATTACKER_KEY, kid="key-2"),
    ),
    _answered(
        "keys that are no JSON",
        INPUTS,
        "the set is a web page",
        lambda _: Answer(b"<html>Sign in</html>", headers={"Content-Type": "text/html"}),
    ),
    _answered(
        "keys that are a list",
        "RFC 7517 5",
        "the set is a bare list of keys",
        lambda _: document([HARBOUR_KEY.published()]),
    ),
    _answered(
        "keys that are an object",
        "RFC 7517 5",
        "`keys` is an object",
        lambda _: document({"keys": {"key-1": HARBOUR_KEY.published()}}),
    ),
    _answered(
        "keys of other types",
        "RFC 7517 5",
        "`keys` holds text, numbers and null",
        lambda _: document({"keys": ["key-1", 7, None, [], {}]}),
    ),
    _answered(
        "keys said twice",
        "RFC 7517 5",
        "the set says `keys` twice",
        lambda _: Answer(b'{"keys": [], "keys": []}', headers={"Content-Type": "application/json"}),
    ),
    _answered(
        "keys behind a redirect",
        ADDRESS,
        "302 to another path of the same host",
        lambda s: _redirected(s, "/elsewhere"),
    ),
    _answered(
        "keys behind a redirect to another host",
        ADDRESS,
        "307 to another host",
        lambda s: _redirected(s, f"{s.yard.origin}/elsewhere"),
    ),
    _answered(
        "keys behind a redirect to http",
        ADDRESS,
        "302 to `http://`",
        lambda s: _redirected(s, f"http://localhost:{s.harbour.port}/elsewhere"),
    ),
    _answered(
        "keys with a failure",
        ADDRESS,
        "500, with good keys in the body",
        lambda _: document({"keys": [HARBOUR_KEY.published()]}, status=500),
    ),
    _answered("keys over 1 MiB", LIMITS, "good keys among 1 MiB", _large),
    _answered("keys without end", LIMITS, "64 MiB without a length", lambda _: endless()),
    _answered("keys in a bomb", LIMITS, "8 MiB, compressed to 8 KiB", lambda _: _bomb()),
    _answered(
        "more keys than anybody has",
        INPUTS,
        "a good key among 2,000 small ones",
        lambda _: document(
            {"keys": [HARBOUR_KEY.published(), *({"kty": "x", "kid": str(n)} for n in range(2000))]}
        ),
    ),
)
