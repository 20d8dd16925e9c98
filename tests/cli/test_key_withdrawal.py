"""`stanchion key rotate --withdraw` beside a server: former keys count no more, and the new one does."""

import asyncio
from typing import Any

import pytest
from joserfc.jws import extract_compact

from stanchion.access.directory import MAX_AGE_SECONDS
from tests.cli.invoking import invoke, printed
from tests.conftest import TENANT, Api

pytestmark = pytest.mark.anyio

PATH = "/v1.0/security/secureScores"


@pytest.fixture
async def used(api: Api) -> Api:
    """A server in process that has just taken a token of its first key."""
    assert await status(api, api.token()) == 200
    return api


async def status(api: Api, token: str) -> int:
    """Return how a request with a token is answered."""
    return (await api.send("GET", PATH, token=token)).status_code


async def run(api: Api, *arguments: object) -> Any:  # noqa: ANN401 (JSON is of any form)
    """Run a command on the server's store and return what it printed as JSON."""
    return printed(await asyncio.to_thread(invoke, *arguments, "--json", *api.database.options))


async def asked_for(api: Api, app: dict[str, str]) -> str:
    """Return a token that an app got of the server by its secret."""
    form = {
        "grant_type": "client_credentials",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "scope": "https://graph.microsoft.com/.default",
    }
    answer = await api.client.post(f"/{TENANT}/oauth2/v2.0/token", data=form)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


async def published(api: Api) -> set[str]:
    """Return the ids of the keys that the server shows."""
    answer = await api.client.get(f"/{TENANT}/discovery/v2.0/keys")
    return {key["kid"] for key in answer.json()["keys"]}


async def test_a_server_refuses_tokens_of_a_withdrawn_key_within_a_second(used: Api) -> None:
    old = await published(used)
    rotated = await run(used, "key", "rotate", "--withdraw")
    await asyncio.sleep(MAX_AGE_SECONDS)
    refused = await used.send("GET", PATH)

    assert rotated["withdrawn"] == list(old)
    assert "retired" not in rotated
    assert refused.status_code == 401
    assert "unknown or retired" in refused.json()["error"]["message"]
    assert await published(used) == {rotated["key"]}


async def test_without_the_word_tokens_of_the_old_key_stay_good(used: Api) -> None:
    old = await published(used)
    rotated = await run(used, "key", "rotate")
    await asyncio.sleep(MAX_AGE_SECONDS)

    assert await status(used, used.token()) == 200
    assert await published(used) == old | {rotated["key"]}


async def test_a_key_that_was_only_rotated_out_is_withdrawn_later(used: Api) -> None:
    (old,) = await published(used)
    rotated = await run(used, "key", "rotate")
    withdrawn = await run(used, "key", "rotate", "--withdraw")
    await asyncio.sleep(MAX_AGE_SECONDS)

    assert set(withdrawn["withdrawn"]) == {old, rotated["key"]}
    assert await status(used, used.token()) == 401


async def test_the_server_signs_with_the_new_key_within_a_second(used: Api) -> None:
    app = await run(used, "app", "add", "--tenant", TENANT, "--name", "later")
    before = await asked_for(used, app)
    rotated = await run(used, "key", "rotate", "--withdraw")
    await asyncio.sleep(MAX_AGE_SECONDS)
    after = await asked_for(used, app)

    assert rotated["key"] == extract_compact(after.encode()).headers()["kid"]
    assert (await status(used, before), await status(used, after)) == (401, 200)
