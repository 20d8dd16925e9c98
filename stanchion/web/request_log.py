"""The log of requests: one line each, under the logger `stanchion.request`.

Where our own handler alone listens, a line goes to it without the detour of a log record, which would cost more
than answering many a request. A warning is written at once, so that it can be seen when its caller asks.
"""

import logging
import time
from functools import partial

from stanchion import logs
from stanchion.errors import StanchionError
from stanchion.web.exchange import Reply, Request

logger = logging.getLogger("stanchion.request")

# Somebody was not let in, be it by an error or by an answer of the token endpoint: logged as a warning.
_REFUSED_ACCESS = frozenset({401, 403, 421, 429})
# From here on the reason lies with the server.
_SERVER_ERROR = 500


def log_request(request: Request, reply: Reply, *, seconds: float, refusal: StanchionError | None) -> None:
    """Log one request, answered after `seconds`."""
    warns = reply.status in _REFUSED_ACCESS or reply.status >= _SERVER_ERROR
    level = logging.WARNING if warns else logging.INFO
    if not logger.isEnabledFor(level):
        return
    # Not the reply itself: what waits to be written would keep its body.
    event = partial(_event, request, reply.status, size=len(reply.body), seconds=seconds, now=time.time())
    handler = None if warns else logs.line_handler(logger)
    if handler is not None:
        handler.later(event)
        return
    # Why other requests failed is not said: those messages may repeat what stood in the body.
    reason = f": {refusal.message}" if warns and refusal is not None else ""
    told = event()
    logger.log(level, "%s%s", told.message, reason, extra=told.added)


def _event(request: Request, status: int, *, size: int, seconds: float, now: float) -> logs.Event:
    message = f"{request.method} {request.path.decode('latin-1')} {status}"
    added: dict[str, object] = {"request_id": request.trace.request_id}
    if request.trace.tenant_id:
        added["tenant"] = request.trace.tenant_id
    added["status"] = status
    added["duration_ms"] = round(seconds * 10_000) / 10
    added["bytes"] = size
    return logs.Event(now, "info", logger.name, message, added)
