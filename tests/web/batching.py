"""What the tests of `$batch` send, and read of its answers."""

from typing import Any

import httpx

from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import MICROSOFT, Api

BATCH = "/v1.0/$batch"
CONTROLS = "/security/secureScoreControlProfiles"
SCORES = "/security/secureScores"
DECISION: JsonObject = {"comment": "a comment", "vendorInformation": MICROSOFT}


def get(id: JsonValue, url: str, **more: JsonValue) -> JsonObject:
    """Return a GET of a batch."""
    return {"id": id, "method": "GET", "url": url, **more}


def patch(id: JsonValue, control: str, **more: JsonValue) -> JsonObject:
    """Return a decision about a control, as a request of a batch."""
    headers: JsonObject = {"Content-Type": "application/json"}
    url = f"{CONTROLS}/{control}"
    return {"id": id, "method": "PATCH", "url": url, "headers": headers, "body": DECISION, **more}


async def batched(
    api: Api, *requests: JsonObject, path: str = BATCH, token: str | None = None, **headers: str
) -> list[dict[str, Any]]:
    """Return the answers of a batch that is carried out."""
    reply = await sent(api, *requests, path=path, token=token, **headers)
    assert reply.status_code == 200, reply.text
    responses: list[dict[str, Any]] = reply.json()["responses"]
    return responses


async def sent(
    api: Api, *requests: JsonObject, path: str = BATCH, token: str | None = None, **headers: str
) -> httpx.Response:
    """Return the reply to a batch."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.send("POST", path, json={"requests": list(requests)}, token=token, headers=named)


def statuses(responses: list[dict[str, Any]]) -> list[int]:
    """Return the statuses in their order."""
    return [response["status"] for response in responses]
