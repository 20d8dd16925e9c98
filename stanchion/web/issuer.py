"""The built-in token issuer over HTTP, at the paths that azure-identity and MSAL ask.

- `/{tenant}/oauth2/v2.0/token`, `/{tenant}/v2.0/.well-known/openid-configuration`, `/{tenant}/discovery/v2.0/keys`,
  and the same without `v2.0`, as clients of the older endpoint ask.
- Empty segments are skipped: an authority may end in a slash.
- Who would sign a person in is told so: a browser that there is no such page, the device flow in OAuth's form.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar
from urllib.parse import unquote

from stanchion.access.issuer import Issuer, discovery_document
from stanchion.access.oauth_error import unsupported_grant
from stanchion.access.origin import Origins
from stanchion.access.token_endpoint import TokenAnswer, TokenEndpoint, TokenRequest, refusal
from stanchion.access.token_request import MAX_FORM_BYTES, EndpointVersion
from stanchion.errors import MethodNotAllowed, NotFound
from stanchion.web.arrival import arrival
from stanchion.web.exchange import JSON, Reply, Request

_KINDS: Mapping[str, str] = {
    "oauth2/v2.0/token": "token",
    "oauth2/token": "token",
    "v2.0/.well-known/openid-configuration": "discovery",
    ".well-known/openid-configuration": "discovery",
    "discovery/v2.0/keys": "keys",
    "discovery/keys": "keys",
    "oauth2/v2.0/authorize": "sign_in",
    "oauth2/authorize": "sign_in",
    "oauth2/v2.0/devicecode": "sign_in",
    "oauth2/devicecode": "sign_in",
}
R = TypeVar("R")


class Inline(Protocol):
    """Runs a plain function whose reads of the directory may wait for the database."""

    def __call__(self, work: Callable[[], R]) -> Awaitable[R]:
        """Run it."""


class IssuerPages:
    """Answers requests to the issuer."""

    def __init__(
        self,
        issuer: Issuer,
        endpoint: TokenEndpoint,
        *,
        origins: Origins,
        timeout_seconds: float,
        inline: Inline,
    ) -> None:
        self._inline = inline
        self._issuer = issuer
        self._endpoint = endpoint
        self._origins = origins
        self._timeout_seconds = timeout_seconds

    async def answer(self, request: Request, origin: str) -> Reply | None:
        """Answer a request that is the issuer's, else None."""
        tenant, *segments = _segments(request.path)
        asked = "/".join(segments).lower()
        request.trace.kind = _KINDS.get(asked, "unknown")
        match asked:
            case "oauth2/v2.0/token":
                return await self._token(request, origin, tenant, "v2.0")
            case "oauth2/token":
                return await self._token(request, origin, tenant, "v1.0")
            case "v2.0/.well-known/openid-configuration":
                _check_method(request, "GET", "HEAD")
                return Reply(200, discovery_document(origin, tenant), JSON)
            case ".well-known/openid-configuration":
                _check_method(request, "GET", "HEAD")
                return Reply(200, discovery_document(origin, tenant, version="v1.0"), JSON)
            case "discovery/v2.0/keys" | "discovery/keys":
                _check_method(request, "GET", "HEAD")
                keys = await self._inline(lambda: self._issuer.key_set(now_seconds=time.time()))
                return Reply(200, keys, JSON)
            case "oauth2/v2.0/authorize" | "oauth2/authorize":
                raise NotFound(
                    "There is no interactive sign-in here; ask the token endpoint as an application."
                )
            case "oauth2/v2.0/devicecode" | "oauth2/devicecode":
                _check_method(request, "POST")
                form = await self._form(request, origin, tenant, "v2.0")
                return _reply(refusal(form, unsupported_grant("device_code"), now_seconds=time.time()))
            case _:
                return None

    async def _token(self, request: Request, origin: str, tenant: str, version: EndpointVersion) -> Reply:
        _check_method(request, "POST")
        form = await self._form(request, origin, tenant, version)
        answer = await self._inline(lambda: self._endpoint.answer(form, now_seconds=time.time()))
        if answer.client is not None:
            request.trace.tenant_id, request.trace.app_id = answer.client.tenant_id, answer.client.client_id
        return _reply(answer)

    async def _form(
        self, request: Request, origin: str, tenant: str, version: EndpointVersion
    ) -> TokenRequest:
        return TokenRequest(
            body=await request.body(max_bytes=MAX_FORM_BYTES, timeout_seconds=self._timeout_seconds),
            content_type=request.headers.get("content-type"),
            authorization=request.authorization,
            address=self._origins.client_address(arrival(request)),
            origin=origin,
            trace_id=request.trace.request_id,
            correlation_id=request.headers.get("client-request-id"),
            tenant=tenant.lower(),
            version=version,
        )


def _segments(path: bytes) -> list[str]:
    return [segment for segment in unquote(path.decode("latin-1")).split("/") if segment] or [""]


def _reply(answer: TokenAnswer) -> Reply:
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache", **answer.headers}
    return Reply(answer.status, answer.body, JSON, headers, answer.reason, answer.denial)


def _check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise MethodNotAllowed(request.method, allowed=allowed)
