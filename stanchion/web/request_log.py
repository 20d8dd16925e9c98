"""The log of requests: one line each, under the logger `stanchion.request`; and each is counted.

Where our own handler alone listens, a line goes to it without the detour of a log record, which would cost more
than answering many a request. A warning is written at once, so that it can be seen when its caller asks.

Who was denied access is a warning that says who asked for what, from where, and why in a word, which is counted
too. Never the token.
"""

import logging
import time
from collections.abc import Callable

from msgspec import UNSET, UnsetType

from stanchion import logs
from stanchion.errors import Denial, StanchionError, Unauthenticated
from stanchion.web.exchange import Reply, Request
from stanchion.web.metrics import RequestFacts, Tally

logger = logging.getLogger("stanchion.request")

# From here on the reason lies with the server.
_SERVER_ERROR = 500
# A method that is longer is refused, and is none.
_SHOWN_METHOD = 32
_OF_EVERY_LINE = frozenset(logs.Event.__struct_fields__)
_UNSENT = (UNSET, UNSET, UNSET)


class Answered(logs.Event, frozen=True):
    """How a request was answered."""

    request_id: str
    tenant: str | UnsetType
    app: str | UnsetType
    batch: str | UnsetType
    trace_id: str | UnsetType
    span_id: str | UnsetType
    trace_flags: str | UnsetType
    status: int
    duration_ms: float
    bytes: int


class RequestLog:
    """Logs and counts requests; `client_address` tells from where one came."""

    def __init__(self, tally: Tally, *, client_address: Callable[[Request], str]) -> None:
        self._tally = tally
        self._count = tally.request
        self._client_address = client_address

    def add(
        self,
        request: Request,
        reply: Reply,
        *,
        seconds: float,
        refusal: StanchionError | None = None,
        size: int | None = None,
    ) -> None:
        """Log and count one request, answered after `seconds`; `size` is what was sent of more than a body."""
        status, trace = reply.status, request.trace
        # Not the reply itself: what waits to be written and counted would keep its body.
        size = len(reply.body) if size is None else size
        facts = (time.time(), request.method, request.path, status, trace, seconds, size)
        self._count(facts)
        denial = reply.denial if refusal is None else refusal.denial
        if denial is None and status < _SERVER_ERROR:
            if logger.isEnabledFor(logging.INFO):
                handler = logs.line_handler(logger)
                if handler is not None:
                    handler.later(_answered, facts)
                else:
                    _log(logging.INFO, facts)
            return
        if denial is not None:
            self._tally.denial(denial)
        if isinstance(refusal, Unauthenticated) and refusal.tenant_id:
            trace.tenant_id, trace.app_id = refusal.tenant_id, refusal.app_id
        # Why other requests failed is not said: those messages may repeat what stood in the body.
        why = reply.reason if refusal is None else refusal.message
        _log(logging.WARNING, facts, why=why, **({} if denial is None else self._denied(request, denial)))

    def _denied(self, request: Request, denial: Denial) -> dict[str, object]:
        """Return what the line of a denied request tells besides."""
        return {
            "reason": denial,
            "kind": request.trace.kind,
            "person": request.trace.person,
            "address": self._client_address(request),
        }


def _log(level: int, facts: RequestFacts, *, why: str = "", **further: object) -> None:
    told = _answered(facts)
    added = {name: value for name, value in logs.fields_of(told).items() if name not in _OF_EVERY_LINE}
    reason = f": {why}" if why else ""
    logger.log(level, "%s%s", told.message, reason, extra=added | further)


def _answered(facts: RequestFacts) -> Answered:
    now, method, path, status, trace, seconds, size = facts
    span = trace.sent_in
    trace_id, span_id, trace_flags = (
        _UNSENT if span is None else (span.trace_id, span.span_id, span.trace_flags)
    )
    return Answered(
        logs.stamp(now),
        "info",
        logger.name,
        f"{method[:_SHOWN_METHOD]} {path.decode('ascii', 'backslashreplace')} {status}",
        trace.request_id,
        trace.tenant_id or UNSET,
        trace.app_id or UNSET,
        trace.batch_id or UNSET,
        trace_id,
        span_id,
        trace_flags,
        status,
        round(seconds * 10_000) / 10,
        size,
    )
