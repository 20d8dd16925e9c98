"""API2:2023, broken authentication: to be taken for somebody else.

Forged tokens, issuers and assertions have tables of their own (docs/reference/attacks.md), each row of which is sent
to a server. Here is what those do not hold: attacks on the built-in issuer's own tokens and on its token endpoint.
"""

import asyncio
import base64
import time
import zlib
from collections.abc import Callable

import msgspec
import pytest
from joserfc import jws

from stanchion.access.attempts import FAILURES_PER_ADDRESS, FAILURES_PER_CLIENT
from stanchion.access.claims import CLOCK_SKEW_SECONDS, TOKEN_LIFETIME_SECONDS
from stanchion.access.issuer import sign
from stanchion.access.operator import AppWish, add_app, add_tenant, rotate_key
from stanchion.app import key_file, open_store
from tests.conftest import OPERATOR, OTHER_TENANT, TENANT, Api, Serve
from tests.databases import on_file
from tests.security.sameness import told
from tests.web.forging import forged, good_claims, own_key

pytestmark = pytest.mark.anyio

PATH = "/v1.0/security/secureScores"
TOKENS = f"/{TENANT}/oauth2/v2.0/token"


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(api: Api, header: dict[str, object], payload: bytes | None = None) -> str:
    """Return a token truly signed by the server's own key, with more in its header or another payload."""
    key = own_key(api)
    registry = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    whole = {"alg": "RS256", "typ": "JWT", "kid": key.kid, **header}
    data = payload if payload is not None else msgspec.json.encode(good_claims(api))
    return jws.serialize_compact(whole, data, key, registry=registry)


def claims_text(api: Api) -> bytes:
    return msgspec.json.encode(good_claims(api))


# Signed by the server's own key, and good but for what the row says.
OWN: dict[str, Callable[[Api], str]] = {
    "a packed payload": lambda api: signed(api, {"zip": "DEF"}, zlib.compress(claims_text(api))[2:-4]),
    "two objects": lambda api: signed(api, {}, claims_text(api) * 2),
    "a comment": lambda api: signed(api, {}, b"/**/" + claims_text(api)),
    "a lone surrogate": lambda api: signed(api, {}, claims_text(api)[:-1] + b',"x":"\\ud800"}'),
    "a NUL in a claim": lambda api: forged(api, appid="a\x00b"),
    "an infinite number": lambda api: signed(api, {}, claims_text(api)[:-1] + b',"x":1e999}'),
    "a name said twice in another spelling": lambda api: signed(
        api, {}, claims_text(api)[:-1] + f',"t\\u0069d":"{OTHER_TENANT}"}}'.encode()
    ),
    "the tenant in full width": lambda api: forged(api, tid="\uff41" + TENANT[1:]),
    "the tenant with a blank": lambda api: forged(api, tid=f"{TENANT} "),
    "another tenant": lambda api: forged(api, tid=OTHER_TENANT),
    "the audience with a slash": lambda api: forged(api, aud="http://127.0.0.1:8080/"),
    "the audience elsewhere": lambda api: forged(api, aud="https://127.0.0.1.example.com"),
    "an app in capital letters": lambda api: forged(api, appid=good_claims(api).appid.upper()),
    "no app": lambda api: forged(api, appid=""),
    "a life of a day": lambda api: forged(api, exp=int(time.time()) + 86_400),
    "an end that is just past": lambda api: forged(
        api, iat=int(time.time()) - 120, nbf=0, exp=int(time.time()) - CLOCK_SKEW_SECONDS
    ),
    "a begin that is to come": lambda api: forged(api, nbf=int(time.time()) + CLOCK_SKEW_SECONDS + 600),
    "a negative end": lambda api: forged(api, exp=-1),
}


@pytest.mark.parametrize("name", OWN)
async def test_a_token_by_the_right_key_that_is_not_right_is_refused(api: Api, name: str) -> None:
    reply = await api.send("GET", PATH, token=OWN[name](api))
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "InvalidAuthenticationToken"), (
        reply.text
    )
    assert "Bearer" in reply.headers["www-authenticate"]


async def test_the_token_that_those_change_is_good_to_the_borders_of_its_time(api: Api) -> None:
    now = int(time.time())
    for token in (
        signed(api, {}),
        signed(api, {"cty": "text"}),
        forged(api, exp=now + TOKEN_LIFETIME_SECONDS, iat=now, nbf=now),
        forged(api, iat=now - 100, nbf=now - 100, exp=now - CLOCK_SKEW_SECONDS + 30),
        forged(api, nbf=now + CLOCK_SKEW_SECONDS - 30),
    ):
        assert (await api.send("GET", PATH, token=token)).status_code == 200


async def test_a_token_of_another_store_is_refused_although_its_tenant_and_app_are_known(
    api: Api, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = on_file(tmp_path_factory.mktemp("other"))
    settings = database.settings
    other = open_store(settings)
    add_tenant(other, TENANT, name="the same", actor=OPERATOR)
    foreign = Api(other, settings, api.client, {}, database)
    for token in (foreign.token(), sign(good_claims(api), own_key(foreign))):
        assert (await api.send("GET", PATH, token=token)).status_code == 401
    other.close_now()


async def test_a_rotated_key_signs_nothing_new_and_ends_with_its_tokens(api: Api) -> None:
    old = own_key(api)
    before = sign(good_claims(api), old)
    assert (await api.send("GET", PATH, token=before)).status_code == 200
    rotate_key(api.store, key_file=key_file(api.settings), actor=OPERATOR)
    new = own_key(api)
    assert new.kid != old.kid
    # The server reads what the command line wrote, and goes on taking the old key's tokens until they end.
    assert (await api.send("GET", PATH, token=sign(good_claims(api), new))).status_code == 200
    assert (await api.send("GET", PATH, token=before)).status_code == 200
    kids = {key["kid"] for key in (await api.client.get(f"/{TENANT}/discovery/v2.0/keys")).json()["keys"]}
    assert kids == {old.kid, new.kid}


def form(client_id: str, secret: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
        "scope": "https://graph.microsoft.com/.default",
    }


async def test_an_unknown_client_and_a_wrong_secret_are_told_alike(api: Api) -> None:
    app = add_app(api.store, AppWish(TENANT, "an app"), actor=OPERATOR).app
    nobody = "cccccccc-0000-4000-8000-00000000000c"
    wrong = await api.client.post(TOKENS, data=form(app.client_id, "wrong"))
    unknown = await api.client.post(TOKENS, data=form(nobody, "wrong"))
    assert told(wrong, app.client_id)[::2] == told(unknown, nobody)[::2]


async def test_guessing_side_by_side_gains_no_further_guess(api: Api) -> None:
    app = add_app(api.store, AppWish(TENANT, "an app"), actor=OPERATOR)
    replies = await asyncio.gather(
        *(api.client.post(TOKENS, data=form(app.app.client_id, f"guess {n}")) for n in range(60))
    )
    statuses = [reply.status_code for reply in replies]
    assert (statuses.count(401), statuses.count(429)) == (FAILURES_PER_CLIENT, 60 - FAILURES_PER_CLIENT)
    # Who knows the secret waits too while the guesses come from the same address: or each guess would be told.
    assert (await api.client.post(TOKENS, data=form(app.app.client_id, app.secret))).status_code == 429


async def test_guessing_at_many_clients_ends_at_the_address(api: Api) -> None:
    statuses = [
        (await api.client.post(TOKENS, data=form(f"cccccccc-0000-4000-8000-{n:012x}", "x"))).status_code
        for n in range(FAILURES_PER_ADDRESS + 5)
    ]
    assert statuses == [401] * FAILURES_PER_ADDRESS + [429] * 5


async def test_no_header_of_a_caller_s_makes_another_address(serve: Serve) -> None:
    async with serve() as api:
        for n in range(FAILURES_PER_CLIENT):
            headers = {
                "X-Forwarded-For": f"192.0.2.{n}",
                "X-Real-IP": f"192.0.2.{n}",
                "Forwarded": f"for=192.0.2.{n}",
            }
            await api.client.post(TOKENS, data=form(TENANT, "x"), headers=headers)
        reply = await api.client.post(
            TOKENS, data=form(TENANT, "x"), headers={"X-Forwarded-For": "192.0.2.99"}
        )
        assert reply.status_code == 429


@pytest.mark.parametrize(
    "grant", ["password", "refresh_token", "authorization_code", "implicit", "", "client_credentials "]
)
async def test_no_other_grant_gives_a_token(api: Api, grant: str) -> None:
    app = add_app(api.store, AppWish(TENANT, "an app"), actor=OPERATOR)
    asked = {
        **form(app.app.client_id, app.secret),
        "grant_type": grant,
        "username": "ada",
        "password": "x",
        "code": "x",
    }
    reply = await api.client.post(TOKENS, data=asked)
    assert (reply.status_code, "access_token" in reply.text) == (400, False)
