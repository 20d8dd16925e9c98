"""The two examples of "Update secureScoreControlProfile", of which there is a page in English and one in German."""

import httpx

from tests.conftest import Api
from tests.seeds.pages import DECISION, NON_OWNER_ACCESS, REVIEWED, prepare, without_time

PATHS = [
    "/v1.0/security/secureScoreControlProfiles/NonOwnerAccess",
    "/beta/security/secureScoreControlProfiles/NonOwnerAccess",
]


async def send_example(api: Api, path: str, token: str, *, prefer: str | None = None) -> httpx.Response:
    """Send the request of the examples, as printed, with or without its Prefer header."""
    headers = {"Content-type": "application/json"} | ({} if prefer is None else {"Prefer": prefer})
    return await api.send("PATCH", path, token=token, headers=headers, json=REVIEWED)


async def assert_first_example(api: Api, path: str) -> None:
    """Assert that without Prefer the answer is 204, and that the decision is there to read."""
    token = prepare(api)
    reply = await send_example(api, path, token)
    assert reply.status_code == 204
    assert reply.content == b""
    read = (await api.send("GET", path, token=token)).json()
    assert without_time(read) == {**NON_OWNER_ACCESS, "controlStateUpdates": [DECISION]}


async def assert_second_example(api: Api, path: str) -> None:
    """Assert that with Prefer the answer is 200 with the control as the page shows it."""
    token = prepare(api)
    reply = await send_example(api, path, token, prefer="return=representation")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("application/json")
    assert without_time(reply.json()) == {**NON_OWNER_ACCESS, "controlStateUpdates": [DECISION]}
    assert reply.json()["@odata.context"].endswith("#security/secureScoreControlProfiles/$entity")
