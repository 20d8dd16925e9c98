"""An issuer outside: keys, the documents it would serve, tokens by it, and a verifier that trusts it."""

import asyncio
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from stanchion.access.directory import Directory
from stanchion.access.issuer_document import IssuerFault
from stanchion.access.issuer_entry import IssuerEntry
from stanchion.access.issuers import IssuerWish, add_issuer
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.model.json_text import JsonObject, JsonValue
from tests.access.test_attacks import encode
from tests.access.workbench import NOW, OPERATOR, TENANT, Bench, verified

ISSUER = "https://sso.example/realms/quay"
DISCOVERY_URL = f"{ISSUER}/.well-known/openid-configuration"
KEYS_URL = f"{ISSUER}/certs"
AUDIENCE = "api://stanchion"
ENTRA_KEYS_URL = "https://login.microsoftonline.com/common/discovery/v2.0/keys"
ENTRA_V1, ENTRA_V2 = f"https://sts.windows.net/{TENANT}/", f"https://login.microsoftonline.com/{TENANT}/v2.0"
OID, APP = "0d1c2b3a-0000-4000-8000-000000000001", "0d1c2b3a-0000-4000-8000-000000000002"
READ = "SecurityEvents.Read.All"


@cache
def rsa(name: str, *, bits: int = 2048) -> RSAKey:
    """Return the key of a name, the same within one run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # A weak key is weak on purpose.
        return RSAKey.generate_key(bits, {"kid": name})


@cache
def elliptic(name: str, *, curve: str = "P-256") -> ECKey:
    """Return the elliptic key of a name, the same within one run."""
    return ECKey.generate_key(curve, {"kid": name})


def published(key: RSAKey | ECKey, **changed: object) -> JsonObject:
    """Return the public half of a key as a set has it, members changed, or left out where Ellipsis."""
    jwk: Mapping[str, object] = {**key.as_dict(private=False), "use": "sig", **changed}
    return {name: value for name, value in jwk.items() if value is not ...}  # type: ignore[misc] # It is JSON.


def key_set(*keys: JsonObject) -> bytes:
    """Return a set of keys as it is served."""
    return json.dumps({"keys": list(keys)}).encode()


def discovery(**changed: JsonValue) -> bytes:
    """Return the discovery document, members changed."""
    return json.dumps({"issuer": ISSUER, "jwks_uri": KEYS_URL, **changed}).encode()


@dataclass
class Documents:
    """What is served where; an address with a fault, and any other, cannot be reached."""

    served: dict[str, bytes | IssuerFault] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None  # where there is one, answers wait for it

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if self.gate is not None:
            await self.gate.wait()
        answer = self.served.get(url, IssuerFault(f"{url} cannot be reached."))
        if isinstance(answer, IssuerFault):
            raise answer
        return answer


def documents() -> Documents:
    """Return what the two issuers serve when all is well."""
    keys = key_set(published(rsa("one")), published(elliptic("curve")))
    return Documents({DISCOVERY_URL: discovery(), KEYS_URL: keys, ENTRA_KEYS_URL: keys})


def added(bench: Bench, fetch: Documents, **wish: object) -> IssuerEntry:
    """Add an issuer to a store and return its entry."""
    wanted: dict[str, object] = {"issuer": ISSUER, "audiences": (AUDIENCE,), "tenants": (TENANT,), **wish}
    made = add_issuer(bench.store, IssuerWish(**wanted), actor=OPERATOR, fetch=fetch)  # type: ignore[arg-type]
    return asyncio.run(made).entry


def verifier(bench: Bench, fetch: Documents) -> TokenVerifier:
    """Return a verifier over a bench's store that asks `fetch`, by the clock of the bench."""
    directory = Directory(bench.store, clock=bench.clock)
    return TokenVerifier(
        directory, origins=Origins(), store_id=bench.store.store_id, fetch=fetch, clock=bench.clock
    )


def plain_claims(**changed: object) -> JsonObject:
    """Return what a token of the plain issuer says for an application."""
    return _changed({"iss": ISSUER, "azp": "nightly", "sub": "s-1", "roles": [READ]}, changed)


def entra_claims(version: str, **changed: object) -> JsonObject:
    """Return what a token of Entra says for an application."""
    client = {"iss": ENTRA_V1, "appid": APP} if version == "1.0" else {"iss": ENTRA_V2, "azp": APP}
    return _changed({**client, "ver": version, "oid": OID, "sub": OID, "roles": [READ]}, changed)


def signed(claims: JsonObject, *, key: RSAKey | ECKey | None = None, **header: JsonValue) -> str:
    """Return a token by a key, members of its header changed."""
    signing = key or rsa("one")
    algorithm = "RS256" if isinstance(signing, RSAKey) else "ES256"
    protected = {"typ": "JWT", "alg": algorithm, "kid": signing.kid, **header}
    message = ".".join(encode(json.dumps(part).encode()) for part in (protected, claims))
    return f"{message}.{encode(jws.JWSRegistry.algorithms[algorithm].sign(message.encode(), signing))}"


def bearer(token: str) -> str:
    """Return the header that bears a token."""
    return f"Bearer {token}"


def who(judge: TokenVerifier, claims: JsonObject, *, now_seconds: float = NOW) -> str:
    """Return the name of the caller that a good token of some claims gives."""
    return verified(judge, bearer(signed(claims)), now_seconds=now_seconds).actor.name


def _changed(claims: Mapping[str, object], changed: Mapping[str, object]) -> JsonObject:
    now = int(NOW)
    times = {"iat": now, "nbf": now, "exp": now + 3600}
    made = {"aud": AUDIENCE, "tid": TENANT, **times, **claims, **changed}
    return {name: value for name, value in made.items() if value is not ...}  # type: ignore[misc] # It is JSON.
