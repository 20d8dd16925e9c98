"""What every refusal looks like: Graph's envelope, words that name the fault, and nothing written."""

import re
from collections.abc import Awaitable

import httpx

from tests.conftest import Api

CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "Forbidden",
    404: "ResourceNotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    414: "UriTooLong",
    415: "UnsupportedMediaType",
    421: "MisdirectedRequest",
    431: "RequestHeaderFieldsTooLarge",
    501: "NotImplemented",
}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UTC_WITHOUT_Z = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def assert_envelope(reply: httpx.Response, status: int, *named: str, code: str | None = None) -> None:
    """Assert that a reply is an error in Graph's envelope, whose message names each of the words."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    assert list(reply.json()) == ["error"]
    error = reply.json()["error"]
    assert {"code", "message", "innerError"} <= set(error) <= {"code", "message", "target", "innerError"}
    assert error["code"] == (code or CODES[status])
    for word in named:
        assert word in error["message"]
    assert "Traceback" not in reply.text
    inner = error["innerError"]
    assert set(inner) == {"date", "request-id", "client-request-id"}
    assert _UTC_WITHOUT_Z.fullmatch(inner["date"])
    assert _GUID.fullmatch(inner["request-id"])
    assert inner["request-id"] == reply.headers["request-id"]
    assert inner["client-request-id"] == reply.headers["client-request-id"]


async def assert_refused(
    api: Api, request: Awaitable[httpx.Response], status: int, *named: str, code: str | None = None
) -> httpx.Response:
    """Assert that a request is refused as it should be, and that nothing was written."""
    before = await api.sequence()
    reply = await request
    assert_envelope(reply, status, *named, code=code)
    assert await api.sequence() == before
    return reply
