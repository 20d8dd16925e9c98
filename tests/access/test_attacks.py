"""Attacks on the verification of tokens: each forged, foreign, stale or odd one is 401, and not repeated."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from stanchion.access.bearer import MAX_TOKEN_BYTES
from stanchion.errors import Unauthenticated
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.store import STORE_CHAIN
from tests.access.workbench import NOW, ORIGIN, OTHER_TENANT, TENANT, Bench

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
FOREIGN_KEY = RSAKey.generate_key(2048)


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(
    bench: Bench, payload: bytes, *, key: RSAKey | None = None, header: JsonObject | None = None
) -> str:
    """Return any payload under any header, signed truly."""
    key = key or bench.key()
    protected = encode(
        json.dumps({"alg": "RS256", "kid": bench.key().kid, "typ": "JWT", **(header or {})}).encode()
    )
    body = f"{protected}.{encode(payload)}"
    algorithm = jws.JWSRegistry.algorithms["RS256"]
    return f"{body}.{encode(algorithm.sign(body.encode(), key))}"


def payload(bench: Bench, **changed: JsonValue) -> bytes:
    claims = {**msgspec.to_builtins(bench.claims()), **changed}
    return json.dumps({name: value for name, value in claims.items() if value is not ...}).encode()


def without(bench: Bench, name: str) -> bytes:
    claims = msgspec.to_builtins(bench.claims())
    del claims[name]
    return json.dumps(claims).encode()


def with_header(bench: Bench, **header: JsonValue) -> str:
    return signed(bench, payload(bench), header=header)


def with_claims(bench: Bench, **claims: JsonValue) -> str:
    return signed(bench, payload(bench, **claims))


def unsigned(bench: Bench, alg: str) -> str:
    return f"{encode(json.dumps({'alg': alg, 'kid': bench.key().kid}).encode())}.{encode(payload(bench))}."


def signed_by_public_key(bench: Bench) -> str:
    """Return a token whose HMAC secret is the public key, for a verifier that trusts `alg`."""
    header = encode(json.dumps({"alg": "HS256", "kid": bench.key().kid}).encode())
    body = f"{header}.{encode(payload(bench))}"
    secret = bench.key().as_pem(private=False)
    return f"{body}.{encode(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


def jwk_attack(bench: Bench, **header: JsonValue) -> str:
    return signed(bench, payload(bench), key=FOREIGN_KEY, header=header)


def tampered(bench: Bench) -> str:
    header, _, signature = bench.token().split(".")
    return f"{header}.{encode(payload(bench, roles=['SecurityEvents.ReadWrite.All']))}.{signature}"


def own(bench: Bench) -> str:
    return f"urn:stanchion:{bench.store.store_id}"


ATTACKS: dict[str, Callable[[Bench], str]] = {
    "algorithm none": lambda b: unsigned(b, "none"),
    "algorithm NONE": lambda b: unsigned(b, "NONE"),
    "RS256 without a signature": lambda b: unsigned(b, "RS256"),
    "HS256 by the public key": signed_by_public_key,
    "another RSA algorithm": lambda b: with_header(b, alg="RS512"),
    "algorithm not text": lambda b: with_header(b, alg=["RS256"]),
    "a foreign key": lambda b: signed(b, payload(b), key=FOREIGN_KEY),
    "an unknown kid": lambda b: with_header(b, kid="someone"),
    "no kid": lambda b: with_header(b, kid=None),
    "kid not text": lambda b: with_header(b, kid=7),
    "a key of its own in jwk": lambda b: jwk_attack(b, jwk={"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
    "a key of its own at jku": lambda b: jwk_attack(b, jku="https://attacker.example/keys"),
    "a key of its own at x5u": lambda b: jwk_attack(b, x5u="https://attacker.example/keys"),
    "a critical extension": lambda b: with_header(b, crit=["exp"]),
    "crit not a list": lambda b: with_header(b, crit=5),
    "an unencoded payload": lambda b: with_header(b, b64=False, crit=["b64"]),
    "a changed payload": tampered,
    "a doubled claim": lambda b: signed(b, payload(b)[:-1] + b',"tid":"' + OTHER_TENANT.encode() + b'"}'),
    "a payload that is no object": lambda b: signed(b, b"[1]"),
    "a payload that is no JSON": lambda b: signed(b, b"{"),
    "a payload that nests deep": lambda b: signed(b, b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}"),
    "a header that nests deep": lambda _: encode(b'{"alg":' + b"[" * 4000 + b"]" * 4000 + b"}") + ".e30.e30",
    "a header that is no object": lambda _: encode(b'"alg"') + ".e30.e30",
    "a header that is not UTF-8": lambda _: encode(b"\xff\xfe") + ".e30.e30",
    "NaN for exp": lambda b: signed(b, payload(b, exp=0).replace(b'"exp": 0', b'"exp": NaN')),
    "exp as text": lambda b: with_claims(b, exp=str(int(NOW) + 60)),
    "exp as a Boolean": lambda b: with_claims(b, exp=True),
    "no exp": lambda b: signed(b, without(b, "exp")),
    "a huge exp": lambda b: with_claims(b, exp=10**40),
    "exp in a hundred years": lambda b: with_claims(b, exp=int(NOW) + 3_153_600_000),
    "an expired token": lambda b: with_claims(b, exp=int(NOW) - 60, iat=int(NOW) - 3600, nbf=int(NOW) - 3600),
    "nbf in the future": lambda b: with_claims(b, nbf=int(NOW) + 61),
    "iat in the future": lambda b: with_claims(b, iat=int(NOW) + 61, exp=int(NOW) + 3000),
    "iat before all time": lambda b: with_claims(b, iat=-(2**62)),
    "tid as a number": lambda b: with_claims(b, tid=5),
    "tid of a tenant that iss does not name": lambda b: with_claims(b, tid=OTHER_TENANT),
    "tid that nobody added": lambda b: with_claims(b, tid="abc", iss=f"{ORIGIN}/abc/v2.0"),
    "tid of the store's own chain": lambda b: with_claims(b, tid=STORE_CHAIN, iss=own(b), aud=own(b)),
    "tid of personal accounts": lambda b: with_claims(b, tid=PERSONAL, iss=f"{ORIGIN}/{PERSONAL}/v2.0"),
    "aud as a list": lambda b: with_claims(b, aud=[ORIGIN]),
    "aud of Graph": lambda b: with_claims(b, aud="https://graph.microsoft.com"),
    "aud of another store": lambda b: with_claims(b, aud="urn:stanchion:1", iss="urn:stanchion:1"),
    "aud that only begins like loopback": lambda b: with_claims(
        b, aud="http://localhost.evil.example", iss=f"http://localhost.evil.example/{TENANT}/v2.0"
    ),
    "iss of Entra": lambda b: with_claims(b, iss=f"https://sts.windows.net/{TENANT}/"),
    "iss of another origin than aud": lambda b: with_claims(b, iss=f"http://localhost:1/{TENANT}/v2.0"),
    "an unknown app": lambda b: with_claims(b, appid="6a1f4ab4-1111-2222-3333-444444444444"),
    "an app of another tenant": lambda b: with_claims(b, tid=OTHER_TENANT, iss=own(b), aud=own(b)),
    "roles as text": lambda b: with_claims(b, roles="SecurityEvents.ReadWrite.All"),
    "scp as a list": lambda b: with_claims(b, scp=["SecurityEvents.ReadWrite.All"]),
    "a header that is no base64": lambda _: "+/==.e30.e30",
    "two parts": lambda _: "e30.e30",
    "four parts": lambda b: f"{b.token()}.e30",
    "an encrypted token": lambda b: f"{b.token()}.e30.e30",
    "padding": lambda b: f"{b.token()}=",
    "a blank inside": lambda b: b.token().replace(".", ". ", 1),
    "a line break inside": lambda b: b.token().replace(".", ".\n", 1),
    "text that is not ASCII": lambda b: b.token() + "\u00e9",
    "too long": lambda _: "a" * (MAX_TOKEN_BYTES + 1),
    "an opaque token": lambda _: "EwBwA8l6BAAU",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_unauthenticated_and_not_repeated(shared_bench: Bench, attack: str) -> None:
    token = ATTACKS[attack](shared_bench)
    kept = len(shared_bench.verifier)
    with pytest.raises(Unauthenticated) as caught:
        shared_bench.caller(token)
    assert not any(part in caught.value.message for part in token.split(".") if len(part) > 3)
    assert len(shared_bench.verifier) == kept


def test_the_token_that_all_attacks_change_is_good(shared_bench: Bench) -> None:
    assert shared_bench.caller(signed(shared_bench, payload(shared_bench))).tenant_id == TENANT


@pytest.mark.parametrize("header", [{"jku": "https://a.example"}, {"x5u": "https://a.example"}, {"jwk": {}}])
def test_headers_that_offer_keys_are_ignored(shared_bench: Bench, header: dict[str, JsonValue]) -> None:
    try:
        shared_bench.caller(with_header(shared_bench, **header))
    except Unauthenticated as refused:
        pytest.fail(refused.message)
