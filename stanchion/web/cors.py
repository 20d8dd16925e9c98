"""Which pages of other origins a browser may let call the API (Fetch, section 3.2).

- Nothing is allowed unless `--cors-origin` names it; then an answer repeats that very origin, with `Vary: Origin`.
- A preflight of an allowed origin is answered without a token, for browsers send none with it; what follows
  needs one as ever. Errors carry the headers too, or a page could not read them.
- Credentials are never allowed: tokens come in a header that the page itself sets, so there is nothing that a
  browser could add by itself. That is why `*` may be named. `null` may not: any sandboxed page has that origin.
"""

import re
from collections.abc import Iterable

from stanchion.errors import OperatorError
from stanchion.model.wording import shown_address
from stanchion.web.exchange import Reply, Request

ANY = "*"

ALLOWED_METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
ALLOWED_HEADERS = (
    "Accept",
    "Authorization",
    "Cache-Control",
    "client-request-id",
    "ConsistencyLevel",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "OData-MaxVersion",
    "OData-Version",
    "Pragma",
    "Prefer",
    "return-client-request-id",
    "SdkVersion",
    "traceparent",
    "tracestate",
    "User-Agent",
    "x-ms-client-request-id",
    "X-Requested-With",
)
EXPOSED_HEADERS = (
    "Allow",
    "client-request-id",
    "Deprecation",
    "ETag",
    "Link",
    "Location",
    "OData-EntityId",
    "OData-Version",
    "Preference-Applied",
    "request-id",
    "Retry-After",
    "Sunset",
    "Warning",
    "WWW-Authenticate",
)
# Chrome keeps an answer to a preflight for two hours at most.
PREFLIGHT_SECONDS = 7200

# As RFC 6454 6.2 writes an origin; browser extensions have schemes of their own.
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
_IMPLIED_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535


class Cors:
    """The origins allowed; raises OperatorError for one that no browser would send."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(map(_normal_origin, origins))
        if ANY in self._origins and len(self._origins) > 1:
            raise OperatorError("The CORS origin * allows every origin; name it alone.")

    def preflight(self, request: Request) -> Reply | None:
        """Return the answer to a preflight of an allowed origin, None for any other request."""
        asks = request.method == "OPTIONS" and "access-control-request-method" in request.headers
        if not asks or not self._allows(request.headers.get("origin")):
            return None
        return Reply(
            204,
            headers={
                "Access-Control-Allow-Methods": ", ".join(ALLOWED_METHODS),
                "Access-Control-Allow-Headers": ", ".join(ALLOWED_HEADERS),
                "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            },
        )

    def add_headers(self, request: Request, reply: Reply) -> None:
        """Add to a reply what lets a page of an allowed origin read it."""
        origin = request.headers.get("origin")
        if ANY not in self._origins:
            _vary_by_origin(reply.headers)
        if origin is not None and self._allows(origin):
            reply.headers["Access-Control-Allow-Origin"] = ANY if ANY in self._origins else origin
            reply.headers["Access-Control-Expose-Headers"] = _EXPOSED

    def _allows(self, origin: str | None) -> bool:
        return origin is not None and (ANY in self._origins or origin in self._origins)


_EXPOSED = ", ".join(EXPOSED_HEADERS)


def _vary_by_origin(headers: dict[str, str]) -> None:
    # Also where there is no Origin: a cache must not give that answer to a page.
    others = headers.get("Vary")
    headers["Vary"] = f"{others}, Origin" if others else "Origin"


def _normal_origin(text: str) -> str:
    """Return an origin as browsers write it: lower case, without the port that its scheme implies."""
    if text == ANY:
        return ANY
    match = _ORIGIN.fullmatch(text.lower().removesuffix("/"))
    if match is None or not 0 < int(match["port"] or 1) <= _MAX_PORT:
        raise OperatorError(
            f"The CORS origin {shown_address(text)} cannot be used: scheme://host or scheme://host:port is expected, "
            "such as https://app.example.com, without a path; or * alone."
        )
    scheme, host, port = match["scheme"], match["host"], match["port"]
    if port is None or int(port) == _IMPLIED_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{int(port)}"
