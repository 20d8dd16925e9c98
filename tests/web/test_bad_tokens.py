"""Tokens that are missing, broken, foreign or too weak: 401 or 403, said in Graph's manner, and nothing written."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import msgspec
import pytest
from joserfc.jwk import RSAKey

from stanchion.access.tenants import PERSONAL_ACCOUNTS
from tests.conftest import MICROSOFT, ORIGIN, TENANT, Api, control
from tests.web.forging import forged, good_claims, own_key, signed_otherwise
from tests.web.refusals import assert_refused

pytestmark = pytest.mark.anyio

CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
BODY = {"comment": "x", "vendorInformation": MICROSOFT}
ANOTHER = "cccccccc-0000-4000-8000-000000000003"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(api: Api, algorithm: str = "none") -> str:
    header = msgspec.json.encode({"alg": algorithm, "typ": "JWT", "kid": own_key(api).kid})
    return f"{encoded(header)}.{encoded(msgspec.json.encode(good_claims(api)))}."


def by_public_key(api: Api) -> str:
    secret = own_key(api).as_pem(private=False)
    message = unsigned(api, "HS256").rstrip(".")
    return f"{message}.{encoded(hmac.digest(secret, message.encode(), hashlib.sha256))}"


def altered(api: Api) -> str:
    header, payload, signature = forged(api).split(".")
    claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=="))
    claims["roles"] = ["SecurityEvents.ReadWrite.All", "Ledger.Import"]
    return f"{header}.{encoded(msgspec.json.encode(claims))}.{signature}"


def now() -> int:
    return int(time.time())


TOKENS: dict[str, Callable[[Api], str]] = {
    "no JWT": lambda _: "opaque",
    "two parts": lambda _: "e30.e30",
    "four parts": lambda _: "e30.e30.e30.e30",
    "not base64": lambda _: "!!!.???.***",
    "not JSON": lambda _: f"{encoded(b'nonsense')}.e30.e30",
    "very long": lambda _: "a." + "b" * 20_000 + ".c",
    "expired": lambda api: forged(api, iat=now() - 7200, nbf=now() - 7200, exp=now() - 3600),
    "not yet valid": lambda api: forged(api, nbf=now() + 600),
    "issued in the future": lambda api: forged(api, iat=now() + 600, nbf=now() + 600, exp=now() + 1200),
    "wrong audience": lambda api: forged(api, aud="https://graph.microsoft.com"),
    "unknown issuer": lambda api: forged(api, iss="https://login.example.com/"),
    "issuer of another tenant": lambda api: forged(api, aud=ORIGIN, iss=f"{ORIGIN}/{ANOTHER}/v2.0"),
    "algorithm none": unsigned,
    "algorithm None": lambda api: unsigned(api, "None"),
    "HMAC by the public key": by_public_key,
    "altered": altered,
    "another key under our kid": lambda api: signed_otherwise(
        api, {"kid": str(own_key(api).kid)}, RSAKey.generate_key(2048)
    ),
    "unknown kid": lambda api: signed_otherwise(api, {"kid": "unheard-of"}, RSAKey.generate_key(2048)),
    "no kid": lambda api: signed_otherwise(api, {}, RSAKey.generate_key(2048)),
    "unknown tenant": lambda api: forged(api, tid=ANOTHER),
    "unknown app": lambda api: forged(api, appid=ANOTHER),
    "personal account": lambda api: forged(
        api, tid=PERSONAL_ACCOUNTS, aud=ORIGIN, iss=f"{ORIGIN}/{PERSONAL_ACCOUNTS}/v2.0"
    ),
    "the store's own chain": lambda api: forged(api, tid="00000000-0000-0000-0000-000000000000"),
}


@pytest.mark.parametrize("make", TOKENS.values(), ids=TOKENS.keys())
async def test_a_bad_token_is_refused_and_not_repeated(api: Api, make: Callable[[Api], str]) -> None:
    api.add(control())
    token = make(api)
    reply = await assert_refused(api, api.send("PATCH", CONTROL, token=token, json=BODY), 401)
    assert token not in reply.text
    assert reply.headers["www-authenticate"] == (
        f'Bearer realm="", authorization_uri="{ORIGIN}/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )


@pytest.mark.parametrize(
    ("token", "named"),
    [
        ("expired", "token is expired"),
        ("not yet valid", "not valid yet"),
        ("wrong audience", "(aud)"),
        ("unknown issuer", "(iss)"),
        ("algorithm none", "(alg)"),
        ("HMAC by the public key", "(alg)"),
        ("unknown kid", "key"),
        ("unknown tenant", "(tid)"),
        ("unknown app", "(appid)"),
        ("personal account", "Personal Microsoft accounts"),
        ("no JWT", "CompactToken parsing failed"),
    ],
)
async def test_the_message_says_what_is_wrong_with_the_token(api: Api, token: str, named: str) -> None:
    request = api.send("GET", "/beta/security/secureScores", token=TOKENS[token](api))
    await assert_refused(api, request, 401, named)


@pytest.mark.parametrize(
    ("authorization", "named"),
    [
        (None, "Access token is empty."),
        ("", "Access token is empty."),
        ("Bearer", "Access token is empty."),
        ("Bearer ", "Access token is empty."),
        ("Basic dXNlcjpzZWNyZXQ=", "Bearer"),
        ("nonsense", "Bearer"),
    ],
)
async def test_a_request_without_a_bearer_token_is_refused(
    api: Api, authorization: str | None, named: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    reply = await assert_refused(api, api.client.patch(CONTROL, headers=headers, json=BODY), 401, named)
    assert reply.headers["www-authenticate"].startswith("Bearer ")
    assert "claims=" not in reply.headers["www-authenticate"]


async def test_two_tokens_are_one_too_many(api: Api) -> None:
    token = api.token()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    await assert_refused(
        api, api.client.get("/v1.0/security/secureScores", headers=headers), 401, "more than one"
    )


async def test_a_bearer_scheme_in_any_case_is_understood(api: Api) -> None:
    headers = {"Authorization": f"bEARER  {api.token()}"}
    assert (await api.client.get("/v1.0/security/secureScores", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", CONTROL),
        ("DELETE", CONTROL),
        ("POST", "/v1.0/security/secureScores"),
        ("PATCH", "/v1.0/security/secureScores"),
        ("PATCH", "/beta/security/userSecurityProfiles/a"),
    ],
)
async def test_reading_permission_does_not_write(api: Api, method: str, path: str) -> None:
    api.add(control())
    request = api.send(method, path, token=api.token("SecurityEvents.Read.All"), json=BODY)
    await assert_refused(api, request, 403, "SecurityEvents.ReadWrite.All")


@pytest.mark.parametrize("permission", ["Ledger.Import", "Ledger.Fleet.Read"])
async def test_a_permission_of_another_kind_does_not_read(api: Api, permission: str) -> None:
    token = api.token(permission)
    request = api.send("GET", "/v1.0/security/secureScores", token=token)
    await assert_refused(api, request, 403)


@pytest.mark.parametrize("changed", [{"roles": None}, {"roles": ()}])
async def test_a_token_with_neither_scp_nor_roles_is_forbidden(api: Api, changed: dict[str, object]) -> None:
    request = api.send("GET", "/v1.0/security/secureScores", token=forged(api, **changed))
    await assert_refused(api, request, 403, "scp or roles")


ROLES = {
    (): (403, 403),
    ("Security Reader",): (200, 403),
    ("Security Operator",): (200, 403),
    ("Global Reader",): (200, 403),
    ("Security Administrator",): (200, 204),
    ("Global Administrator",): (200, 204),
    ("Security Reader", "Security Administrator"): (200, 204),
    ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b",): (403, 403),
}


@pytest.mark.parametrize(("roles", "statuses"), ROLES.items(), ids=map(str, ROLES))
async def test_a_person_needs_a_role_to_read_and_a_higher_one_to_write(
    api: Api, roles: tuple[str, ...], statuses: tuple[int, int]
) -> None:
    api.add(control())
    token = api.token(upn="person@contoso.com", roles=roles)
    assert (await api.send("GET", CONTROL, token=token)).status_code == statuses[0]
    assert (await api.send("PATCH", CONTROL, token=token, json=BODY)).status_code == statuses[1]


async def test_a_person_without_a_role_is_told_which_roles_would_do(api: Api) -> None:
    token = api.token(upn="person@contoso.com")
    request = api.send("PATCH", CONTROL, token=token, json=BODY)
    await assert_refused(api, request, 403, "Security Administrator", "Global Administrator")


async def test_a_person_reads_with_scp_and_not_with_the_app_s_roles(api: Api) -> None:
    token = forged(api, scp="User.Read", wids=("194ae4cb-b126-40b2-bd5b-6091b380977d",))
    await assert_refused(api, api.send("GET", "/v1.0/security/secureScores", token=token), 403)


async def test_a_token_of_this_origin_is_good_for_its_own_tenant(api: Api) -> None:
    token = forged(api, aud=ORIGIN, iss=f"{ORIGIN}/{TENANT}/v2.0")
    assert (await api.send("GET", "/v1.0/security/secureScores", token=token)).status_code == 200
