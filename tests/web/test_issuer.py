"""The built-in issuer over HTTP: discovery, keys, tokens, and refusals in OAuth's own form."""

import base64
import json
import re
from typing import cast
from urllib.parse import quote_plus

import httpx
import msgspec
import pytest

from stanchion.access.issuer import sign
from stanchion.access.operator import AddedApp, AppWish, add_app, revoke_app
from stanchion.settings import Settings
from tests.conftest import OPERATOR, ORIGIN, OTHER_TENANT, TENANT, Api, Serve
from tests.web.forging import good_claims, own_key
from tests.web.refusals import assert_envelope

pytestmark = pytest.mark.anyio

TOKEN = f"/{TENANT}/oauth2/v2.0/token"
SCORES = "/v1.0/security/secureScores"


def an_app(api: Api, *permissions: str) -> AddedApp:
    return add_app(api.store, AppWish(TENANT, "client", permissions=permissions), actor=OPERATOR)


def form(app: AddedApp, **changed: str) -> dict[str, str]:
    return {
        "client_id": app.app.client_id,
        "client_secret": app.secret,
        "grant_type": "client_credentials",
        "scope": "https://graph.microsoft.com/.default",
        **changed,
    }


def claims_of(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    return cast("dict[str, object]", msgspec.json.decode(decoded))


def assert_oauth_error(reply: httpx.Response, status: int, error: str) -> None:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert set(body) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
    }
    assert body["error"] == error
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    assert body["trace_id"] == reply.headers["request-id"]
    assert reply.headers["cache-control"] == "no-store"


async def test_discovery_names_the_endpoints_on_the_origin_asked(api: Api) -> None:
    for origin in (ORIGIN, "http://localhost:8080"):
        url = f"{origin}/{TENANT}/v2.0/.well-known/openid-configuration"
        reply = await api.client.get(url)
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "application/json"
        document = reply.json()
        assert document["issuer"] == f"{origin}/{TENANT}/v2.0"
        assert document["token_endpoint"] == f"{origin}{TOKEN}"
        assert document["jwks_uri"] == f"{origin}/{TENANT}/discovery/v2.0/keys"
        assert document["authorization_endpoint"].startswith(f"{origin}/{TENANT}/")


async def test_the_keys_are_public_halves_alone(api: Api) -> None:
    reply = await api.client.get(f"/{TENANT}/discovery/v2.0/keys")
    keys = reply.json()["keys"]
    assert len(keys) == 1
    assert set(keys[0]) == {"kty", "kid", "use", "alg", "n", "e"}


async def test_a_token_fetched_here_works_here(api: Api) -> None:
    app = an_app(api, "SecurityEvents.Read.All")
    reply = await api.client.post(TOKEN, data=form(app))
    assert reply.status_code == 200
    assert (reply.headers["cache-control"], reply.headers["pragma"]) == ("no-store", "no-cache")
    assert reply.json().items() >= {"token_type": "Bearer", "expires_in": 3600}.items()
    token = reply.json()["access_token"]
    claims = claims_of(token)
    assert claims["iss"] == f"{ORIGIN}/{TENANT}/v2.0"
    assert claims["aud"] == ORIGIN
    assert claims["roles"] == ["SecurityEvents.Read.All"]
    assert (claims["tid"], claims["appid"], claims["idtyp"]) == (TENANT, app.app.client_id, "app")
    assert (await api.send("GET", SCORES, token=token)).status_code == 200
    assert (await api.send("POST", SCORES, token=token, json={})).status_code == 403


async def test_iss_and_aud_are_the_first_public_url_whatever_was_asked(serve: Serve) -> None:
    urls = ("https://posture.example.com", "https://other.example.com")
    async with serve(Settings(public_url=urls), origin=urls[1]) as api:
        app = an_app(api)
        scope = f"{urls[1]}/.default"
        reply = await api.client.post(TOKEN, data=form(app, scope=scope))
        claims = claims_of(reply.json()["access_token"])
        assert (claims["iss"], claims["aud"]) == (f"{urls[0]}/{TENANT}/v2.0", urls[0])
        token = reply.json()["access_token"]
        for url in urls:
            assert (await api.send("GET", url + SCORES, token=token)).status_code == 200


@pytest.mark.parametrize(
    "tenant", [OTHER_TENANT, "common", "organizations", "Contoso.onmicrosoft.com", "nobody-at-all"]
)
async def test_a_token_is_for_the_client_s_tenant_whatever_the_path_names(api: Api, tenant: str) -> None:
    reply = await api.client.post(f"/{tenant}/oauth2/v2.0/token", data=form(an_app(api)))
    assert claims_of(reply.json()["access_token"])["tid"] == TENANT


@pytest.mark.parametrize(
    "scope", ["https://graph.microsoft.com/.default", "https://host/.default", "https://host:8443/.default"]
)
async def test_the_default_scope_of_any_resource_is_taken(api: Api, scope: str) -> None:
    data = form(an_app(api), scope=scope, client_info="1", claims='{"access_token":{}}')
    assert (await api.client.post(TOKEN, data=data)).status_code == 200


async def test_a_client_may_authenticate_by_basic(api: Api) -> None:
    app = an_app(api)
    pair = f"{quote_plus(app.app.client_id)}:{quote_plus(app.secret)}"
    headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    data = {"grant_type": "client_credentials", "scope": "https://x/.default"}
    assert (await api.client.post(TOKEN, data=data, headers=headers)).status_code == 200
    wrong = {"Authorization": "Basic " + base64.b64encode(f"{app.app.client_id}:no".encode()).decode()}
    reply = await api.client.post(TOKEN, data=data, headers=wrong)
    assert_oauth_error(reply, 401, "invalid_client")
    assert reply.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "cccccccc-0000-4000-8000-000000000003"}, 401, "invalid_client"),
        ({"client_id": "\x00"}, 401, "invalid_client"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "User.Read"}, 400, "invalid_scope"),
        ({"client_assertion": "e30"}, 400, "invalid_request"),
        ({"client_assertion": "e30", "client_secret": ""}, 400, "invalid_request"),
        ({"claims": "{"}, 400, "invalid_request"),
    ],
)
async def test_a_refusal_is_in_the_form_of_oauth(
    api: Api, changed: dict[str, str], status: int, error: str
) -> None:
    before = await api.sequence()
    app = an_app(api)
    reply = await api.client.post(TOKEN, data=form(app, **changed))
    assert_oauth_error(reply, status, error)
    assert app.secret not in reply.text
    assert await api.sequence() == before + 1  # the app's own


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{}", "application/json"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=1&" * 200, "application/x-www-form-urlencoded"),
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_request_that_is_no_form_is_refused(api: Api, content: bytes, content_type: str) -> None:
    reply = await api.client.post(TOKEN, content=content, headers={"Content-Type": content_type})
    assert_oauth_error(reply, 400, "invalid_request")


async def test_a_form_that_is_far_too_large_is_refused(api: Api) -> None:
    assert_envelope(await api.client.post(TOKEN, data={"client_id": "x" * 100_000}), 413)


async def test_after_many_failures_a_client_has_to_wait_and_others_do_not(api: Api) -> None:
    app, other = an_app(api), an_app(api)
    for _ in range(20):
        assert_oauth_error(
            await api.client.post(TOKEN, data=form(app, client_secret="x")), 401, "invalid_client"
        )
    reply = await api.client.post(TOKEN, data=form(app))
    assert_oauth_error(reply, 429, "temporarily_unavailable")
    assert 0 < int(reply.headers["retry-after"]) <= 60
    assert (await api.client.post(TOKEN, data=form(other))).status_code == 200


async def test_there_is_no_interactive_sign_in(api: Api) -> None:
    reply = await api.client.get(f"/{TENANT}/oauth2/v2.0/authorize")
    assert_envelope(reply, 404, "token endpoint")


@pytest.mark.parametrize("path", ["oauth2/v2.0/devicecode", "oauth2/devicecode"])
async def test_who_would_sign_in_by_device_code_is_told_that_nobody_signs_in(api: Api, path: str) -> None:
    reply = await api.client.post(f"/common/{path}", data={"client_id": "x", "scope": "User.Read"})
    assert_oauth_error(reply, 400, "unsupported_grant_type")
    assert "nobody signs in here" in reply.json()["error_description"]
    assert_envelope(await api.client.get(f"/common/{path}"), 405, "POST")


@pytest.mark.parametrize("tenant", ["consumers", "Consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"])
async def test_the_endpoint_of_personal_accounts_gives_no_tokens(api: Api, tenant: str) -> None:
    reply = await api.client.post(f"/{tenant}/oauth2/v2.0/token", data=form(an_app(api)))
    assert_oauth_error(reply, 400, "invalid_request")
    assert reply.json()["error_codes"] == [9002332]


async def test_the_older_endpoint_takes_a_resource_and_writes_numbers_as_text(api: Api) -> None:
    data = form(an_app(api), resource="https://graph.microsoft.com")
    del data["scope"]
    reply = await api.client.post(f"/{TENANT}/oauth2/token?api-version=1.0", data=data)
    body = reply.json()
    said = claims_of(body.pop("access_token"))
    assert body == {
        "token_type": "Bearer",
        "expires_in": "3600",
        "ext_expires_in": "3600",
        "expires_on": str(said["exp"]),
        "not_before": str(said["nbf"]),
        "resource": "https://graph.microsoft.com",
    }


async def test_each_endpoint_wants_its_own_word_for_the_resource(api: Api) -> None:
    app = an_app(api)
    without_resource = await api.client.post(f"/{TENANT}/oauth2/token", data=form(app))
    data = form(app, resource="https://graph.microsoft.com")
    del data["scope"]
    without_scope = await api.client.post(TOKEN, data=data)
    for reply, name in ((without_resource, "resource"), (without_scope, "scope")):
        assert_oauth_error(reply, 400, "invalid_request")
        assert f"'{name}'" in reply.json()["error_description"]


async def test_the_older_discovery_and_keys_are_there(api: Api) -> None:
    document = (await api.client.get("/common/.well-known/openid-configuration")).json()
    assert document["token_endpoint"] == f"{ORIGIN}/common/oauth2/token"
    keys = await api.client.get("/common/discovery/keys")
    assert keys.json() == (await api.client.get("/common/discovery/v2.0/keys")).json()


@pytest.mark.parametrize(
    "path", ["/{}//v2.0/.well-known/openid-configuration", "//{}/v2.0//.well-known/openid-configuration/"]
)
async def test_an_authority_may_end_in_a_slash(api: Api, path: str) -> None:
    reply = await api.client.get(f"{ORIGIN}{path.format(TENANT)}")
    assert reply.json()["token_endpoint"] == f"{ORIGIN}{TOKEN}"


async def test_a_client_that_can_be_challenged_is_challenged_in_the_header(api: Api) -> None:
    claims = msgspec.structs.replace(good_claims(api), xms_cc=("cp1",))
    revoke_app(api.store, claims.appid, actor=OPERATOR)
    reply = await api.send("GET", SCORES, token=sign(claims, own_key(api)))
    assert_envelope(reply, 401, "TokenIssuedBeforeRevocationTimestamp", code="InvalidAuthenticationToken")
    found = re.fullmatch(
        r'Bearer realm="", authorization_uri="(?P<uri>[^"]+)", client_id="00000003-0000-0000-c000-000000000000", '
        r'error="insufficient_claims", claims="(?P<claims>[A-Za-z0-9+/=]+)"',
        reply.headers["www-authenticate"],
    )
    assert found is not None
    assert found["uri"] == f"{ORIGIN}/common/oauth2/authorize"
    nbf = json.loads(base64.b64decode(found["claims"]))["access_token"]["nbf"]
    assert nbf["essential"] is True
    assert nbf["value"].isdigit()


async def test_an_ordinary_401_has_no_claims(api: Api) -> None:
    for token in ("", "x", "e30.e30.e30"):
        reply = await api.client.get(SCORES, headers={"Authorization": f"Bearer {token}"})
        assert reply.status_code == 401
        assert "claims" not in reply.headers["www-authenticate"]


async def test_a_query_on_the_token_endpoint_is_ignored(api: Api) -> None:
    reply = await api.client.post(f"{TOKEN}?client-request-id=x", data=form(an_app(api)))
    assert reply.status_code == 200
