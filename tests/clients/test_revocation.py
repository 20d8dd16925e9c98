"""What msgraph-sdk does when the tokens of its app are revoked: it fetches another one and repeats, once."""

import json
import re

import anyio
import httpx
import pytest

from stanchion.access.operator import AppWish, add_app, revoke_app, revoke_tokens
from tests.clients.connecting import Connect
from tests.clients.sdk import ClientAuthenticationError
from tests.serving.place import OPERATOR, TENANT, Place
from tests.serving.process import Server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    # Most of the SDK is imported when it is first used, and warns of its own parts then.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
# Whether a token still stands is read again within a second.
SEEN_SECONDS = 1.2
_ASKED = re.compile(r"[A-Z]+ \S*/(?P<segment>\S+) (?P<status>\d{3})")


async def asked_since(server: Server, before: int) -> list[tuple[str, int]]:
    """Return what was asked since the log had `before` lines: the last segment, and how it was answered."""
    # A line waits a moment to be written along with others.
    await anyio.sleep(0.2)
    lines = [json.loads(line)["message"] for line in server.log.splitlines()[before:]]
    asked = [_ASKED.match(line) for line in lines]
    return [(found["segment"], int(found["status"])) for found in asked if found is not None]


async def test_it_fetches_another_token_and_repeats_the_request_once(
    connect: Connect, secured: Server, shared_place: Place
) -> None:
    graph = connect(shared_place.client_id, shared_place.secret)
    assert await graph.security.secure_scores.count.get() == 12
    with shared_place.opened() as store:
        revoke_tokens(store, shared_place.client_id, actor=OPERATOR)
    await anyio.sleep(SEEN_SECONDS)

    before = len(secured.log.splitlines())
    assert await graph.security.secure_scores.count.get() == 12
    assert await asked_since(secured, before) == [("$count", 401), ("token", 200), ("$count", 200)]
    assert await graph.security.secure_scores.count.get() == 12
    assert (await asked_since(secured, before))[3:] == [("$count", 200)]


async def test_the_refusal_of_a_revoked_app_reaches_its_user(connect: Connect, shared_place: Place) -> None:
    with shared_place.opened() as store:
        app = add_app(store, AppWish(TENANT, "leaves"), actor=OPERATOR)
        leaving = connect(app.app.client_id, app.secret)
        assert await leaving.security.secure_scores.count.get() == 12
        revoke_app(store, app.app.client_id, actor=OPERATOR)
    await anyio.sleep(SEEN_SECONDS)

    with pytest.raises(ClientAuthenticationError, match="AADSTS7000112"):
        await leaving.security.secure_scores.get()


async def test_a_client_without_the_capability_gets_no_claims(secured: Server, shared_place: Place) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": shared_place.client_id,
        "client_secret": shared_place.secret,
        "resource": "https://graph.microsoft.com",
    }
    with secured.client() as client:
        answer = client.post(f"/{TENANT}/oauth2/token?api-version=1.0", data=form).json()
        with shared_place.opened() as store:
            revoke_tokens(store, shared_place.client_id, actor=OPERATOR)
        await anyio.sleep(SEEN_SECONDS)
        refused = client.get(
            "/v1.0/security/secureScores", headers={"Authorization": f"Bearer {answer['access_token']}"}
        )
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    assert "claims" not in refused.headers["WWW-Authenticate"]
