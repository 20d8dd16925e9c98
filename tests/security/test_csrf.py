"""Cross-site request forgery: what a page of another site makes a browser send carries no authority.

A browser sends cookies, and what forms and simple requests can say, without asking. So no cookie counts for anything,
none is ever set, and a method or header that could count needs a preflight, which other sites are refused.

Source: Fetch, section 4.8 (CORS-preflight fetch) and 2.2.2 (CORS-safelisted request headers); HTML, 4.10.21 (form
submission).
"""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest

from stanchion.access.operator import AppWish, add_app
from stanchion.settings import Settings
from tests.conftest import MICROSOFT, OPERATOR, ORIGIN, TENANT, Api, Serve, control

pytestmark = pytest.mark.anyio

EVIL = "https://evil.example.com"
FRIEND = "https://app.example.com"
CONTROLS = "/beta/security/secureScoreControlProfiles"
CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
BATCH = "/v1.0/$batch"
TOKEN = f"/{TENANT}/oauth2/v2.0/token"
SETS = ["/v1.0/security/secureScores", CONTROLS, "/beta/security/userSecurityProfiles", CONTROL]
# What a form, or a script without a preflight, can have a browser say of a body.
SIMPLE = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/plain",
    "text/plain;charset=UTF-8",
]
DECISION = '{"comment": "forged", "vendorInformation": {"provider": "SecureScore", "vendor": "Microsoft"}}'
BODIES = [
    "",
    DECISION,
    urlencode({"_method": "PATCH", "comment": "forged"}),
    # What a form of text/plain makes of one field, so that it reads as JSON.
    DECISION.replace('"forged"', '"forged="'),
    '--b\r\nContent-Disposition: form-data; name="_method"\r\n\r\nPATCH\r\n--b--\r\n',
]


@pytest.fixture(params=[(), (FRIEND,)], ids=["no page is let in", "another page is let in"])
async def open_api(serve: Serve, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """A server with a control, which lets in no page, or those of one origin."""
    async with serve(Settings(cors_origin=request.param)) as api:
        api.add(control())
        yield api


def forged(api: Api, content_type: str | None = None, *, origin: str = EVIL) -> dict[str, str]:
    """Return what the browser sends of a user whose every cookie is as good as a token can be."""
    good = api.token()
    cookies = {"access_token": good, "Authorization": f"Bearer {good}", "session": good, "stanchion": good}
    headers = {
        "Origin": origin,
        "Referer": f"{origin}/",
        "Sec-Fetch-Site": "cross-site",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    return headers if content_type is None else {**headers, "Content-Type": content_type}


def assert_powerless(reply: httpx.Response) -> None:
    assert reply.status_code == 401, reply.text
    assert "set-cookie" not in reply.headers
    assert_shut(reply)


def assert_shut(reply: httpx.Response) -> None:
    """Check that no page may read the answer, nor learn that one of its origin could."""
    assert not [name for name in reply.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("content_type", SIMPLE)
@pytest.mark.parametrize("path", [CONTROLS, BATCH])
async def test_a_form_of_another_site_posts_nothing(open_api: Api, path: str, content_type: str) -> None:
    before = await open_api.sequence()
    headers = forged(open_api, content_type)
    for body in BODIES:
        assert_powerless(await open_api.client.post(path, headers=headers, content=body))
    assert await open_api.sequence() == before


@pytest.mark.parametrize("query", ["", "?_method=PATCH", "?X-HTTP-Method-Override=PATCH", "?$method=PATCH"])
@pytest.mark.parametrize("content_type", SIMPLE)
async def test_a_form_of_another_site_is_taken_for_no_other_method(
    open_api: Api, content_type: str, query: str
) -> None:
    before = await open_api.sequence()
    headers = forged(open_api, content_type)
    for body in BODIES:
        reply = await open_api.client.post(CONTROL + query, headers=headers, content=body)
        assert_powerless(reply)
    assert await open_api.sequence() == before


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("content_type", [*SIMPLE, "application/json"])
async def test_a_method_that_needed_a_preflight_changes_nothing_without_one(
    open_api: Api, method: str, content_type: str
) -> None:
    before = await open_api.sequence()
    headers = forged(open_api, content_type)
    reply = await open_api.client.request(method, CONTROL, headers=headers, content=DECISION)
    assert_powerless(reply)
    assert await open_api.sequence() == before


@pytest.mark.parametrize("origin", [EVIL, "null", ORIGIN])
@pytest.mark.parametrize("path", SETS)
async def test_a_simple_get_of_another_site_reads_nothing(open_api: Api, path: str, origin: str) -> None:
    for method in ("GET", "HEAD"):
        headers = forged(open_api, origin=origin)
        assert_powerless(await open_api.client.request(method, path, headers=headers))


async def test_a_page_that_is_let_in_has_no_authority_by_cookies_either(serve: Serve) -> None:
    for let_in in (FRIEND, "*"):
        async with serve(Settings(cors_origin=(let_in,))) as api:
            api.add(control())
            before = await api.sequence()
            headers = forged(api, "application/json", origin=FRIEND)
            for reply in (
                await api.client.get(CONTROL, headers=headers),
                await api.client.patch(CONTROL, headers=headers, content=DECISION),
            ):
                assert reply.status_code == 401
                assert reply.headers["access-control-allow-origin"] == let_in
                assert "access-control-allow-credentials" not in reply.headers
                assert "set-cookie" not in reply.headers
            assert await api.sequence() == before


@pytest.mark.parametrize("path", [*SETS, BATCH, TOKEN])
async def test_a_preflight_of_an_origin_that_is_not_let_in_is_told_nothing(open_api: Api, path: str) -> None:
    alike = (f"{FRIEND}.evil.example.com", "http://app.example.com", f"{FRIEND}:444")
    for origin in (EVIL, "null", ORIGIN, *alike):
        for method in ("PATCH", "POST", "DELETE", "GET"):
            asked = {
                **forged(open_api, origin=origin),
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "authorization, content-type",
            }
            reply = await open_api.client.options(path, headers=asked)
            assert not reply.is_success
            assert_shut(reply)


async def test_no_answer_sets_a_cookie(open_api: Api) -> None:
    app = add_app(open_api.store, AppWish(TENANT, "page", ("SecurityEvents.Read.All",)), actor=OPERATOR)
    form = {
        "grant_type": "client_credentials",
        "client_id": app.app.client_id,
        "client_secret": app.secret,
        "scope": f"{ORIGIN}/.default",
    }
    body = {"comment": "true", "vendorInformation": MICROSOFT}
    answers = [
        await open_api.client.post(TOKEN, data=form),
        await open_api.client.post(TOKEN, data={**form, "client_secret": "guessed"}),
        await open_api.send("GET", CONTROL),
        await open_api.send("PATCH", CONTROL, json=body),
        await open_api.send(
            "POST", BATCH, json={"requests": [{"id": "1", "method": "GET", "url": "/security"}]}
        ),
        *[
            await open_api.client.get(path)
            for path in ("/v1.0", "/v1.0/$metadata", "/v1.0/docs", "/healthz", "/no")
        ],
    ]
    assert [reply.status_code for reply in answers] == [200, 401, 200, 204, 200, 200, 200, 200, 200, 401]
    assert [reply.url for reply in answers if "set-cookie" in reply.headers] == []
    assert not open_api.client.cookies
