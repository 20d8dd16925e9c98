"""Attacks by hints in the header: keys that a token brings or points to, odd key ids, extensions, types."""

import datetime as dt
from base64 import b64encode

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.issuers.attack import Attack, by_token
from tests.issuers.scene import ATTACKER_KEY, Scene

CLAIMS_OF_A_HEADER = "RFC 8725 3.10"
WRONG = "The signature is not valid."
UNKNOWN = "key"


def _points_to(scene: Scene, member: str) -> str:
    """Return a token whose header names an address that would prove it; nobody may ask there."""
    scene.yard.publishes(ATTACKER_KEY.published())
    return scene.headed(ATTACKER_KEY, **{member: scene.yard.origin + scene.yard.keys_path})


def _certificate() -> str:
    key = ATTACKER_KEY.key.private_key
    assert isinstance(key, RSAPrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "harbour")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(days=2))
    return b64encode(made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)).decode()


def _kid(name: str, clause: str, forged: str, kid: object, *, says: str = UNKNOWN) -> Attack:
    return by_token(name, clause, forged, token=lambda scene: scene.headed(ATTACKER_KEY, kid=kid), says=says)


ROWS: tuple[Attack, ...] = (
    by_token(
        "jwk",
        "RFC 8725 3.10, RFC 7515 4.1.3",
        "the header brings the attacker's key",
        token=lambda scene: scene.headed(ATTACKER_KEY, jwk=dict(ATTACKER_KEY.published())),
        says=WRONG,
    ),
    by_token(
        "jku",
        "RFC 8725 3.10, RFC 7515 4.1.2",
        "the header names the attacker's key set",
        token=lambda scene: _points_to(scene, "jku"),
        says=WRONG,
    ),
    by_token(
        "x5u",
        "RFC 8725 3.10, RFC 7515 4.1.5",
        "the header names the attacker's certificate",
        token=lambda scene: _points_to(scene, "x5u"),
        says=WRONG,
    ),
    by_token(
        "x5c",
        "RFC 8725 3.10, RFC 7515 4.1.6",
        "the header brings the attacker's certificate",
        token=lambda scene: scene.headed(ATTACKER_KEY, x5c=[_certificate()]),
        says=WRONG,
    ),
    _kid("an unknown kid", "RFC 7515 4.1.4", "`kid` names no key of the issuer", "someone-else"),
    _kid("kid a path", CLAIMS_OF_A_HEADER, "`kid` is `../../../../dev/null`", "../../../../dev/null"),
    _kid("kid an address", CLAIMS_OF_A_HEADER, "`kid` is the attacker's URL", "https://attacker.example/key"),
    _kid("kid of SQL", CLAIMS_OF_A_HEADER, "`kid` is `' OR 1=1 --`", "' OR 1=1 --"),
    _kid("kid with U+0000", CLAIMS_OF_A_HEADER, "`kid` is a known one and U+0000", "key-1\0", says="header"),
    _kid("a long kid", CLAIMS_OF_A_HEADER, "`kid` has 8,000 characters", "k" * 8000),
    _kid("an empty kid", "RFC 7515 4.1.4", "`kid` is empty", ""),
    _kid("kid a number", "RFC 7515 4.1.4", "`kid` is `7`", 7, says="kid"),
    _kid("kid a list", "RFC 7515 4.1.4", "`kid` is a list of a known one", ["key-1"], says="kid"),
    _kid("kid null", "RFC 7515 4.1.4", "`kid` is `null`", None, says="kid"),
    by_token(
        "no kid",
        "Stanchion: keys are held per (issuer, kid)",
        "signed truly, but the header names no key",
        token=lambda scene: scene.headed(kid=...),
        says="kid",
    ),
    by_token(
        "crit",
        "RFC 7515 4.1.11",
        '`crit` is `["exp"]`',
        token=lambda scene: scene.headed(crit=["exp"]),
        says="(crit, b64)",
    ),
    by_token(
        "an empty crit",
        "RFC 7515 4.1.11",
        "`crit` is `[]`",
        token=lambda scene: scene.headed(crit=[]),
        says="(crit, b64)",
    ),
    by_token(
        "b64 false",
        "RFC 7797 3",
        "`b64` is `false`: the payload would be signed as it stands",
        token=lambda scene: scene.headed(b64=False, crit=["b64"]),
        says="(crit, b64)",
    ),
    by_token(
        "typ not text",
        "RFC 7515 4.1.9",
        "`typ` is a list",
        token=lambda scene: scene.headed(typ=["JWT"]),
        says="typ",
    ),
    by_token(
        "typ of a logout token",
        "RFC 8725 3.11",
        "`typ` is `logout+jwt`",
        token=lambda scene: scene.headed(typ="logout+jwt"),
        says="typ",
    ),
    by_token(
        "typ of a proof",
        "RFC 8725 3.11, RFC 9449 4.2",
        "`typ` is `dpop+jwt`",
        token=lambda scene: scene.headed(typ="dpop+jwt"),
        says="typ",
    ),
)
