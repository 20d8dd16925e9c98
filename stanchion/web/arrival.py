"""How a request came, read from its headers: what its body is framed by, and the origin that it asks."""

from stanchion.access.origin import Arrival, Origins
from stanchion.errors import BadRequest, NotImplementedFeature
from stanchion.web.exchange import Request

# The longest registered one is UPDATEREDIRECTREF; the HTTP layer takes any that fits into its buffer.
MAX_METHOD_CHARACTERS = 32
# A server has a handful of names; anyone may send others.
MAX_KEPT_ORIGINS = 1000


def check_framing(request: Request) -> None:
    """Raise BadRequest for a method that is none, NotImplementedFeature for other codings than chunks (RFC 9112 6.1).

    The HTTP layer reads the chunks alone: what is within would be taken for the body, gzip and all. The connection
    is closed, for whoever frames like this may see another end of the request than we do.
    """
    if len(request.method) > MAX_METHOD_CHARACTERS:
        raise BadRequest(f"The method is longer than {MAX_METHOD_CHARACTERS} characters.", target="method")
    coding = request.headers.get("transfer-encoding")
    if coding is not None and coding.strip().lower() != "chunked":
        raise NotImplementedFeature(
            "Of transfer codings only chunked is known, once.",
            target="Transfer-Encoding",
            headers={"Connection": "close"},
        )


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


class AskedOrigins:
    """The origins of requests; those that were asked before are kept, for they cost more than a look."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._kept: dict[tuple[str | None, ...], str] = {}

    def origin(self, request: Request) -> str:
        """Return the origin that was asked; raises as `Origins.origin` does."""
        get = request.headers.get
        # All that the origin depends on.
        asked = (request.scheme, get("host"), request.peer, get("x-forwarded-proto"), get("x-forwarded-host"))
        known = self._kept.get(asked)
        if known is not None:
            return known
        origin = self._origins.origin(arrival(request))
        if len(self._kept) >= MAX_KEPT_ORIGINS:
            self._kept.clear()
        self._kept[asked] = origin
        return origin
