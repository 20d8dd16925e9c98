"""Under which addresses the server speaks, and whom it believes about them."""

import pytest

from stanchion.settings import Settings
from stanchion.web import arrival
from tests.conftest import Api, Serve, control
from tests.web.refusals import assert_envelope, assert_refused

pytestmark = pytest.mark.anyio

PUBLIC = "https://posture.example.com"
SCORES = "/v1.0/security/secureScores"
PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:9999", "http://localhost:9999"),
        ("LOCALHOST", "http://localhost"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
async def test_without_a_public_url_any_loopback_address_is_answered(
    api: Api, host: str, origin: str
) -> None:
    api.add(control("a"), control("b"))
    path = "/v1.0/security/secureScoreControlProfiles?$top=1"
    reply = await api.send("GET", path, headers={"Host": host})
    assert reply.json()["@odata.context"].startswith(f"{origin}/v1.0/")
    assert reply.json()["@odata.nextLink"].startswith(f"{origin}/v1.0/")


@pytest.mark.parametrize(
    "host", ["posture.example.com", "graph.microsoft.com", "localhost.example.com", "10.0.0.1"]
)
@pytest.mark.parametrize(
    "path", [SCORES, "/v1.0", "/v1.0/$metadata", "/a/v2.0/.well-known/openid-configuration"]
)
async def test_a_foreign_host_is_misdirected_and_the_setting_named(api: Api, host: str, path: str) -> None:
    request = api.send("GET", path, headers={"Host": host})
    await assert_refused(api, request, 421, f"http://{host}", "--public-url")


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "user@localhost", "localhost:99999", "localhost:port", "é".encode()]
)
async def test_a_host_that_is_none_is_refused(api: Api, host: str | bytes) -> None:
    headers = [(b"host", host.encode() if isinstance(host, str) else host)]
    assert_envelope(await api.client.get("/v1.0", headers=headers), 400, "Host")


async def test_a_public_url_is_the_only_address_answered(serve: Serve) -> None:
    async with serve(Settings(public_url=(PUBLIC, "http://other.example.com:81")), origin=PUBLIC) as api:
        reply = await api.send("GET", SCORES)
        assert reply.json()["@odata.context"].startswith(f"{PUBLIC}/v1.0/")
        reply = await api.send("GET", "http://other.example.com:81" + SCORES)
        assert reply.json()["@odata.context"].startswith("http://other.example.com:81/v1.0/")
        for foreign in ("http://127.0.0.1:8080", "http://posture.example.com", f"{PUBLIC}:444"):
            await assert_refused(api, api.send("GET", foreign + SCORES), 421)


async def test_a_trusted_proxy_says_how_the_request_came(serve: Serve) -> None:
    settings = Settings(public_url=(PUBLIC,), trusted_proxy=("10.0.0.0/8",))
    async with serve(settings, peer=PROXY, origin="http://internal:8080") as api:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "posture.example.com"}
        reply = await api.send("GET", SCORES, headers=headers)
        assert reply.status_code == 200
        assert reply.json()["@odata.context"].startswith(f"{PUBLIC}/v1.0/")
        await assert_refused(api, api.send("GET", SCORES), 421)


async def test_what_anyone_else_says_of_how_the_request_came_is_ignored(serve: Serve) -> None:
    settings = Settings(public_url=(PUBLIC,), trusted_proxy=("10.0.0.0/8",))
    async with serve(settings, peer="192.0.2.1", origin="http://posture.example.com") as api:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "posture.example.com"}
        await assert_refused(api, api.send("GET", SCORES, headers=headers), 421, "--trusted-proxy")


async def test_a_forwarded_host_without_any_proxy_changes_nothing(api: Api) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example.com"}
    reply = await api.send("GET", SCORES, headers=headers)
    assert reply.json()["@odata.context"].startswith("http://127.0.0.1:8080/")


async def test_the_challenge_of_a_misdirected_request_names_no_address(api: Api) -> None:
    reply = await api.client.get(SCORES, headers={"Host": "evil.example.com"})
    assert "evil" not in str({name: value for name, value in reply.headers.items() if name != "host"})


async def test_origins_that_were_asked_are_kept_up_to_a_bound(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "MAX_KEPT_ORIGINS", 3)
    for port in (*range(1, 6), *range(1, 6)):
        reply = await api.send("GET", SCORES, headers={"Host": f"localhost:{port}"})
        assert reply.json()["@odata.context"].startswith(f"http://localhost:{port}/")
    for _ in range(2):
        assert (await api.send("GET", SCORES, headers={"Host": "evil.example"})).status_code == 421
