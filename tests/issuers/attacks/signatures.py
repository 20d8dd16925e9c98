"""Attacks on the signature: none, another algorithm, another key, a cut or stretched one."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode

from joserfc.jwk import OKPKey, RSAKey
from joserfc.util import urlsafe_b64encode

from tests.issuers.attack import Attack, by_token
from tests.issuers.minting import elliptic, encode, rsa, signed, unsigned
from tests.issuers.scene import ATTACKER_KEY, HARBOUR_EC_KEY, HARBOUR_KEY, Scene

ALGORITHM = "RFC 8725 3.1"
OPERATIONS = "RFC 8725 3.3"
NOT_ALLOWED = "The algorithm (alg) must be"
WRONG = "The signature is not valid."


def _without(scene: Scene, algorithm: str) -> str:
    return unsigned({"alg": algorithm, "typ": "JWT", "kid": HARBOUR_KEY.kid}, scene.claims())


def _hmac(scene: Scene, secret: bytes) -> str:
    message = unsigned({"alg": "HS256", "typ": "JWT", "kid": HARBOUR_KEY.kid}, scene.claims()).rstrip(".")
    return f"{message}.{encode(hmac.digest(secret, message.encode(), hashlib.sha256))}"


def _by(scene: Scene, algorithm: str, *, said: str | None = None) -> str:
    """Return a token truly signed by an algorithm, with the issuer's own key where it is for RSA."""
    if algorithm == "ES384":
        key = elliptic("harbour", HARBOUR_KEY.kid, algorithm=algorithm, curve="P-384")
    else:
        key = rsa("harbour", HARBOUR_KEY.kid, algorithm=algorithm)
    return signed({"alg": said or algorithm, "typ": "JWT", "kid": key.kid}, scene.claims(), key)


def _edwards(scene: Scene) -> str:
    message = unsigned({"alg": "EdDSA", "typ": "JWT", "kid": HARBOUR_KEY.kid}, scene.claims()).rstrip(".")
    key = OKPKey.generate_key("Ed25519")
    return f"{message}.{encode(key.private_key.sign(message.encode()))}"  # type: ignore[union-attr]


def _with_signature(token: str, signature: bytes) -> str:
    return f"{token.rpartition('.')[0]}.{encode(signature)}"


def _signature(token: str) -> bytes:
    return urlsafe_b64decode(token.rpartition(".")[2] + "==")


def _der(scene: Scene) -> str:
    """Return an elliptic signature in the form that X.509 uses, not JWS (RFC 7518 3.4)."""
    raw = _signature(scene.token(HARBOUR_EC_KEY))
    numbers = b"".join(b"\x02\x21\x00" + raw[half : half + 32] for half in (0, 32))
    return _with_signature(scene.token(HARBOUR_EC_KEY), b"\x30" + bytes([len(numbers)]) + numbers)


def _altered(scene: Scene, part: int) -> str:
    parts = scene.token().split(".")
    value = json.loads(urlsafe_b64decode(parts[part] + "=="))
    value |= {"typ": "at+jwt"} if part == 0 else {"roles": ["SecurityEvents.ReadWrite.All", "Ledger.Import"]}
    parts[part] = urlsafe_b64encode(json.dumps(value).encode()).decode()
    return ".".join(parts)


def _public_pem() -> bytes:
    assert isinstance(HARBOUR_KEY.key, RSAKey)
    return HARBOUR_KEY.key.as_pem(private=False)


ROWS: tuple[Attack, ...] = (
    *(
        by_token(
            f"alg {said}",
            ALGORITHM,
            f"`alg` is `{said}`, the signature is empty",
            token=lambda scene, said=said: _without(scene, said),  # type: ignore[misc]
            says=NOT_ALLOWED,
        )
        for said in ("none", "None", "NONE", "nOnE")
    ),
    by_token(
        "no alg",
        "RFC 7515 4.1.1",
        "the header has no `alg`",
        token=lambda scene: scene.headed(alg=...),
        says=NOT_ALLOWED,
    ),
    by_token(
        "alg in lower case",
        "RFC 7515 4.1.1",
        "`alg` is `rs256`; names are case-sensitive",
        token=lambda scene: scene.headed(alg="rs256"),
        says=NOT_ALLOWED,
    ),
    by_token(
        "alg a list",
        "RFC 7515 4.1.1",
        '`alg` is `["RS256"]`',
        token=lambda scene: scene.headed(alg=["RS256"]),
        says=NOT_ALLOWED,
    ),
    by_token(
        "HS256 by the public key",
        "RFC 8725 2.1, 3.1",
        "`alg` is `HS256`, the secret is the issuer's public key in PEM",
        token=lambda scene: _hmac(scene, _public_pem()),
        says=NOT_ALLOWED,
    ),
    by_token(
        "HS256 by the public JWK",
        "RFC 8725 2.1, 3.1",
        "`alg` is `HS256`, the secret is the issuer's public key as its key set shows it",
        token=lambda scene: _hmac(scene, json.dumps(HARBOUR_KEY.published()).encode()),
        says=NOT_ALLOWED,
    ),
    by_token(
        "HS256 by an empty secret",
        "RFC 8725 3.5",
        "`alg` is `HS256`, the secret is empty",
        token=lambda scene: _hmac(scene, b""),
        says=NOT_ALLOWED,
    ),
    *(
        by_token(
            f"{algorithm} by the issuer's key",
            "RFC 8725 3.2",
            f"signed truly, but by `{algorithm}`",
            token=lambda scene, algorithm=algorithm: _by(scene, algorithm),  # type: ignore[misc]
            says=NOT_ALLOWED,
        )
        for algorithm in ("PS256", "RS384", "RS512")
    ),
    by_token(
        "PS256 said to be RS256",
        ALGORITHM,
        "signed by `PS256` with the issuer's key under the header `RS256`",
        token=lambda scene: _by(scene, "PS256", said="RS256"),
        says=WRONG,
    ),
    by_token(
        "ES384",
        "RFC 8725 3.2",
        "`alg` is `ES384`, by a key on P-384",
        token=lambda scene: _by(scene, "ES384"),
        says=NOT_ALLOWED,
    ),
    by_token(
        "EdDSA",
        "RFC 8725 3.2",
        "`alg` is `EdDSA`, by a key of the attacker's",
        token=_edwards,
        says=NOT_ALLOWED,
    ),
    by_token(
        "ES256 under an RSA kid",
        ALGORITHM,
        "signed by an elliptic key, `kid` names an RSA key",
        token=lambda scene: scene.headed(HARBOUR_EC_KEY, kid=HARBOUR_KEY.kid),
        says="alg",
    ),
    by_token(
        "RS256 under an elliptic kid",
        ALGORITHM,
        "signed by an RSA key, `kid` names an elliptic key",
        token=lambda scene: scene.headed(HARBOUR_KEY, kid=HARBOUR_EC_KEY.kid),
        says="alg",
    ),
    by_token(
        "an empty signature",
        OPERATIONS,
        "the third part is empty",
        token=lambda scene: _with_signature(scene.token(), b""),
        says=WRONG,
    ),
    by_token(
        "a stripped signature",
        "RFC 7515 7.1",
        "the third part is missing, and its dot",
        token=lambda scene: scene.token().rpartition(".")[0],
        says="CompactToken parsing failed",
    ),
    by_token(
        "a truncated signature",
        OPERATIONS,
        "the signature's last byte is missing",
        token=lambda scene: _with_signature(scene.token(), _signature(scene.token())[:-1]),
        says=WRONG,
    ),
    by_token(
        "a longer signature",
        OPERATIONS,
        "a byte follows the signature",
        token=lambda scene: _with_signature(scene.token(), _signature(scene.token()) + b"\0"),
        says=WRONG,
    ),
    by_token(
        "a signature of zeros",
        OPERATIONS,
        "`ES256` with r and s of zero, which a careless check calls true",
        token=lambda scene: _with_signature(scene.token(HARBOUR_EC_KEY), bytes(64)),
        says=WRONG,
    ),
    by_token(
        "a signature in DER",
        "RFC 7518 3.4",
        "`ES256` with the signature in the form of X.509",
        token=_der,
        says=WRONG,
    ),
    by_token(
        "a signature that is no base64url",
        "RFC 7515 2",
        "the third part holds `+` and `=`",
        token=lambda scene: f"{scene.token().rpartition('.')[0]}.++==",
        says=WRONG,
    ),
    by_token(
        "the signature of another token",
        OPERATIONS,
        "the signature belongs to a token that says less",
        token=lambda scene: _with_signature(scene.token(), _signature(scene.token(roles=["User.Read"]))),
        says=WRONG,
    ),
    by_token(
        "an altered payload",
        OPERATIONS,
        "`roles` grew after signing",
        token=lambda scene: _altered(scene, 1),
        says=WRONG,
    ),
    by_token(
        "an altered header",
        OPERATIONS,
        "`typ` changed after signing",
        token=lambda scene: _altered(scene, 0),
        says=WRONG,
    ),
    by_token(
        "a foreign key under a known kid",
        "RFC 8725 3.10",
        "signed by the attacker's key, `kid` names the issuer's",
        token=lambda scene: scene.token(ATTACKER_KEY),
        says=WRONG,
    ),
)
