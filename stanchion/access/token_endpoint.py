"""The token endpoint: a form from a client becomes a bearer token or a refusal.

- A client gets tokens for its own tenant only, whatever tenant the path names, with all its permissions; at
  the endpoint of personal accounts it gets none.
- `iss` and `aud` are the first public URL, without one the loopback origin asked, whatever scope was asked.
- A token begins now, where those of a moment before were revoked at the end of the second.
- Who fails too often waits (429), each client at each address and each address as a whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stanchion.access.attempts import FailedAttempts
from stanchion.access.claims import TOKEN_LIFETIME_SECONDS, Authority, Claims, application_claims
from stanchion.access.claims_challenge import CHALLENGEABLE, ClaimsRequest
from stanchion.access.client import Client
from stanchion.access.client_assertion import check_assertion
from stanchion.access.credentials import authenticated
from stanchion.access.directory import Directory
from stanchion.access.issuer import Issuer
from stanchion.access.oauth_error import (
    OAuthError,
    Trace,
    error_body,
    invalid_client,
    malformed,
    personal_accounts,
    revoked_client,
    too_many_failures,
)
from stanchion.access.origin import Origins
from stanchion.access.tenants import PERSONAL_ACCOUNTS, is_guid
from stanchion.access.token_request import (
    ClientCredentials,
    ClientSecret,
    EndpointVersion,
    read_credentials,
    uses_basic,
)
from stanchion.errors import Denial
from stanchion.model.json_text import JsonObject, dump_json

_PERSONAL = frozenset({"consumers", PERSONAL_ACCOUNTS})


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
    tenant: str = "common"  # as the path names it, in lower case
    version: EndpointVersion = "v2.0"


@dataclass(frozen=True)
class TokenAnswer:
    """The answer: JSON, never to be stored by any cache (RFC 6749 5.1)."""

    status: int
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    # For the log: why it is a refusal, and of which client, whom nothing may have proved.
    reason: str = ""
    denial: Denial | None = None
    client: Client | None = None


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
            credentials = self._credentials(request)
            client = self._client(request, credentials, now_seconds=now_seconds)
            claims = self._claims(request, client, credentials.claims, now_seconds=int(now_seconds))
        except OAuthError as error:
            return refusal(request, error, now_seconds=now_seconds)
        described: JsonObject = {"token_type": "Bearer", **_times(claims, credentials, request.version)}
        body = dump_json({**described, "access_token": self._issuer.sign(claims)})
        return TokenAnswer(200, body, client=client)

    def _credentials(self, request: TokenRequest) -> ClientCredentials:
        if request.tenant in _PERSONAL:
            raise personal_accounts()
        return read_credentials(
            request.body,
            content_type=request.content_type,
            authorization=request.authorization,
            version=request.version,
        )

    def _client(self, request: TokenRequest, credentials: ClientCredentials, *, now_seconds: float) -> Client:
        counted = _counted_id(credentials)
        self._require_turn(request, counted, now_seconds=now_seconds)
        known = self._known(counted) if counted else None
        # The directory may have waited for its database while others guessed: from here on nothing waits.
        self._require_turn(request, counted, now_seconds=now_seconds)
        try:
            client = self._proven(request, credentials, known, now_seconds=now_seconds)
        except OAuthError as error:
            self._attempts.add(request.address, counted, now_seconds=now_seconds)
            error.client = known
            raise
        self._attempts.forget(request.address, counted)
        return client

    def _known(self, client_id: str) -> Client | None:
        """Return a client, unless its tenant is erased."""
        client = self._directory.client(client_id)
        return client if client is not None and self._directory.tenant(client.tenant_id) is not None else None

    def _require_turn(self, request: TokenRequest, counted: str, *, now_seconds: float) -> None:
        wait_seconds = self._attempts.retry_after_seconds(request.address, counted, now_seconds=now_seconds)
        if wait_seconds is not None:
            raise too_many_failures(wait_seconds)

    def _proven(
        self,
        request: TokenRequest,
        credentials: ClientCredentials,
        known: Client | None,
        *,
        now_seconds: float,
    ) -> Client:
        proof = credentials.proof
        if not isinstance(proof, ClientSecret):
            origins = (request.origin, *self._origins.public)
            return check_assertion(proof, known, origins=origins, now_seconds=now_seconds)
        client = authenticated(known, proof.text)
        if client is None:
            raise invalid_client()
        return client

    def _claims(
        self, request: TokenRequest, client: Client, wanted: ClaimsRequest, *, now_seconds: int
    ) -> Claims:
        if wanted.not_before_seconds > max(now_seconds, client.tokens_from_seconds):
            # It, or its tokens, may have been revoked since the directory was read.
            self._directory.reread()
            present = self._known(client.client_id)
            if present is None:
                raise invalid_client()
            client = present
        if client.revoked:
            raise revoked_client(client)
        begins_seconds = max(now_seconds, client.tokens_from_seconds)
        if wanted.not_before_seconds > begins_seconds:
            raise malformed("The parameter 'claims' asks for a token that begins (nbf) later than now.")
        return application_claims(
            Authority(self._origins.token_origin(request.origin)),
            tenant_id=client.tenant_id,
            app_id=client.client_id,
            permissions=client.permissions,
            now_seconds=begins_seconds,
            capabilities=(CHALLENGEABLE,) if wanted.challengeable else None,
        )


def _times(claims: Claims, credentials: ClientCredentials, version: EndpointVersion) -> JsonObject:
    if version == "v2.0":
        return {"expires_in": TOKEN_LIFETIME_SECONDS, "ext_expires_in": TOKEN_LIFETIME_SECONDS}
    # The older endpoint writes numbers as text.
    return {
        "expires_in": str(TOKEN_LIFETIME_SECONDS),
        "ext_expires_in": str(TOKEN_LIFETIME_SECONDS),
        "expires_on": str(claims.exp),
        "not_before": str(claims.nbf),
        "resource": credentials.resource,
    }


def _counted_id(credentials: ClientCredentials) -> str:
    # What cannot be a client id is counted as one, so that no long text is kept.
    client_id = credentials.client_id.lower()
    return client_id if is_guid(client_id) else ""


def refusal(request: TokenRequest, error: OAuthError, *, now_seconds: float) -> TokenAnswer:
    """Return the answer that refuses a request."""
    sent_id = (request.correlation_id or "").lower()
    trace = Trace(request.trace_id, sent_id if is_guid(sent_id) else request.trace_id)
    headers: dict[str, str] = {}
    if error.status == 401 and uses_basic(request.authorization):  # noqa: PLR2004 (the status itself)
        headers["WWW-Authenticate"] = f'Basic realm="{request.origin}", charset="UTF-8"'
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    body = error_body(error, trace, now_seconds=now_seconds)
    reason = f"AADSTS{error.code}: {error.text}"
    return TokenAnswer(error.status, body, headers, reason, error.denial, error.client)
