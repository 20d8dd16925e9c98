"""How a request came, read from its headers, and the origin that it asks."""

from stanchion.access.origin import Arrival, Origins
from stanchion.web.exchange import Request

# A server has a handful of names; anyone may send others.
MAX_KEPT_ORIGINS = 1000


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
