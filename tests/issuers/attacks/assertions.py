"""Attacks on the token endpoint by a forged client assertion; each differs from a good one by what its row says."""

import datetime as dt
import hashlib
import hmac
import json

from stanchion.access.client_assertion import MAX_ASSERTION_VALUES
from tests.access.signers import Signer, good_claims, p_256
from tests.access.workbench import NOW, ORIGIN, OTHER_TENANT, TENANT
from tests.issuers.attack import BadAssertion
from tests.issuers.minting import changed, encode, rsa, signed, unsigned

CLIENT, CLIENT_EC, ATTACKER = Signer(), Signer(p_256), Signer()
EXPIRED = Signer(moment=dt.datetime.fromtimestamp(NOW, dt.UTC) - dt.timedelta(days=60))

KEY, TIME, AUDIENCE = 700027, 700024, 700023
FORM, DATES, NAMES = 50027, 1000502, 700021


def _by_certificate_as_secret(client_id: str) -> str:
    header = encode(json.dumps(CLIENT.header(alg="HS256")).encode())
    message = f"{header}.{encode(json.dumps(good_claims(client_id)).encode())}"
    return f"{message}.{encode(hmac.digest(CLIENT.certificate_pem, message.encode(), hashlib.sha256))}"


def _said_twice(client_id: str) -> str:
    payload = json.dumps(good_claims(client_id))[:-1] + f', "sub": "{client_id}"}}'
    return signed(CLIENT.header(), payload.encode(), CLIENT.signing_key)


def _altered(client_id: str) -> str:
    header, _, signature = CLIENT.assertion(client_id).split(".")
    return (
        f"{header}.{encode(json.dumps(changed(good_claims(client_id), exp=NOW + 3000)).encode())}.{signature}"
    )


def _by_attacker(client_id: str, **header: object) -> str:
    return signed(CLIENT.header(**header), good_claims(client_id), ATTACKER.signing_key)


ROWS: tuple[BadAssertion, ...] = (
    BadAssertion(
        "assertion alg none",
        "RFC 8725 3.1",
        "`alg` is `none`, the signature is empty",
        lambda app: unsigned(CLIENT.header(alg="none"), good_claims(app)),
        FORM,
    ),
    BadAssertion(
        "assertion HS256 by the certificate",
        "RFC 8725 2.1, 3.1",
        "`alg` is `HS256`, the secret is the client's certificate in PEM",
        _by_certificate_as_secret,
        FORM,
    ),
    BadAssertion(
        "assertion PS256 said to be RS256",
        "RFC 8725 3.1",
        "signed by `PS256` under the header `RS256`",
        lambda app: CLIENT.assertion(app, algorithm="PS256", header={"alg": "RS256"}),
        KEY,
    ),
    BadAssertion(
        "assertion RS512",
        "RFC 8725 3.2",
        "signed truly, but by `RS512`",
        lambda app: CLIENT.assertion(app, algorithm="RS512"),
        FORM,
    ),
    BadAssertion(
        "assertion ES256 under an RSA certificate",
        "RFC 8725 3.1",
        "signed by the client's elliptic key, `x5t#S256` names its RSA certificate",
        lambda app: CLIENT_EC.assertion(app, header={"x5t#S256": CLIENT.certificate.sha256}),
        KEY,
    ),
    BadAssertion(
        "assertion by another key",
        "RFC 7523 3 (9)",
        "signed by the attacker's key, `x5t#S256` names the client's certificate",
        _by_attacker,
        KEY,
    ),
    BadAssertion(
        "assertion with a certificate of its own",
        "RFC 8725 3.10",
        "signed by the attacker's key, whose certificate is in `x5c`",
        lambda app: _by_attacker(app, x5c=[ATTACKER.certificate_pem.decode()]),
        KEY,
    ),
    BadAssertion(
        "assertion with a key of its own",
        "RFC 8725 3.10",
        "signed by the attacker's key, which is in `jwk`",
        lambda app: _by_attacker(app, jwk=dict(ATTACKER.signing_key.key.as_dict(private=False))),
        KEY,
    ),
    BadAssertion(
        "assertion by a certificate nobody added",
        "Stanchion: the operator vouches for certificates",
        "signed by the attacker's key, `x5t#S256` names its certificate",
        ATTACKER.assertion,
        KEY,
    ),
    BadAssertion(
        "assertion that names two certificates",
        "RFC 7515 4.1.7, 4.1.8",
        "`x5t#S256` names the client's certificate, `x5t` another one",
        lambda app: CLIENT.assertion(app, header={"x5t": ATTACKER.certificate.sha1}),
        KEY,
    ),
    BadAssertion(
        "assertion by an expired certificate",
        "RFC 5280 4.1.2.5",
        "signed by a certificate of the client's whose time is over",
        EXPIRED.assertion,
        DATES,
    ),
    BadAssertion(
        "assertion with an altered payload",
        "RFC 7523 3 (9)",
        "`exp` grew after signing",
        _altered,
        KEY,
    ),
    BadAssertion(
        "assertion with a claim said twice",
        "RFC 7519 4",
        "the payload says `sub` twice",
        _said_twice,
        FORM,
    ),
    BadAssertion(
        "assertion with a critical extension",
        "RFC 7515 4.1.11",
        "the header has `crit`",
        lambda app: CLIENT.assertion(app, header={"crit": ["exp"]}),
        FORM,
    ),
    BadAssertion(
        "assertion for another client",
        "RFC 7523 3 (2)",
        "`iss` and `sub` are an app that has no such certificate",
        lambda _: CLIENT.assertion("6a1f4ab4-1111-2222-3333-444444444444"),
        NAMES,
    ),
    BadAssertion(
        "assertion of another issuer",
        "RFC 7523 3 (1)",
        "`iss` is not the client",
        lambda app: CLIENT.assertion(app, iss="https://attacker.example"),
        NAMES,
    ),
    BadAssertion(
        "assertion for another host",
        "RFC 7523 3 (3)",
        "`aud` is the token endpoint of Entra",
        lambda app: CLIENT.assertion(
            app, aud=f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
        ),
        AUDIENCE,
    ),
    BadAssertion(
        "assertion for a host that begins like ours",
        "RFC 7523 3 (3)",
        "`aud` is on a host whose name begins with this server's",
        lambda app: CLIENT.assertion(app, aud=f"{ORIGIN}.attacker.example/{TENANT}/oauth2/v2.0/token"),
        AUDIENCE,
    ),
    BadAssertion(
        "assertion for two readers",
        "RFC 7523 3 (3), Stanchion: each of two could use it with the other",
        "`aud` lists this server's token endpoint and another",
        lambda app: CLIENT.assertion(
            app,
            aud=[f"{ORIGIN}/{TENANT}/oauth2/v2.0/token", f"https://other.example/{TENANT}/oauth2/v2.0/token"],
        ),
        AUDIENCE,
    ),
    BadAssertion(
        "assertion for the API",
        "RFC 7523 3 (3)",
        "`aud` is this server's address, as that of access tokens is",
        lambda app: CLIENT.assertion(app, aud=ORIGIN),
        AUDIENCE,
    ),
    BadAssertion(
        "assertion for another path",
        "RFC 7523 3 (3)",
        "`aud` is an address of this server that is no token endpoint",
        lambda app: CLIENT.assertion(app, aud=f"{ORIGIN}/{OTHER_TENANT}/oauth2/v2.0/authorize"),
        AUDIENCE,
    ),
    BadAssertion(
        "expired assertion",
        "RFC 7523 3 (4)",
        "`exp` is more than a minute ago",
        lambda app: CLIENT.assertion(app, exp=NOW - 61, iat=NOW - 661),
        TIME,
    ),
    BadAssertion(
        "assertion of a year",
        "RFC 7523 3 (4), Stanchion: an hour at most",
        "`exp` is in a year",
        lambda app: CLIENT.assertion(app, exp=NOW + 365 * 86400),
        TIME,
    ),
    BadAssertion(
        "assertion of tomorrow",
        "RFC 7523 3 (5)",
        "`nbf` is in five minutes",
        lambda app: CLIENT.assertion(app, nbf=NOW + 300),
        TIME,
    ),
    BadAssertion(
        "assertion without an end",
        "RFC 7523 3 (4)",
        "`exp` is missing",
        lambda app: CLIENT.assertion(app, exp=...),
        FORM,
    ),
    BadAssertion(
        "assertion without an audience",
        "RFC 7523 3 (3)",
        "`aud` is missing",
        lambda app: CLIENT.assertion(app, aud=...),
        FORM,
    ),
    BadAssertion(
        "assertion that is no JWT",
        "RFC 7523 3",
        "a SAML assertion under the type of JWTs",
        lambda _: "PHNhbWxwOlJlc3BvbnNl",
        FORM,
    ),
    BadAssertion(
        "assertion of many values",
        "Stanchion: what is read before anything is verified is small",
        "signed truly, with a claim of 100 numbers",
        lambda app: CLIENT.assertion(app, many=list(range(MAX_ASSERTION_VALUES))),
        FORM,
    ),
    BadAssertion(
        "assertion of 40 KiB",
        "Stanchion: an assertion is at most 32 KiB",
        "signed truly, grown by a claim",
        lambda app: CLIENT.assertion(app, much="x" * 30_000),
        FORM,
    ),
    BadAssertion(
        "assertion by a weak look-alike",
        "RFC 8725 3.5",
        "signed by an RSA key of 1024 bits, `x5t#S256` names the client's certificate",
        lambda app: signed(CLIENT.header(alg="RS256"), good_claims(app), rsa("assertion", "", bits=1024)),
        KEY,
    ),
)
