"""The scene of these tests: issuers of three kinds, each with keys, and the server that trusts them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from tests.conftest import MICROSOFT, OTHER_TENANT, TENANT, Api
from tests.issuers import minting
from tests.issuers.minting import Claims, Kind, SigningKey, changed, elliptic, rsa, token
from tests.issuers.standin import StandIn

AUDIENCE = "api://stanchion"  # a v1.0 token of Entra names the Application ID URI
CLIENT_ID = "7d1f6c1e-9a55-4f0b-8c2e-3f5a6b7c8d9e"  # a v2.0 token names the id of the API
ENTRA_KEYS_PATH = "/common/discovery/v2.0/keys"
CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
BODY = {"comment": "x", "vendorInformation": MICROSOFT}

# Two issuers call their keys by the same name: a kid means nothing without its issuer.
HARBOUR_KEY = rsa("harbour", "key-1")
HARBOUR_EC_KEY = elliptic("harbour", "key-ec")
YARD_KEY = rsa("yard", "key-1")
ENTRA_KEY = rsa("entra", "nOo3ZDrODXEK1jKWhXslHR_KXEg")
ATTACKER_KEY = rsa("attacker", "key-1")


@dataclass(frozen=True)
class Sent:
    """A request as it is sent, tokens and all."""

    headers: tuple[tuple[str, str | bytes], ...] = ()
    method: str = "PATCH"
    path: str = CONTROL
    body: Mapping[str, object] | None = field(default_factory=lambda: BODY)


def bearing(sent_token: str, *, method: str = "PATCH") -> Sent:
    """Return a request that bears a token as it should; without a word, one that writes."""
    return Sent(
        (("Authorization", f"Bearer {sent_token}"),), method, body=BODY if method == "PATCH" else None
    )


@dataclass(frozen=True)
class Scene:
    """A server that trusts Entra and `harbour` for TENANT, and `yard` for OTHER_TENANT."""

    api: Api
    harbour: StandIn
    yard: StandIn
    entra: StandIn

    async def send(self, sent: Sent) -> httpx.Response:
        """Send a request."""
        headers = [(name.encode(), _bytes(value)) for name, value in sent.headers]
        return await self.api.client.request(sent.method, sent.path, headers=headers, json=sent.body)

    async def status(self, sent_token: str, *, method: str = "GET") -> int:
        """Return how a request with a token is answered."""
        return (await self.send(bearing(sent_token, method=method))).status_code

    def claims(self, kind: Kind = "application", /, **changes: object) -> Claims:
        """Return good claims of `harbour`, some changed, or left out where Ellipsis."""
        made = minting.generic(TENANT, "stanchion", kind=kind, issuer=self.harbour.url)
        return changed(made, **changes)

    def token(self, key: SigningKey = HARBOUR_KEY, /, **changes: object) -> str:
        """Return a token of `harbour`, some claims changed."""
        return token(self.claims(**changes), key)

    def headed(self, key: SigningKey = HARBOUR_KEY, /, **header: object) -> str:
        """Return a token of `harbour`, truly signed, some header members changed."""
        return token(self.claims(), key, **header)

    def yard_claims(self, **changes: object) -> Claims:
        """Return good claims of `yard`, some changed."""
        made = minting.generic(OTHER_TENANT, "stanchion", kind="application", issuer=self.yard.url)
        return changed(made, **changes)

    def entra_v1(self, kind: Kind = "application", /, **changes: object) -> str:
        """Return a v1.0 token of Entra, some claims changed."""
        return token(changed(minting.entra_v1(TENANT, AUDIENCE, kind=kind), **changes), ENTRA_KEY)

    def entra_v2(self, kind: Kind = "application", /, **changes: object) -> str:
        """Return a v2.0 token of Entra, some claims changed."""
        return token(changed(minting.entra_v2(TENANT, CLIENT_ID, kind=kind), **changes), ENTRA_KEY)


def now() -> int:
    """Return the time in whole seconds."""
    return int(time.time())


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
