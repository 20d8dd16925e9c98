"""API8:2023, security misconfiguration: what is open because nobody closed it.

What is served by default is closed: one address on loopback, no page of another origin, no metrics, no detail in
errors, no method beyond those of the resource, no file that others can read.
"""

import os
import stat
from pathlib import Path

import pytest

from stanchion.settings import SETTINGS, Settings
from tests.cli.invoking import invoke
from tests.conftest import TENANT, Api, control
from tests.serving.place import Place
from tests.serving.process import free_port, running

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
EVERYWHERE = [
    SCORES,
    CONTROL,
    "/v1.0",
    "/v1.0/$metadata",
    "/nothing",
    "/healthz",
    f"/{TENANT}/discovery/v2.0/keys",
]


def test_by_default_nothing_is_open() -> None:
    defaults = Settings()
    assert (defaults.host, defaults.operations) == ("127.0.0.1", None)
    assert (defaults.cors_origin, defaults.trusted_proxy, defaults.public_url) == ((), (), ())
    assert not {name for name in SETTINGS if "debug" in name or "insecure" in name or "disable" in name}


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_no_page_of_another_origin_may_read_by_default(api: Api, path: str) -> None:
    for origin in ("https://evil.example.com", "null", "http://127.0.0.1:8080"):
        reply = await api.send("GET", path, headers={"Origin": origin})
        asked = await api.client.options(
            path, headers={"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        )
        for each in (reply, asked):
            assert not [name for name in each.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_no_answer_tells_what_it_is_made_with_or_sets_a_cookie(api: Api, path: str) -> None:
    for reply in (await api.send("GET", path), await api.client.get(path)):
        named = {"server", "x-powered-by", "x-aspnet-version", "via", "set-cookie", "x-runtime"}
        assert not named & set(reply.headers)
        assert not any(word in reply.text for word in ("Traceback", ".py", "sqlite", "granian", "starlette"))


@pytest.mark.parametrize(
    "method", ["TRACE", "CONNECT", "TRACK", "DEBUG", "PROPFIND", "OPTIONS", "PUT", "BREW"]
)
async def test_no_other_method_is_answered_with_anything(api: Api, method: str) -> None:
    api.add(control())
    before = await api.sequence()
    for path in (SCORES, CONTROL, "/v1.0", "/v1.0/$metadata", "/v1.0/$batch", "/healthz"):
        reply = await api.send(method, path, headers={"X-Secret": "a-secret"}, content=b"a-secret")
        assert reply.status_code == 405, (path, reply.text)
        assert "allow" in reply.headers
        assert "a-secret" not in reply.text
    assert await api.sequence() == before


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "127.0.0.1.evil.example.com",
        "127.0.0.1@evil.example.com",
        "127.0.0.1:8080:80",
        "a b",
        "[::1",
        "*",
    ],
)
async def test_another_host_gets_neither_answers_nor_links(api: Api, host: str) -> None:
    for path in (SCORES, "/v1.0", f"/{TENANT}/v2.0/.well-known/openid-configuration"):
        for headers in ({"Host": host}, {"Host": host, "X-Forwarded-Host": "127.0.0.1"}):
            reply = await api.send("GET", path, headers=headers)
            assert reply.status_code in {400, 421}
            assert f"//{host}" not in reply.text.partition("does not speak for")[0]
    link = await api.send("GET", "/v1.0", headers={"X-Forwarded-Host": host, "Forwarded": f"host={host}"})
    assert host not in link.text


async def test_an_error_tells_what_is_wrong_and_nothing_of_the_inside(api: Api) -> None:
    for path in (
        "/v1.0/security/secureScores?$filter=a eq",
        "/v1.0/security/x",
        f"{CONTROL}?$expand=x",
        "/%00",
    ):
        reply = await api.send("GET", path)
        assert set(reply.json()["error"]) <= {"code", "message", "target", "innerError"}
        assert set(reply.json()["error"]["innerError"]) == {"date", "request-id", "client-request-id"}
        assert str(api.database.folder) not in reply.text


async def test_a_page_of_ours_runs_no_script_and_is_in_no_frame(api: Api) -> None:
    page = await api.client.get("/v1.0/docs")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in page.text


async def test_tokens_and_health_are_kept_by_no_cache(api: Api) -> None:
    form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": "x/.default"}
    token = await api.client.post(f"/{TENANT}/oauth2/v2.0/token", data=form)
    assert token.headers["cache-control"] == "no-store"
    assert (await api.client.get("/readyz")).headers["cache-control"] == "no-store"


def test_a_key_file_that_others_can_read_is_not_served_with(place: Place) -> None:
    key = place.key_file
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    ran = invoke("serve", *place.options, "--port", free_port())
    assert (ran.exit_code, "chmod 600" in ran.stderr) == (1, True)


def test_the_secrets_of_a_server_are_in_no_argument_and_no_log(place: Place) -> None:
    with running(place, "--log-level", "debug") as server, server.client(place.token) as client:
        assert client.get(SCORES).status_code == 200
        arguments = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
        assert place.token.encode() not in arguments
        assert place.token.split(".")[2] not in server.log
        assert os.fsdecode(place.key_file.read_bytes()).strip() not in server.log
