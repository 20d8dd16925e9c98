"""The edge: what holds for every request, whatever it asks.

It gives the request its id, checks that it came for an origin of ours and within the limits, hands it on, turns
errors into Graph's envelope, adds the headers that every reply has, and logs one line. Nothing below it catches
an error of its own, nothing above it sees one.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from starlette.types import Receive, Scope, Send

from stanchion.access.origin import Origins
from stanchion.errors import BadRequest, HeadersTooLarge, OperatorError, StanchionError, UriTooLong
from stanchion.logs import request_id as logged_request_id
from stanchion.logs import tenant_id as logged_tenant_id
from stanchion.settings import Settings
from stanchion.web.arrival import arrival
from stanchion.web.envelope import error_reply
from stanchion.web.exchange import Reply, Request

logger = logging.getLogger("stanchion.request")

# A GUID has 36 characters; nobody needs more than a few of them to find a request again.
MAX_CLIENT_REQUEST_ID = 128
# Somebody was not let in, be it by an error or by an answer of the token endpoint: logged as a warning.
_REFUSED_ACCESS = frozenset({401, 403, 421, 429})
# From here on the reason lies with the server.
_SERVER_ERROR = 500


class Handler(Protocol):
    """Answers a request whose origin is known; raises a StanchionError to refuse."""

    async def __call__(self, request: Request, origin: str) -> Reply:
        """Answer."""


class Edge:
    """The ASGI application: `operations` answers what needs no origin, `handler` everything else."""

    def __init__(
        self,
        handler: Handler,
        *,
        operations: Callable[[Request], Reply | None],
        origins: Origins,
        settings: Settings,
        on_stop: Callable[[], Awaitable[None]],
    ) -> None:
        self._handler = handler
        self._operations = operations
        self._origins = origins
        self._settings = settings
        self._on_stop = on_stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(Request.of(scope, receive), send)

    async def _serve(self, request: Request, send: Send) -> None:
        began = time.perf_counter()
        logged_request_id.set(request.request_id)
        logged_tenant_id.set("")
        client_request_id = _client_request_id(request)
        origin: str | None = None
        refusal: StanchionError | None = None
        try:
            reply = self._operations(request)
            if reply is None:
                self._check_size(request)
                origin = self._origins.origin(arrival(request))
                reply = await self._handler(request, origin)
        except Exception as error:
            refusal = _told(error)
            if refusal is not error:
                logger.exception("The request failed for a fault of our own.")
            reply = _refused(refusal, request, client_request_id, origin)
        reply.headers["request-id"] = request.request_id
        reply.headers["client-request-id"] = client_request_id
        _log(request, reply, began, refusal)
        await reply.send(send, without_body=request.method == "HEAD")

    def _check_size(self, request: Request) -> None:
        if len(request.path) + len(request.query) > self._settings.max_url_bytes:
            raise UriTooLong(f"The path and query are longer than {self._settings.max_url_bytes:,} bytes.")
        size = sum(len(name) + len(value) for name, value in request.headers.items())
        if size > self._settings.max_header_bytes:
            raise HeadersTooLarge(f"The headers are larger than {self._settings.max_header_bytes:,} bytes.")
        if not request.headers.get("host"):
            raise BadRequest("The Host header is missing.", target="Host")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._on_stop()
        await send({"type": "lifespan.shutdown.complete"})


def _told(error: Exception) -> StanchionError:
    """Return what the caller is told of an error: a refusal itself, of a fault of our own only that there is one."""
    # What is told to operators may name files and settings.
    if isinstance(error, StanchionError) and not isinstance(error, OperatorError):
        return error
    return StanchionError("The server failed to answer; its log has the cause under this request id.")


def _refused(error: StanchionError, request: Request, client_request_id: str, origin: str | None) -> Reply:
    return error_reply(
        error,
        request_id=request.request_id,
        client_request_id=client_request_id,
        now=datetime.now(UTC),
        origin=origin,
    )


def _client_request_id(request: Request) -> str:
    sent = request.headers.get("client-request-id", "")
    usable = 0 < len(sent) <= MAX_CLIENT_REQUEST_ID and sent.isascii() and sent.isprintable()
    return sent if usable else request.request_id


def _log(request: Request, reply: Reply, began: float, refusal: StanchionError | None) -> None:
    warns = reply.status in _REFUSED_ACCESS or reply.status >= _SERVER_ERROR
    level = logging.WARNING if warns else logging.INFO
    if logger.isEnabledFor(level):
        # Why other requests failed is not said: those messages may repeat what stood in the body.
        reason = f": {refusal.message}" if warns and refusal is not None else ""
        logger.log(
            level,
            "%s %s %d%s",
            request.method,
            request.path.decode("latin-1"),
            reply.status,
            reason,
            extra={
                "status": reply.status,
                "duration_ms": round((time.perf_counter() - began) * 1000, 1),
                "bytes": len(reply.body),
            },
        )
