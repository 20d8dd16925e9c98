"""Refusals of the token endpoint, in the shape in which Entra writes them (RFC 6749 5.2).

`error` is the word of the RFC; `error_description` begins with the AADSTS code that Entra uses for the same
fault, because clients and people look for it. No part of a secret or token is ever repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from stanchion.access.client import Client
from stanchion.errors import Denial
from stanchion.model.json_text import JsonObject, dump_json

_DENIED, _REVOKED, _TOO_MANY_FAILURES = 401, 7000112, 90055
# By the AADSTS code; another 401 is for want of a good secret or assertion.
_DENIALS: Mapping[int, Denial] = {_REVOKED: "revoked_app", _TOO_MANY_FAILURES: "too_many_failures"}
_FOR_PEOPLE = (
    "nobody signs in here. Use client_credentials, 'stanchion token --upn' for a token of a person, or an issuer of "
    "your own ('stanchion issuer add')."
)
_OTHER_GRANTS = dict.fromkeys(
    (
        "authorization_code",
        "device_code",
        "password",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ),
    _FOR_PEOPLE,
)


class OAuthError(Exception):
    """A refusal; `retry_after_seconds` only where waiting helps, `denial` where a client was not let in.

    `client` is the one that was named, whether it proved itself or not.
    """

    def __init__(
        self, error: str, code: int, *, text: str, status: int = 400, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(text)
        self.error = error
        self.code = code
        self.text = text
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.denial: Denial | None = _DENIALS.get(code) or (
            "wrong_credentials" if status == _DENIED else None
        )
        self.client: Client | None = None


@dataclass(frozen=True)
class Trace:
    """By which ids a refusal is found again in logs."""

    trace_id: str
    correlation_id: str


def error_body(error: OAuthError, trace: Trace, *, now_seconds: float) -> bytes:
    """Return the JSON of a refusal."""
    timestamp = datetime.fromtimestamp(now_seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    body: JsonObject = {
        "error": error.error,
        "error_description": (
            f"AADSTS{error.code}: {error.text} Trace ID: {trace.trace_id} "
            f"Correlation ID: {trace.correlation_id} Timestamp: {timestamp}"
        ),
        "error_codes": [error.code],
        "timestamp": timestamp,
        "trace_id": trace.trace_id,
        "correlation_id": trace.correlation_id,
    }
    return dump_json(body)


def missing_field(name: str) -> OAuthError:
    """Return the refusal of a form without a field that it needs."""
    return OAuthError(
        "invalid_request", 900144, text=f"The request body must contain the following parameter: '{name}'."
    )


def malformed(text: str) -> OAuthError:
    """Return the refusal of a request that cannot be read."""
    return OAuthError("invalid_request", 90023, text=text)


def unsupported_grant(grant_type: str) -> OAuthError:
    """Return the refusal of any grant but client credentials; only one that has a name is named."""
    name = f" '{grant_type}'" if grant_type in _OTHER_GRANTS else ""
    hint = _OTHER_GRANTS.get(grant_type, "use client_credentials.")
    return OAuthError("unsupported_grant_type", 70003, text=f"The grant type{name} is not supported; {hint}")


def personal_accounts() -> OAuthError:
    """Return the refusal of the endpoint of personal accounts."""
    return OAuthError(
        "invalid_request",
        9002332,
        text="Applications of organizations only are served. Please do not use the /consumers endpoint to serve this "
        "request.",
    )


def invalid_scope() -> OAuthError:
    """Return the refusal of a scope that asks for single permissions."""
    return OAuthError(
        "invalid_scope",
        1002012,
        text="The scope is not valid. Client credential flows must have one scope value with /.default "
        "suffixed to the resource, such as https://graph.microsoft.com/.default.",
    )


def missing_secret() -> OAuthError:
    """Return the refusal of a client that does not authenticate."""
    return OAuthError(
        "invalid_client",
        7000218,
        text="The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        status=401,
    )


def invalid_client() -> OAuthError:
    """Return the refusal of an unknown client and of a wrong secret, which are not told apart."""
    return OAuthError(
        "invalid_client",
        7000215,
        text="Invalid client id or client secret provided. The secret is the one that 'stanchion app add' "
        "printed, not its hint.",
        status=401,
    )


def invalid_assertion(why: str) -> OAuthError:
    """Return the refusal of a client assertion that cannot be read."""
    return OAuthError(
        "invalid_client", 50027, text=f"The client assertion is no valid JWT. {why}", status=401
    )


def unknown_certificate() -> OAuthError:
    """Return the refusal of an assertion that no certificate of the client has signed, or of no client."""
    return OAuthError(
        "invalid_client",
        700027,
        text="Client assertion contains an invalid signature: it is signed by no certificate of this client. "
        "'stanchion app certificate add' gives it one.",
        status=401,
    )


def expired_certificate() -> OAuthError:
    """Return the refusal of an assertion by a certificate whose time has not come, or is over."""
    return OAuthError(
        "invalid_client",
        1000502,
        text="The provided certificate is not within its specified validity window.",
        status=401,
    )


def foreign_assertion() -> OAuthError:
    """Return the refusal of an assertion that speaks for another client than its signer."""
    return OAuthError(
        "invalid_client",
        700021,
        text="Client assertion application identifiers (iss, sub) do not match the client.",
        status=401,
    )


def misaddressed_assertion() -> OAuthError:
    """Return the refusal of an assertion that was made for another server."""
    return OAuthError(
        "invalid_client",
        700023,
        text="Client assertion audience (aud) is not the token endpoint of this server.",
        status=401,
    )


def untimely_assertion(max_lifetime_seconds: int) -> OAuthError:
    """Return the refusal of an assertion before or after its time, or with too much of it."""
    return OAuthError(
        "invalid_client",
        700024,
        text="Client assertion is not within its valid time range, which ends at most "
        f"{max_lifetime_seconds} seconds from now.",
        status=401,
    )


def revoked_client(client: Client) -> OAuthError:
    """Return the refusal of a client that proved who it is, and is revoked."""
    error = OAuthError("unauthorized_client", _REVOKED, text="The application is revoked.")
    error.client = client
    return error


def too_many_failures(retry_after_seconds: int) -> OAuthError:
    """Return the refusal of a caller who failed too often."""
    return OAuthError(
        "temporarily_unavailable",
        _TOO_MANY_FAILURES,
        text=f"Too many failed requests. Try again in {retry_after_seconds} seconds.",
        status=429,
        retry_after_seconds=retry_after_seconds,
    )
