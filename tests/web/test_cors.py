"""What browsers ask before and while a page of another origin calls the API, and what they are told."""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from stanchion.errors import OperatorError
from stanchion.settings import Settings
from stanchion.web.cors import Cors
from tests.conftest import MICROSOFT, TENANT, Api, Serve, control

pytestmark = pytest.mark.anyio

PAGE = "https://app.example.com"
CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
TOKEN = f"/{TENANT}/oauth2/v2.0/token"
BODY = {"comment": "x", "vendorInformation": MICROSOFT}
# A page sets these; names that a browser sends by itself, and safe ones, need no leave.
GRAPH_CLIENT_HEADERS = "authorization, client-request-id, content-type, prefer, sdkversion"


@pytest.fixture
async def crossed(serve: Serve) -> AsyncIterator[Api]:
    """A server that lets pages of PAGE in."""
    async with serve(Settings(cors_origin=(PAGE, "http://localhost:3000"))) as api:
        yield api


class Refused(Exception):
    """A browser's `TypeError: Failed to fetch`."""


async def fetch(
    api: Api, method: str, path: str, *, headers: Mapping[str, str], origin: str = PAGE, body: object = None
) -> httpx.Response:
    """Return what a page that fetches gets: a preflight without a token, then the request, if each is allowed.

    Source: Fetch, sections 4.8 (CORS-preflight fetch) and 4.9 (CORS check), for credentials mode "same-origin".
    """
    asked = sorted(name.lower() for name in headers)
    preflight = await api.client.request(
        "OPTIONS",
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(asked),
        },
    )
    _check(preflight, origin)
    methods = _list(preflight, "access-control-allow-methods")
    allowed = {name.lower() for name in _list(preflight, "access-control-allow-headers")}
    if (
        not preflight.is_success
        or method not in {*methods, "GET", "HEAD", "POST"}
        or not set(asked) <= allowed
    ):
        raise Refused
    reply = await api.client.request(method, path, headers={"Origin": origin, **headers}, json=body)
    _check(reply, origin)
    return reply


def _check(reply: httpx.Response, origin: str) -> None:
    if reply.headers.get_list("access-control-allow-origin") not in ([origin], ["*"]):
        raise Refused


def _list(reply: httpx.Response, name: str) -> list[str]:
    return [part.strip() for part in reply.headers.get(name, "").split(",")]


def readable(reply: httpx.Response) -> set[str]:
    """Return the headers that the page may read, beyond those that any page may."""
    return {name.lower() for name in _list(reply, "access-control-expose-headers")}


def sent(token: str) -> dict[str, str]:
    """Return the headers that Graph's client for JavaScript sets, and those of a conditional write."""
    return {
        "Authorization": f"Bearer {token}",
        "client-request-id": "7c1d6a26-9b51-4c24-93a1-7a8d7d3f2b61",
        "Content-Type": "application/json",
        "If-Match": "*",
        "Prefer": "return=representation",
        "SdkVersion": "graph-js/3.0.7",
    }


async def test_a_page_reads_and_writes_across_origins(crossed: Api) -> None:
    crossed.add(control())
    headers = sent(crossed.token())

    read = await fetch(crossed, "GET", CONTROL, headers=headers)
    assert read.json()["id"] == "NonOwnerAccess"
    assert {"etag", "odata-version", "request-id", "client-request-id"} <= readable(read)

    written = await fetch(crossed, "PATCH", CONTROL, headers=headers, body=BODY)
    assert written.status_code == 200
    assert "preference-applied" in readable(written)


async def test_a_page_asks_for_a_token_across_origins(crossed: Api) -> None:
    form = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "guessed"}
    form["scope"] = "https://graph.microsoft.com/.default"
    # A browser sends a form without a preflight.
    reply = await crossed.client.post(TOKEN, headers={"Origin": PAGE}, data=form)

    _check(reply, PAGE)
    assert reply.json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", CONTROL, 401),
        ("PUT", CONTROL, 401),
        ("GET", "/v1.0/nothing", 401),
        ("GET", f"/v1.0?{'x' * 9000}", 414),
    ],
)
async def test_a_page_may_read_an_error(crossed: Api, method: str, path: str, status: int) -> None:
    reply = await crossed.client.request(method, path, headers={"Origin": PAGE})

    assert reply.status_code == status
    _check(reply, PAGE)
    assert reply.json()["error"]["message"]
    assert {"www-authenticate", "allow", "retry-after"} <= readable(reply)


@pytest.mark.parametrize("path", [CONTROL, "/beta/security/userSecurityProfiles", TOKEN, "/v1.0/$metadata"])
async def test_a_preflight_needs_no_token_and_has_no_body(crossed: Api, path: str) -> None:
    reply = await crossed.client.request(
        "OPTIONS",
        path,
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": GRAPH_CLIENT_HEADERS,
        },
    )

    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["vary"] == "Origin"
    assert int(reply.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://APP.example.com",
        "null",
        f"{PAGE}, {PAGE}",
    ],
)
async def test_a_page_of_another_origin_is_told_nothing(crossed: Api, origin: str) -> None:
    with pytest.raises(Refused):
        await fetch(crossed, "PATCH", CONTROL, headers=sent(crossed.token()), origin=origin)

    reply = await crossed.send("GET", "/v1.0", headers={"Origin": origin})
    assert [name for name in reply.headers if name.startswith("access-control")] == []
    assert reply.headers["vary"] == "Origin"


async def test_a_header_that_no_client_needs_is_not_allowed(crossed: Api) -> None:
    with pytest.raises(Refused):
        await fetch(crossed, "GET", CONTROL, headers={"X-Forwarded-Host": "elsewhere"})


async def test_credentials_are_never_allowed(crossed: Api) -> None:
    reply = await fetch(crossed, "GET", "/v1.0", headers=sent(crossed.token()))

    assert "access-control-allow-credentials" not in reply.headers


async def test_a_cache_is_told_that_answers_differ_by_origin(crossed: Api) -> None:
    reply = await crossed.client.get("/v1.0/$metadata")

    assert "Origin" in reply.headers["vary"].split(", ")
    assert "access-control-allow-origin" not in reply.headers


async def test_an_options_request_that_is_no_preflight_is_judged_as_ever(crossed: Api) -> None:
    reply = await crossed.send("OPTIONS", CONTROL, headers={"Origin": PAGE})

    assert reply.status_code == 405
    _check(reply, PAGE)


async def test_a_preflight_for_a_host_that_is_not_ours_is_misdirected(crossed: Api) -> None:
    reply = await crossed.client.request(
        "OPTIONS",
        CONTROL,
        headers={"Origin": PAGE, "Access-Control-Request-Method": "GET", "Host": "elsewhere.example"},
    )

    assert reply.status_code == 421


async def test_without_a_setting_nothing_is_said_of_origins(api: Api) -> None:
    for method in ("GET", "OPTIONS"):
        reply = await api.client.request(
            method, "/v1.0", headers={"Origin": PAGE, "Access-Control-Request-Method": "GET"}
        )
        assert [name for name in reply.headers if name.startswith("access-control") or name == "vary"] == []


async def test_a_star_lets_every_page_in(serve: Serve) -> None:
    async with serve(Settings(cors_origin=("*",))) as api:
        reply = await fetch(api, "GET", "/v1.0", headers=sent(api.token()), origin="https://any.example")

    assert reply.headers["access-control-allow-origin"] == "*"
    assert "vary" not in reply.headers


@pytest.mark.parametrize(
    ("named", "sent_by_browsers"),
    [
        ("https://app.example.com/", PAGE),
        ("HTTPS://App.Example.com", PAGE),
        ("https://app.example.com:443", PAGE),
        ("http://localhost:03000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
    ],
)
async def test_an_origin_is_matched_as_browsers_write_it(
    serve: Serve, named: str, sent_by_browsers: str
) -> None:
    async with serve(Settings(cors_origin=(named,))) as api:
        reply = await api.client.get("/v1.0", headers={"Origin": sent_by_browsers})

    assert reply.headers["access-control-allow-origin"] == sent_by_browsers


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "app.example.com",
        "null",
        "https://",
        "https://app.example.com/path",
        "https://app.example.com?x",
        "https://user@app.example.com",
        "https://app.example.com:0",
        "https://app.example.com:70000",
        "https://*.example.com",
        "https://münchen.example",
        "https://a b",
        "https://app.example.com\r\nX: y",
    ],
)
def test_what_no_browser_would_send_is_refused_at_start(origin: str) -> None:
    with pytest.raises(OperatorError, match=r"CORS origin .* cannot be used: .*expected") as raised:
        Cors([origin])
    assert "\n" not in raised.value.message


def test_a_star_stands_alone() -> None:
    with pytest.raises(OperatorError, match="name it alone"):
        Cors(["*", PAGE])
