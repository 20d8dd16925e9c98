"""The edge: what holds for every request, whatever it asks.

It gives the request its id, checks that it came for an origin of ours and within the limits, hands it on, turns
errors into Graph's envelope, adds the headers that every reply has, and logs one line. Nothing below it catches
an error of its own, nothing above it sees one.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.types import Receive, Scope, Send

from stanchion.access.origin import Origins
from stanchion.errors import StanchionError
from stanchion.logs import Trace, flush_logs
from stanchion.logs import trace as logged_trace
from stanchion.settings import Settings
from stanchion.web.answering import check_size, client_request_id_of, refused, told
from stanchion.web.arrival import AskedOrigins
from stanchion.web.compression import MIN_BYTES, NOT_MODIFIED, compress
from stanchion.web.cors import Cors
from stanchion.web.exchange import Reply, Request
from stanchion.web.request_ids import request_ids
from stanchion.web.request_log import log_request


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
        client_request_id = client_request_id_of(request)
        origin: str | None = None
        refusal: StanchionError | None = None
        try:
            reply = self._operations(request)
            if reply is None:
                check_size(request, self._settings)
                origin = self._origins.origin(request)
                reply = self._cors.preflight(request) if self._cors is not None else None
                reply = reply or await self._handler(request, origin)
        except Exception as error:  # noqa: BLE001 (every request has an answer, whatever becomes of it)
            refusal = told(error)
            reply = refused(refusal, request, client_request_id=client_request_id, origin=origin)
        reply.headers["request-id"] = request.trace.request_id
        reply.headers["client-request-id"] = client_request_id
        if self._cors is not None:
            self._cors.add_headers(request, reply)
        # Most bodies are short, and stay as they are for whoever gives no weights.
        if (
            len(reply.body) >= MIN_BYTES
            or reply.status == NOT_MODIFIED
            or ";" in request.headers.get("accept-encoding", "")
        ):
            await compress(request, reply)
        log_request(request, reply, seconds=time.perf_counter() - began, refusal=refusal)
        start, body = reply.messages(without_body=request.method == "HEAD")
        await send(start)
        await send(body)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._on_stop()
        flush_logs()
        await send({"type": "lifespan.shutdown.complete"})
