"""How a request came, read from its headers."""

from stanchion.access.origin import Arrival
from stanchion.web.exchange import Request


def arrival(request: Request) -> Arrival:
    """Return what the request says of its way here."""
    headers = request.headers
    return Arrival(
        scheme=request.scheme,
        host=headers.get("host", ""),
        peer=request.peer,
        forwarded_proto=headers.get("x-forwarded-proto"),
        forwarded_host=headers.get("x-forwarded-host"),
        forwarded_for=headers.get("x-forwarded-for"),
    )
