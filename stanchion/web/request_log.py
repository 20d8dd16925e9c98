"""The log of requests: one line each, under the logger `stanchion.request`.

Where our own handler alone listens, a line goes to it without the detour of a log record, which would cost more
than answering many a request. A warning is written at once, so that it can be seen when its caller asks.
"""

import logging
import time
from typing import TypeAlias

from msgspec import UNSET, UnsetType

from stanchion import logs
from stanchion.errors import StanchionError
from stanchion.web.exchange import Reply, Request

logger = logging.getLogger("stanchion.request")

# Somebody was not let in, be it by an error or by an answer of the token endpoint: logged as a warning.
_REFUSED_ACCESS = frozenset({401, 403, 421, 429})
# From here on the reason lies with the server.
_SERVER_ERROR = 500
_OF_EVERY_LINE = frozenset(logs.Event.__struct_fields__)

# When (Unix time), what was asked, the status, whose it was, and how long the answer took and is.
_Facts: TypeAlias = tuple[float, str, bytes, int, logs.Trace, float, int]


class Answered(logs.Event, frozen=True):
    """How a request was answered."""

    request_id: str
    tenant: str | UnsetType
    app: str | UnsetType
    batch: str | UnsetType
    status: int
    duration_ms: float
    bytes: int


def log_request(request: Request, reply: Reply, *, seconds: float, refusal: StanchionError | None) -> None:
    """Log one request, answered after `seconds`."""
    status = reply.status
    warns = status in _REFUSED_ACCESS or status >= _SERVER_ERROR
    level = logging.WARNING if warns else logging.INFO
    if not logger.isEnabledFor(level):
        return
    # Not the reply itself: what waits to be written would keep its body.
    facts = (time.time(), request.method, request.path, status, request.trace, seconds, len(reply.body))
    handler = None if warns else logs.line_handler(logger)
    if handler is not None:
        handler.later(_answered, facts)
        return
    told = _answered(facts)
    # Why other requests failed is not said: those messages may repeat what stood in the body.
    why = reply.reason if refusal is None else refusal.message
    reason = f": {why}" if warns and why else ""
    added = {name: value for name, value in logs.fields_of(told).items() if name not in _OF_EVERY_LINE}
    logger.log(level, "%s%s", told.message, reason, extra=added)


def _answered(facts: _Facts) -> Answered:
    now, method, path, status, trace, seconds, size = facts
    return Answered(
        logs.stamp(now),
        "info",
        logger.name,
        f"{method} {path.decode('latin-1')} {status}",
        trace.request_id,
        trace.tenant_id or UNSET,
        trace.app_id or UNSET,
        trace.batch_id or UNSET,
        status,
        round(seconds * 10_000) / 10,
        size,
    )
