"""What holds for whatever is asked, by itself or within a batch: limits of its size, its ids, an answer to an error.

What the caller is told of a fault of our own is only that there is one; the log has the rest.
"""

import logging
from datetime import UTC, datetime

from stanchion.errors import BadRequest, HeadersTooLarge, OperatorError, StanchionError, UriTooLong
from stanchion.settings import Settings
from stanchion.web.envelope import error_reply
from stanchion.web.exchange import Reply, Request

# A GUID has 36 characters; nobody needs more than a few of them to find a request again.
MAX_CLIENT_REQUEST_ID = 128

logger = logging.getLogger("stanchion.request")


def check_size(request: Request, settings: Settings) -> None:
    """Raise UriTooLong, HeadersTooLarge or, where there is no Host, BadRequest."""
    if len(request.path) + len(request.query) > settings.max_url_bytes:
        raise UriTooLong(f"The path and query are longer than {settings.max_url_bytes:,} bytes.")
    size = len("".join(request.headers)) + len("".join(request.headers.values()))
    if size > settings.max_header_bytes:
        raise HeadersTooLarge(f"The headers are larger than {settings.max_header_bytes:,} bytes.")
    if not request.headers.get("host"):
        raise BadRequest("The Host header is missing.", target="Host")


def told(error: Exception) -> StanchionError:
    """Return what the caller is told of an error: a refusal itself, of a fault of our own only that there is one."""
    # What is told to operators may name files and settings.
    if isinstance(error, StanchionError) and not isinstance(error, OperatorError):
        # Its frames hold long bodies and, through whoever keeps it, itself: only the collector would end that.
        return error.with_traceback(None)
    logger.error("The request failed for a fault of our own.", exc_info=error)
    return StanchionError("The server failed to answer; its log has the cause under this request id.")


def refused(error: StanchionError, request: Request, *, client_request_id: str, origin: str | None) -> Reply:
    """Return the reply that tells a caller of an error, now."""
    return error_reply(
        error,
        request_id=request.trace.request_id,
        client_request_id=client_request_id,
        now=datetime.now(UTC),
        origin=origin,
    )


def client_request_id_of(request: Request) -> str:
    """Return the id by which the caller knows the request, else our own."""
    sent = request.headers.get("client-request-id", "")
    usable = 0 < len(sent) <= MAX_CLIENT_REQUEST_ID and sent.isascii() and sent.isprintable()
    return sent if usable else request.trace.request_id
