"""What msgraph-sdk does when the tokens of its app are revoked: it fetches another one and repeats, once."""

import json
import re
import time

import anyio
import httpx
import pytest

from stanchion.access.operator import AppWish, add_app, revoke_app, revoke_tokens
from tests.clients.connecting import Connect
from tests.clients.sdk import ClientAuthenticationError
from tests.serving.place import OPERATOR, TENANT, Place
from tests.serving.process import PATIENCE_SECONDS, Server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    # Most of the SDK is imported when it is first used, and warns of its own parts then.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
# Whether a token still stands is read again within a second.
SEEN_SECONDS = 1.2
_ASKED = re.compile(r"[A-Z]+ \S*/(?P<segment>\S+) (?P<status>\d{3})")
# What `written` asks.
_OURS = ("secureScores", 401)


def asked_since(server: Server, before: int, *, number: int) -> list[tuple[str, int]]:
    """Return what was asked since the log had `before` lines: the last segment, and how it was answered.

    A line may be written a while after its answer: waits until there are `number` of them, and returns any more.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while len(_asked(server, before)) < number and time.monotonic() < end:
        time.sleep(0.02)
    written(server)
    return _asked(server, before)


def written(server: Server) -> int:
    """Let the server write what waits to be written; return how many lines there are."""
    with server.client() as client:
        # What is refused is written at once, after all that waits.
        assert client.get("/v1.0/security/secureScores").status_code == httpx.codes.UNAUTHORIZED
    return len(server.log.splitlines())


def _asked(server: Server, before: int) -> list[tuple[str, int]]:
    lines = [json.loads(line)["message"] for line in server.log.splitlines()[before:]]
    asked = [_ASKED.match(line) for line in lines]
    found = [(each["segment"], int(each["status"])) for each in asked if each is not None]
    return [each for each in found if each != _OURS]


async def test_it_fetches_another_token_and_repeats_the_request_once(
    connect: Connect, secured: Server, shared_place: Place
) -> None:
    graph = connect(shared_place.client_id, shared_place.secret)
    assert await graph.security.secure_scores.count.get() == 12
    with shared_place.opened() as store:
        revoke_tokens(store, shared_place.client_id, actor=OPERATOR)
    await anyio.sleep(SEEN_SECONDS)

    before = written(secured)
    assert await graph.security.secure_scores.count.get() == 12
    expected = [("$count", 401), ("token", 200), ("$count", 200)]
    assert asked_since(secured, before, number=3) == expected
    assert await graph.security.secure_scores.count.get() == 12
    assert asked_since(secured, before, number=4) == [*expected, ("$count", 200)]


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
