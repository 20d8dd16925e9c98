"""API7:2023, server side request forgery: to have the server ask for what the caller chooses.

The server asks for one thing: the keys of issuers, at addresses that an operator entered. Nothing that a caller sends
(a token, its header, a body, a query) is ever an address that is asked for, and what an issuer answers leads nowhere
else.
"""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from stanchion.access.claims import Claims
from stanchion.access.directory import Directory
from stanchion.access.issuer_document import Fetcher, IssuerFault
from stanchion.access.issuer_entry import parse_issuer, parse_keys_url
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.errors import BadRequest, Unauthenticated
from tests.conftest import MICROSOFT, TENANT, Api, control
from tests.web.batching import batched
from tests.web.forging import good_claims, own_key

pytestmark = pytest.mark.anyio

METADATA_SERVICE = "http://169.254.169.254/latest/meta-data/"
ADDRESSES = [
    METADATA_SERVICE,
    "https://169.254.169.254/",
    "http://127.0.0.1:9464/metrics",
    "http://localhost:8080/healthz",
    "http://[::1]:22/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "ftp://example.com/x",
    "//example.com/x",
    "https://example.com/keys",
]
HEADERS: dict[str, Callable[[str], dict[str, object]]] = {
    "jku": lambda url: {"jku": url},
    "x5u": lambda url: {"x5u": url},
    "kid": lambda url: {"kid": url},
    "iss": lambda _: {},
    "jwk": lambda url: {"jwk": {"kty": "RSA", "x5u": url}},
}


def signed_by_hand(key: RSAKey, header: dict[str, object], claims: Claims) -> str:
    """Return a token with a true signature, whatever its header says: the library would not sign all of these."""
    parts = [urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=") for part in (header, claims)]
    assert key.private_key is not None
    signature = key.private_key.sign(b".".join(parts), PKCS1v15(), SHA256())
    return b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize("hint", HEADERS)
@pytest.mark.parametrize("url", ADDRESSES)
async def test_no_address_in_a_token_is_asked_for(api: Api, hint: str, url: str) -> None:
    asked: list[str] = []

    async def fetch(address: str) -> bytes:
        asked.append(address)
        raise IssuerFault("Nothing is to be asked for.")

    key = own_key(api)
    claims = msgspec.structs.replace(good_claims(api), **({"iss": url} if hint == "iss" else {}))
    token = signed_by_hand(key, {"alg": "RS256", "kid": key.kid, **HEADERS[hint](url)}, claims)
    directory = Directory(api.store, clock=time.monotonic)
    verifier = TokenVerifier(directory, origins=Origins(), store_id=api.store.store_id, fetch=fetch)
    with suppress(Unauthenticated):
        await verifier.caller([f"Bearer {token}"], now_seconds=time.time())
    assert asked == []


@pytest.mark.parametrize("url", ADDRESSES)
async def test_no_address_in_a_request_is_asked_for(api: Api, url: str) -> None:
    """Any connection beyond this machine fails the test; what is on it would be seen in the answer."""
    api.add(control())
    path = "/v1.0/security/secureScoreControlProfiles"
    body = {"comment": url, "assignedTo": url, "vendorInformation": MICROSOFT, "@odata.context": url}
    assert (await api.send("PATCH", f"{path}/NonOwnerAccess", json=body)).status_code == 204
    for query in (
        f"$filter=title eq '{url}'",
        f"$skiptoken={url}",
        f"$format={url}",
        f"$schemaversion={url}",
    ):
        assert (await api.send("GET", f"{path}?{query}")).status_code < 500
    (answer,) = await batched(api, {"id": "1", "method": "GET", "url": url})
    assert answer["status"] in {400, 404}
    form = {
        "grant_type": "client_credentials",
        "client_id": "a",
        "resource": url,
        "request_uri": url,
        "scope": url,
    }
    reply = await api.client.post(f"/{TENANT}/oauth2/v2.0/token", data=form)
    assert reply.status_code in {400, 401}


NO_ISSUERS = [
    *ADDRESSES[:-1],
    "https://0.0.0.0/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://224.0.0.1/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0xa9.0xfe.0xa9.0xfe/",
    "https://169.254.43518/",
    "https://0251.0376.0251.0376/",
    "https://user@example.com/",
    "https://example.com:0/",
    "https://example.com#@169.254.169.254/",
    "https://example.com\\@169.254.169.254/",
    "https://exa mple.com/",
    "https://example.com\r\nHost: x/",
    "https:example.com",
    "HTTPS://example.com",
    "https:///x",
    "https://ex\u0430mple.com/",
]


@pytest.mark.parametrize("url", NO_ISSUERS)
def test_what_only_the_machine_may_ask_is_no_issuer(url: str) -> None:
    with pytest.raises(BadRequest):
        parse_issuer(url)
    with pytest.raises(BadRequest):
        parse_keys_url(url, issuer="https://example.com", hosts=())


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8443/", "https://10.0.0.5/realms/x", "https://sso.example.com/x"]
)
def test_an_issuer_of_one_s_own_network_may_be_added(url: str) -> None:
    assert parse_issuer(url) == url


@pytest.mark.parametrize(
    "keys",
    [
        "https://elsewhere.example.com/keys",
        "https://sso.example.com.evil.example.com/keys",
        "https://sso.example.com:8443/keys",
        "https://169.254.169.254/keys",
        "http://sso.example.com/keys",
        "//sso.example.com/keys",
    ],
)
def test_discovery_leads_to_no_other_host(keys: str) -> None:
    with pytest.raises(BadRequest):
        parse_keys_url(keys, issuer="https://sso.example.com", hosts=())


@pytest.mark.parametrize("target", ADDRESSES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere(target: str, status: int) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": target})

    with pytest.raises(IssuerFault, match="redirect"):
        asyncio.run(Fetcher(transport=httpx.MockTransport(answer))("https://sso.example.com/keys"))
    assert asked == ["https://sso.example.com/keys"]
