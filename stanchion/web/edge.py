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
from stanchion.logs import Trace, flush_logs
from stanchion.logs import trace as logged_trace
from stanchion.settings import Settings
from stanchion.web.arrival import AskedOrigins
from stanchion.web.cors import Cors
from stanchion.web.envelope import error_reply
from stanchion.web.exchange import Reply, Request
from stanchion.web.request_ids import request_ids
from stanchion.web.request_log import log_request

logger = logging.getLogger("stanchion.request")

# A GUID has 36 characters; nobody needs more than a few of them to find a request again.
MAX_CLIENT_REQUEST_ID = 128


class Handler(Protocol):
    """Answers a request whose origin is known; raises a StanchionError to refuse."""

    def __call__(self, request: Request, origin: str) -> Awaitable[Reply]:
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
        self._origins = AskedOrigins(origins)
        self._request_ids = request_ids()
        self._settings = settings
        self._cors = Cors(settings.cors_origin) if settings.cors_origin else None
        self._on_stop = on_stop

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            return self._serve(scope, receive, send)
        return self._live(receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        trace = Trace(next(self._request_ids))
        logged_trace.set(trace)
        request = Request.of(scope, receive, trace=trace)
        client_request_id = _client_request_id(request)
        origin: str | None = None
        refusal: StanchionError | None = None
        try:
            reply = self._operations(request)
            if reply is None:
                self._check_size(request)
                origin = self._origins.origin(request)
                reply = self._cors.preflight(request) if self._cors is not None else None
                reply = reply or await self._handler(request, origin)
        except Exception as error:
            refusal = _told(error)
            if refusal is not error:
                logger.exception("The request failed for a fault of our own.")
            reply = _refused(refusal, request, client_request_id, origin)
        reply.headers["request-id"] = request.trace.request_id
        reply.headers["client-request-id"] = client_request_id
        if self._cors is not None:
            self._cors.add_headers(request, reply)
        log_request(request, reply, seconds=time.perf_counter() - began, refusal=refusal)
        start, body = reply.messages(without_body=request.method == "HEAD")
        await send(start)
        await send(body)

    def _check_size(self, request: Request) -> None:
        if len(request.path) + len(request.query) > self._settings.max_url_bytes:
            raise UriTooLong(f"The path and query are longer than {self._settings.max_url_bytes:,} bytes.")
        size = len("".join(request.headers)) + len("".join(request.headers.values()))
        if size > self._settings.max_header_bytes:
            raise HeadersTooLarge(f"The headers are larger than {self._settings.max_header_bytes:,} bytes.")
        if not request.headers.get("host"):
            raise BadRequest("The Host header is missing.", target="Host")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._on_stop()
        flush_logs()
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
        request_id=request.trace.request_id,
        client_request_id=client_request_id,
        now=datetime.now(UTC),
        origin=origin,
    )


def _client_request_id(request: Request) -> str:
    sent = request.headers.get("client-request-id", "")
    usable = 0 < len(sent) <= MAX_CLIENT_REQUEST_ID and sent.isascii() and sent.isprintable()
    return sent if usable else request.trace.request_id
