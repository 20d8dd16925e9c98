"""Denied access is one warning that says who, what, whence and why, and is counted by that reason."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from stanchion.access.attempts import FAILURES_PER_CLIENT
from stanchion.access.operator import AppWish, add_app, revoke_app
from stanchion.errors import Denial
from stanchion.logs import JsonFormatter
from stanchion.model.json_text import JsonObject
from stanchion.settings import Settings
from tests.conftest import MICROSOFT, OPERATOR, OTHER_TENANT, TENANT, Api, Serve, control, score
from tests.web.batching import batched, get
from tests.web.forging import forged

pytestmark = pytest.mark.anyio

CONTROL = "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess"
SCORES = "/v1.0/security/secureScores"
TOKEN_ENDPOINT = f"/{TENANT}/oauth2/v2.0/token"
DECISION = {"comment": "x", "vendorInformation": MICROSOFT}


class Denied(logging.Handler):
    """Keeps the lines of requests."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(msgspec.json.decode(JsonFormatter().format(record)))

    def only(self) -> dict[str, Any]:
        """Return the one line that is a warning."""
        (line,) = (line for line in self.lines if line["level"] == "warning")
        return line


@pytest.fixture
def denied() -> Iterator[Denied]:
    """What is logged of requests."""
    logger, kept = logging.getLogger("stanchion.request"), Denied()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(kept)
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(level)


TOKENS: dict[Denial, Callable[[Api], str]] = {
    "malformed_token": lambda _: "opaque",
    "wrong_signature": lambda api: api.token()[:-6] + "AAAAAA",
    "expired_token": lambda api: forged(api, iat=1_000, nbf=1_000, exp=2_000),
    "early_token": lambda api: forged(api, nbf=9_999_999_999),
    "wrong_audience": lambda api: forged(api, aud="https://graph.microsoft.com"),
    "untrusted_issuer": lambda api: forged(api, iss="https://issuer.example.com"),
    "unknown_app": lambda api: forged(api, appid="cccccccc-0000-4000-8000-000000000009"),
    "invalid_token": lambda api: forged(api, appid=5),
}


@pytest.mark.parametrize("reason", TOKENS)
async def test_a_refused_token_has_its_reason_in_a_word(api: Api, denied: Denied, reason: Denial) -> None:
    token = TOKENS[reason](api)
    assert (await api.send("GET", CONTROL, token=token)).status_code == 401
    line = denied.only()
    assert (line["reason"], line["kind"], line["address"]) == (reason, "entity", "127.0.0.1")
    assert all(part not in str(denied.lines) for part in token.split(".") if len(part) > 6)


async def test_no_token_is_a_reason_too(api: Api, denied: Denied) -> None:
    await api.client.get(SCORES)
    line = denied.only()
    assert (line["reason"], line["kind"], "tenant" in line) == ("no_token", "list", False)


async def test_of_a_true_token_that_ended_the_line_names_the_app(api: Api, denied: Denied) -> None:
    added = add_app(api.store, AppWish(TENANT, "an app"), actor=OPERATOR)
    form = {"grant_type": "client_credentials", "client_id": added.app.client_id, "scope": "x/.default"}
    fetched = await api.client.post(TOKEN_ENDPOINT, data={**form, "client_secret": added.secret})
    revoke_app(api.store, added.app.client_id, actor=OPERATOR)
    expired = forged(api, iat=1_000, nbf=1_000, exp=2_000, appid=added.app.client_id)
    for token in (fetched.json()["access_token"], expired):
        denied.lines.clear()
        while (await api.send("GET", CONTROL, token=token)).status_code != 401:
            denied.lines.clear()
        line = denied.only()
        assert (line["tenant"], line["app"]) == (TENANT, added.app.client_id)


async def test_a_missing_permission_and_a_missing_role_are_told_apart(api: Api, denied: Denied) -> None:
    api.add(control())
    await api.send("PATCH", CONTROL, token=api.token("SecurityEvents.Read.All"), json=DECISION)
    reader = api.token(upn="ada@example.com", roles=("Security Reader",))
    await api.send("PATCH", CONTROL, token=reader, json=DECISION)
    first, second = (line for line in denied.lines if line["level"] == "warning")
    assert (first["reason"], "person" in first) == ("missing_permission", False)
    assert (second["reason"], second["person"]) == ("missing_role", "ada@example.com")
    assert {"tenant", "app", "request_id", "address", "kind"} <= set(first) & set(second)


async def test_what_is_hidden_is_told_to_operators_alone(api: Api, denied: Denied) -> None:
    api.add(control())
    limited = api.token(provider="prowler")
    for method, path in (("GET", CONTROL), ("GET", f"{CONTROL}/title"), ("PATCH", CONTROL)):
        denied.lines.clear()
        reply = await api.send(method, path, token=limited, json=DECISION if method == "PATCH" else None)
        assert reply.status_code == 404
        assert denied.only()["reason"] == "other_provider"
        assert "provider" not in reply.json()["error"]["message"]


async def test_an_id_that_names_another_tenant_is_noticed(api: Api, denied: Denied) -> None:
    theirs = f"{SCORES}/{OTHER_TENANT}_2026-01-31"
    for method, path in (
        ("GET", theirs),
        ("GET", theirs.upper().replace("/V1.0", "/v1.0")),
        ("DELETE", theirs),
    ):
        denied.lines.clear()
        assert (await api.send(method, path)).status_code == 404
        assert denied.only()["reason"] == "other_tenant"
    denied.lines.clear()
    assert (await api.send("POST", SCORES, json=score(azureTenantId=OTHER_TENANT))).status_code == 400
    assert denied.only()["reason"] == "other_tenant"


async def test_what_is_simply_not_there_is_no_denial(api: Api, denied: Denied) -> None:
    for path in (f"{SCORES}/{TENANT}_2026-01-31", f"{SCORES}/a_b", CONTROL):
        assert (await api.send("GET", path)).status_code == 404
    assert {line["level"] for line in denied.lines} == {"info"}


async def test_a_refused_client_is_named_and_so_is_its_address(api: Api, denied: Denied) -> None:
    added = add_app(api.store, AppWish(TENANT, "an app"), actor=OPERATOR)
    form = {"grant_type": "client_credentials", "client_id": added.app.client_id, "scope": "x/.default"}
    await api.client.post(TOKEN_ENDPOINT, data={**form, "client_secret": "wrong"})
    line = denied.only()
    assert (line["reason"], line["kind"]) == ("wrong_credentials", "token")
    assert (line["tenant"], line["app"], line["address"]) == (TENANT, added.app.client_id, "127.0.0.1")
    revoke_app(api.store, added.app.client_id, actor=OPERATOR)
    denied.lines.clear()
    while (await api.client.post(TOKEN_ENDPOINT, data={**form, "client_secret": added.secret})).is_success:
        denied.lines.clear()
    assert denied.only()["reason"] == "revoked_app"


async def test_who_fails_too_often_and_who_asks_too_often_is_denied(serve: Serve, denied: Denied) -> None:
    async with serve(Settings(throttle="graph")) as api:
        form = {
            "grant_type": "client_credentials",
            "client_id": TENANT,
            "client_secret": "x",
            "scope": "x/.default",
        }
        for _ in range(FAILURES_PER_CLIENT + 1):
            await api.client.post(TOKEN_ENDPOINT, data=form)
        assert denied.lines[-1]["reason"] == "too_many_failures"
        for _ in range(151):
            await api.send("GET", SCORES)
        assert denied.lines[-1]["reason"] == "too_many_requests"


async def test_the_address_is_that_behind_a_trusted_proxy(serve: Serve, denied: Denied) -> None:
    async with serve(Settings(trusted_proxy=("127.0.0.1",))) as api:
        await api.client.get(SCORES, headers={"X-Forwarded-For": "192.0.2.7"})
        assert denied.only()["address"] == "192.0.2.7"


async def test_each_of_a_batch_is_a_line_of_its_own(api: Api, denied: Denied) -> None:
    read_only = api.token("SecurityEvents.Read.All")
    delete: JsonObject = {"id": 2, "method": "DELETE", "url": "/security/secureScores/a"}
    await batched(api, get(1, "/security/secureScores"), delete, token=read_only)
    line = denied.only()
    assert (line["reason"], line["kind"], "batch" in line) == ("missing_permission", "entity", True)
