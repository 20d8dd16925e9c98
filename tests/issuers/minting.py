"""Tokens as identity providers make them, and as attackers do: any payload under any header, by any key.

The shapes are those of Entra's access tokens v1.0 and v2.0 (access token claims reference) and of Keycloak's,
each for a person (delegated) and for an application.
"""

import json
import time
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, TypeAlias

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, RSAKey

Key: TypeAlias = RSAKey | ECKey | OctKey
Claims: TypeAlias = dict[str, Any]
Shape: TypeAlias = Literal["entra v1", "entra v2", "generic"]
Kind: TypeAlias = Literal["delegated", "application"]

READ_ALL, READ_WRITE_ALL = "SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"
SECURITY_ADMINISTRATOR = "194ae4cb-b126-40b2-bd5b-6091b380977d"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
APP = "5f0c0d6a-3b0e-4f1d-9c55-0d6f3a1b2c4d"
PERSON = "e3a1f0b2-7c64-4d0e-8f11-2a9b6c5d4e3f"
UPN = "ada@harbour.example"


@dataclass(frozen=True)
class SigningKey:
    """A key, made when it is first needed, the name it goes by, and the algorithm it signs with."""

    make: Callable[[], Key]
    kid: str
    algorithm: str = "RS256"

    @property
    def key(self) -> Key:
        """The key itself."""
        return self.make()

    def published(self, **changed: object) -> Mapping[str, object]:
        """Return its public half as a key set shows it, members changed, or left out where Ellipsis."""
        shown = {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.algorithm}
        return {name: value for name, value in {**shown, **changed}.items() if value is not ...}


def rsa(owner: str, kid: str, *, algorithm: str = "RS256", bits: int = 2048) -> SigningKey:
    """Return the RSA key of an owner, the same within one run: making one takes a while."""
    return SigningKey(partial(_rsa_key, owner, bits), kid, algorithm)


def elliptic(
    owner: str, kid: str, *, algorithm: str = "ES256", curve: Literal["P-256", "P-384", "secp256k1"] = "P-256"
) -> SigningKey:
    """Return the elliptic key of an owner, the same within one run."""
    return SigningKey(partial(_elliptic_key, owner, curve), kid, algorithm)


@cache
def _rsa_key(owner: str, bits: int) -> RSAKey:
    assert owner
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # Some are weak, which is what they are for.
        return RSAKey.generate_key(bits)


@cache
def _elliptic_key(owner: str, curve: Literal["P-256", "P-384", "secp256k1"]) -> ECKey:
    assert owner
    return ECKey.generate_key(curve)


def encode(data: bytes) -> str:
    """Return bytes as base64url without padding (RFC 7515 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: Mapping[str, object] | bytes, payload: Mapping[str, Any] | bytes, key: SigningKey) -> str:
    """Return a token whose signature is true, whatever its header says of it."""
    message = f"{encode(_json(header))}.{encode(_json(payload))}"
    # `none` and HMAC have functions of their own; here the key alone decides how it signs.
    signature = jws.JWSRegistry.algorithms[key.algorithm].sign(message.encode(), key.key)
    return f"{message}.{encode(signature)}"


def unsigned(header: Mapping[str, object], payload: Mapping[str, Any]) -> str:
    """Return a token with an empty signature."""
    return f"{encode(_json(header))}.{encode(_json(payload))}."


def token(claims: Claims, key: SigningKey, **header: object) -> str:
    """Return a token as an issuer makes it, header members changed, or left out where Ellipsis."""
    made = {"typ": "JWT", "alg": key.algorithm, "kid": key.kid, **header}
    return signed({name: value for name, value in made.items() if value is not ...}, claims, key)


def changed(claims: Claims, **changes: object) -> Claims:
    """Return claims, some changed, or left out where Ellipsis."""
    return {name: value for name, value in {**claims, **changes}.items() if value is not ...}


def entra_v1(tenant: str, audience: str, *, kind: Kind, sts: str = "https://sts.windows.net") -> Claims:
    """Return what a v1.0 access token of Entra says; its audience is an Application ID URI."""
    claims = {
        **_times(),
        "aud": audience,
        "iss": f"{sts}/{tenant}/",
        "idp": f"{sts}/{tenant}/",
        "aio": "E2ZgYFhx3qj",
        "appid": APP,
        "appidacr": "1",
        "rh": "0.AXoA",
        "tid": tenant,
        "uti": "k7opWtDqiEiZBfk",
        "ver": "1.0",
    }
    if kind == "application":
        return {**claims, "oid": PERSON, "sub": PERSON, "roles": [READ_WRITE_ALL]}
    person = {"acr": "1", "amr": ["pwd", "mfa"], "name": "Ada Quay", "unique_name": UPN, "upn": UPN}
    return {**claims, **person, **_person(), "ipaddr": "192.0.2.7"}


def entra_v2(
    tenant: str, audience: str, *, kind: Kind, login: str = "https://login.microsoftonline.com"
) -> Claims:
    """Return what a v2.0 access token of Entra says; its audience is the client id of the API."""
    claims = {
        **_times(),
        "aud": audience,
        "iss": f"{login}/{tenant}/v2.0",
        "aio": "E2ZgYFhx3qj",
        "azp": APP,
        "azpacr": "1",
        "rh": "0.AXoA",
        "tid": tenant,
        "uti": "k7opWtDqiEiZBfk",
        "ver": "2.0",
    }
    if kind == "application":
        return {**claims, "oid": PERSON, "sub": PERSON, "roles": [READ_WRITE_ALL]}
    return {**claims, "name": "Ada Quay", "preferred_username": UPN, **_person()}


def generic(tenant: str, audience: str, *, kind: Kind, issuer: str) -> Claims:
    """Return what an access token of Keycloak says, with mappers for `tid`, `roles` and, of people, `scp`."""
    now, end = int(time.time()), int(time.time()) + 300
    claims = {
        "exp": end,
        "iat": now,
        "jti": "onrtcc:4b3a7c1e-0000-4000-8000-000000000001",
        "iss": issuer,
        "aud": [audience, "account"],
        "typ": "Bearer",
        "azp": "nightly-report",
        "acr": "1",
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
        "scope": "profile email",
        "email_verified": False,
        "tid": tenant,
    }
    if kind == "application":
        account = {"sub": PERSON, "preferred_username": "service-account-nightly-report"}
        client = {"client_id": "nightly-report", "clientHost": "192.0.2.7", "clientAddress": "192.0.2.7"}
        return {**claims, **account, **client, "roles": [READ_WRITE_ALL]}
    return {**claims, "sub": PERSON, "sid": "0b8f", "preferred_username": "ada", "scp": READ_WRITE_ALL}


def _person() -> Claims:
    return {"oid": PERSON, "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"} | {
        "scp": READ_WRITE_ALL,
        "wids": [SECURITY_ADMINISTRATOR, "b79fbf4d-3ef9-4689-8143-76b194e85509"],
    }


def _times() -> Claims:
    # Entra lets a token begin five minutes before it was made, and live for 60 to 90 minutes.
    now = int(time.time())
    return {"iat": now - 300, "nbf": now - 300, "exp": now + 4200}


def _json(value: Mapping[str, Any] | bytes) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()
