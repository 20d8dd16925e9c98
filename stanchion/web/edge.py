"""The edge: what holds for every request, whatever it asks.

It gives the request its id, checks that it came for an origin of ours and within the limits, hands it on, turns
errors into Graph's envelope, adds the headers that every reply has, and logs one line. Nothing below it catches
an error of its own, nothing above it sees one.
"""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from starlette.types import Message, Receive, Scope, Send

from stanchion.access.origin import Origins
from stanchion.errors import StanchionError
from stanchion.logs import Trace, flush_logs
from stanchion.logs import trace as logged_trace
from stanchion.odata.resources import EntityResource
from stanchion.settings import Settings
from stanchion.web.answering import check_size, client_request_id_of, refused, told
from stanchion.web.arrival import AskedOrigins, check_framing
from stanchion.web.compression import MIN_BYTES, NOT_MODIFIED, compress
from stanchion.web.connections import UnderWay
from stanchion.web.cors import Cors
from stanchion.web.exchange import Reply, Request
from stanchion.web.familiar import Familiar, FamiliarReads
from stanchion.web.missed_signals import see_missed_signals
from stanchion.web.outgoing import Outgoing
from stanchion.web.request_ids import request_ids
from stanchion.web.request_log import RequestLog
from stanchion.web.streaming import Stream
from stanchion.web.trace_context import caller_span

# HTTP/1.0, as ASGI spells it and as our server does.
_ENDING_WITH_CONNECTION = frozenset({"1.0", "1"})


class Handler(Protocol):
    """Answers a request whose origin is known; raises a StanchionError to refuse."""

    def __call__(self, request: Request, origin: str) -> Awaitable[Reply]:
        """Answer."""


class Edge:
    """The ASGI application: `operations` answers what needs no origin, `handler` everything else.

    What `reads` knows from before takes a shorter way.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        operations: Callable[[Request], Reply | None],
        origins: Origins,
        settings: Settings,
        log: RequestLog,
        reads: FamiliarReads | None = None,
        on_start: Callable[[], Awaitable[None]] | None = None,
        on_stop: Callable[[], Awaitable[None]],
    ) -> None:
        self._handler = handler
        self._operations = operations
        self._origins = AskedOrigins(origins)
        self._request_ids = request_ids()
        self._settings = settings
        self._cors = Cors(settings.cors_origin) if settings.cors_origin else None
        self._log = log
        self.reads = reads
        self._on_start = on_start
        self._on_stop = on_stop
        self._outgoing = Outgoing(timeout_seconds=settings.request_timeout_seconds)
        self.under_way = UnderWay()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            return self._serve(scope, receive, send)
        return self._live(receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        trace = Trace(next(self._request_ids))
        logged_trace.set(trace)
        known = None if self.reads is None else self.reads.recognised(scope, receive, trace=trace)
        request, familiar = known or (Request.of(scope, receive, trace=trace), None)
        if "traceparent" in request.headers:
            trace.sent_in = caller_span(request.headers["traceparent"])
        client = scope.get("client")
        port = client[1] if client else 0
        self.under_way.begin(port)
        try:
            # Whose answer ends where the connection does cannot tell a whole one from one that broke off.
            in_parts = scope.get("http_version") not in _ENDING_WITH_CONNECTION
            answer = await self._answer(request, familiar, began=began, in_parts=in_parts)
            if isinstance(answer, tuple):
                if familiar is None and self.reads is not None and trace.kind == EntityResource.kind:
                    self.reads.learn(scope, request, answer[0], origin=self._origins.origin(request))
                await self._outgoing.send(answer, send)
            else:
                await answer.send(self._outgoing, receive, send)
        finally:
            self.under_way.end(port)

    async def _answer(
        self, request: Request, familiar: Familiar | None, *, began: float, in_parts: bool
    ) -> tuple[Message, Message] | Stream:
        client_request_id = client_request_id_of(request)
        origin: str | None = None
        refusal: StanchionError | None = None
        try:
            reply: Reply | None = None
            if familiar is not None and self.reads is not None:
                known = await self.reads.reply(request, familiar)
                if isinstance(known, Reply):
                    reply = known
                else:
                    request = known
            if reply is None:
                check_framing(request)
                reply = self._operations(request)
            if reply is None:
                check_size(request, self._settings)
                origin = self._origins.origin(request)
                reply = self._cors.preflight(request) if self._cors is not None else None
                reply = reply or await self._handler(request, origin)
                if reply.rest is not None and not in_parts and request.method != "HEAD":
                    await reply.whole()
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
            or reply.rest is not None
        ):
            await compress(request, reply)
        seconds = time.perf_counter() - began
        if reply.rest is not None and request.method != "HEAD":
            return Stream(reply, reply.rest, log=partial(self._log.add, request, reply, seconds=seconds))
        self._log.add(request, reply, seconds=seconds, refusal=refusal)
        return reply.messages(without_body=request.method == "HEAD")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        if self._on_start is not None:
            await self._on_start()
        await send({"type": "lifespan.startup.complete"})
        await see_missed_signals()
        await receive()
        await self._on_stop()
        flush_logs()
        await send({"type": "lifespan.shutdown.complete"})
