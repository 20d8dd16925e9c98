"""The token endpoint: a form from a client becomes a bearer token or a refusal.

- A client gets tokens for its own tenant only, whatever tenant the path names, with all its permissions.
- `iss` and `aud` are the first public URL, without one the loopback origin asked, whatever scope was asked.
- Who fails too often waits (429), each client at each address and each address as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stanchion.access.attempts import FailedAttempts
from stanchion.access.claims import TOKEN_LIFETIME_SECONDS, Authority, application_claims
from stanchion.access.client import Client
from stanchion.access.credentials import authenticated
from stanchion.access.directory import Directory
from stanchion.access.issuer import Issuer
from stanchion.access.oauth_error import (
    OAuthError,
    Trace,
    error_body,
    invalid_client,
    revoked_client,
    too_many_failures,
)
from stanchion.access.origin import Origins
from stanchion.access.tenants import is_guid
from stanchion.access.token_request import ClientCredentials, read_credentials, uses_basic
from stanchion.model.json_text import dump_json


@dataclass(frozen=True)
class TokenRequest:
    """What was posted; `authorization` holds each header of that name, `address` who posted it."""

    body: bytes = field(repr=False)
    content_type: str | None
    authorization: Sequence[str] = field(repr=False)
    address: str
    origin: str
    trace_id: str
    correlation_id: str | None = None  # as the client sent it, in client-request-id


@dataclass(frozen=True)
class TokenAnswer:
    """The answer: JSON, never to be stored by any cache (RFC 6749 5.1)."""

    status: int
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)


class TokenEndpoint:
    """Answers requests for tokens."""

    def __init__(
        self, directory: Directory, issuer: Issuer, *, origins: Origins, attempts: FailedAttempts
    ) -> None:
        self._directory = directory
        self._issuer = issuer
        self._origins = origins
        self._attempts = attempts

    def answer(self, request: TokenRequest, *, now_seconds: float) -> TokenAnswer:
        """Return a token, or the refusal of whatever is wrong with the request."""
        try:
            client = self._client(request, now_seconds=now_seconds)
        except OAuthError as error:
            return _refusal(request, error, now_seconds=now_seconds)
        claims = application_claims(
            Authority(self._origins.token_origin(request.origin)),
            tenant_id=client.tenant_id,
            app_id=client.client_id,
            permissions=client.permissions,
            now_seconds=int(now_seconds),
        )
        body = dump_json(
            {
                "token_type": "Bearer",
                "expires_in": TOKEN_LIFETIME_SECONDS,
                "ext_expires_in": TOKEN_LIFETIME_SECONDS,
                "access_token": self._issuer.sign(claims),
            }
        )
        return TokenAnswer(200, body)

    def _client(self, request: TokenRequest, *, now_seconds: float) -> Client:
        credentials = read_credentials(
            request.body, content_type=request.content_type, authorization=request.authorization
        )
        counted = _counted_id(credentials)
        wait_seconds = self._attempts.retry_after_seconds(request.address, counted, now_seconds=now_seconds)
        if wait_seconds is not None:
            raise too_many_failures(wait_seconds)
        known = self._directory.client(counted) if counted else None
        client = authenticated(known, credentials.secret)
        if client is None:
            self._attempts.add(request.address, counted, now_seconds=now_seconds)
            raise invalid_client()
        self._attempts.forget(request.address, counted)
        if client.revoked:
            raise revoked_client()
        return client


def _counted_id(credentials: ClientCredentials) -> str:
    # What cannot be a client id is counted as one, so that no long text is kept.
    client_id = credentials.client_id.lower()
    return client_id if is_guid(client_id) else ""


def _refusal(request: TokenRequest, error: OAuthError, *, now_seconds: float) -> TokenAnswer:
    sent_id = (request.correlation_id or "").lower()
    trace = Trace(request.trace_id, sent_id if is_guid(sent_id) else request.trace_id)
    headers: dict[str, str] = {}
    if error.status == 401 and uses_basic(request.authorization):  # noqa: PLR2004 (the status itself)
        headers["WWW-Authenticate"] = f'Basic realm="{request.origin}", charset="UTF-8"'
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return TokenAnswer(error.status, error_body(error, trace, now_seconds=now_seconds), headers)
