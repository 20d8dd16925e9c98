"""The built-in token issuer over HTTP, at the paths that azure-identity and MSAL ask.

`/{tenant}/oauth2/v2.0/token`, `/{tenant}/v2.0/.well-known/openid-configuration`, `/{tenant}/discovery/v2.0/keys`.
"""

import time
from urllib.parse import unquote

from stanchion.access.issuer import Issuer, discovery_document
from stanchion.access.origin import Origins
from stanchion.access.token_endpoint import TokenEndpoint, TokenRequest
from stanchion.access.token_request import MAX_FORM_BYTES
from stanchion.errors import MethodNotAllowed, NotFound
from stanchion.web.arrival import arrival
from stanchion.web.exchange import JSON, Reply, Request


class IssuerPages:
    """Answers requests to the issuer."""

    def __init__(
        self, issuer: Issuer, endpoint: TokenEndpoint, *, origins: Origins, timeout_seconds: float
    ) -> None:
        self._issuer = issuer
        self._endpoint = endpoint
        self._origins = origins
        self._timeout_seconds = timeout_seconds

    async def answer(self, request: Request, origin: str) -> Reply | None:
        """Answer a request that is the issuer's, else None."""
        tenant, _, rest = unquote(request.path.decode("latin-1")).strip("/").partition("/")
        match rest.lower():
            case "oauth2/v2.0/token":
                _check_method(request, "POST")
                return await self._token(request, origin)
            case "v2.0/.well-known/openid-configuration":
                _check_method(request, "GET", "HEAD")
                return Reply(200, discovery_document(origin, tenant), JSON)
            case "discovery/v2.0/keys":
                _check_method(request, "GET", "HEAD")
                return Reply(200, self._issuer.key_set(now_seconds=time.time()), JSON)
            case "oauth2/v2.0/authorize" | "oauth2/authorize":
                raise NotFound(
                    "There is no interactive sign-in here; ask the token endpoint as an application."
                )
            case _:
                return None

    async def _token(self, request: Request, origin: str) -> Reply:
        answer = self._endpoint.answer(
            TokenRequest(
                body=await request.body(max_bytes=MAX_FORM_BYTES, timeout_seconds=self._timeout_seconds),
                content_type=request.headers.get("content-type"),
                authorization=request.authorization,
                address=self._origins.client_address(arrival(request)),
                origin=origin,
                trace_id=request.trace.request_id,
                correlation_id=request.headers.get("client-request-id"),
            ),
            now_seconds=time.time(),
        )
        headers = {"Cache-Control": "no-store", "Pragma": "no-cache", **answer.headers}
        return Reply(answer.status, answer.body, JSON, headers)


def _check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise MethodNotAllowed(request.method, allowed=allowed)
