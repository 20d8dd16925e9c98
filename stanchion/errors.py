"""Every failure that a caller can cause, each with its HTTP status and Graph error code.

Raised where the fact is known, translated once at the edge (`web` to Graph's envelope, `cli` to one line on
stderr). A message names what is at fault, where it is, and what is allowed. Codes: Graph's own where seen on
the wire (`InvalidAuthenticationToken`, `BadRequest`), else the reason phrase in the same style.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

Denial: TypeAlias = Literal[
    "no_token",
    "malformed_token",
    "invalid_token",
    "wrong_algorithm",
    "wrong_signature",
    "unknown_key",
    "expired_token",
    "early_token",
    "wrong_audience",
    "untrusted_issuer",
    "unknown_tenant",
    "unknown_app",
    "revoked_app",
    "revoked_token",
    "missing_permission",
    "missing_role",
    "other_provider",
    "other_tenant",
    "wrong_host",
    "wrong_credentials",
    "too_many_failures",
    "too_many_requests",
]
"""Why somebody was not let in, as operators read it in the log and count it; callers are not told all of it."""


class StanchionError(Exception):
    """A failure to tell the caller about; `target` names the property, option or header at fault.

    `denial` is why access was denied, where that is what happened.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "InternalServerError"
    denial: Denial | None = None

    def __init__(
        self,
        message: str,
        *,
        target: str | None = None,
        headers: Mapping[str, str] | None = None,
        denial: Denial | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.target = target
        self.headers: dict[str, str] = dict(headers or {})
        if denial is not None:
            self.denial = denial


class BadRequest(StanchionError):
    """The request is malformed, or asks what is not allowed."""

    status = 400
    code = "BadRequest"


class ExpandNotSupported(BadRequest):
    """`$expand` was sent; these entities have no navigation properties."""

    code = "ExpandNotSupported"


class Unauthenticated(StanchionError):
    """The token is missing, malformed, expired, foreign or revoked.

    `claims` asks the client for another token, as base64 of JSON; only for one that knows such challenges.
    `tenant_id` and `app_id` are those of a token whose signature is true, and that is of no use all the same.
    """

    status = 401
    code = "InvalidAuthenticationToken"

    def __init__(self, message: str, *, claims: str | None = None, denial: Denial = "invalid_token") -> None:
        super().__init__(message, denial=denial)
        self.claims = claims
        self.tenant_id = ""
        self.app_id = ""


class Forbidden(StanchionError):
    """The token is good but does not permit this."""

    status = 403
    code = "Forbidden"
    denial = "other_provider"


class NotFound(StanchionError):
    """The entity does not exist in this tenant, or for this caller: then `denial` says why, to operators alone."""

    status = 404
    code = "ResourceNotFound"


class MethodNotAllowed(StanchionError):
    """The resource exists and does not know this method; `allowed` lists those it knows."""

    status = 405
    code = "MethodNotAllowed"

    def __init__(self, method: str, *, allowed: tuple[str, ...]) -> None:
        names = ", ".join(allowed)
        super().__init__(f"{method} is not allowed here; allowed: {names}.", headers={"Allow": names})


class NotAcceptable(StanchionError):
    """No representation that the caller accepts is offered."""

    status = 406
    code = "NotAcceptable"


class RequestTimeout(StanchionError):
    """The request did not arrive whole in time."""

    status = 408
    code = "RequestTimeout"


class Conflict(StanchionError):
    """The id exists with other content."""

    status = 409
    code = "Conflict"


class SyncStateNotFound(StanchionError):
    """The state that a delta token stands for is not there; `location` is where to start over."""

    status = 410
    code = "syncStateNotFound"

    def __init__(self, message: str, *, target: str, location: str) -> None:
        super().__init__(message, target=target, headers={"Location": location})


class PreconditionFailed(StanchionError):
    """`If-Match` or `If-None-Match` does not hold, or an isolation is asked for that is not offered."""

    status = 412
    code = "PreconditionFailed"


class PayloadTooLarge(StanchionError):
    """The body is over the limit, or the answers of a batch are."""

    status = 413
    code = "RequestEntityTooLarge"


class UriTooLong(StanchionError):
    """The path and query are over the limit."""

    status = 414
    code = "UriTooLong"


class UnsupportedMediaType(StanchionError):
    """The body is not of a media type that this resource reads."""

    status = 415
    code = "UnsupportedMediaType"


class MisdirectedRequest(StanchionError):
    """The request came for an origin that this server does not speak for."""

    status = 421
    code = "MisdirectedRequest"
    denial = "wrong_host"


class FailedDependency(StanchionError):
    """A request of a batch that this one waited for has failed."""

    status = 424
    code = "FailedDependency"


class TooManyRequests(StanchionError):
    """The caller is over a limit; `Retry-After` says when to come back, in whole seconds."""

    status = 429
    code = "TooManyRequests"
    denial = "too_many_requests"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, headers={"Retry-After": str(max(1, retry_after_seconds))})


class HeadersTooLarge(StanchionError):
    """The headers are over the limit."""

    status = 431
    code = "RequestHeaderFieldsTooLarge"


class OutcomeUnknown(StanchionError):
    """The disk, or the database, failed while the write was being made; read before repeating it."""

    status = 503
    code = "ServiceUnavailable"


class NotImplementedFeature(StanchionError):
    """An OData feature that this server does not offer."""

    status = 501
    code = "NotImplemented"


class ServiceUnavailable(StanchionError):
    """The server cannot answer now and has changed nothing."""

    status = 503
    code = "ServiceUnavailable"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after_seconds)})


class OperatorError(StanchionError):
    """What an operator asked cannot be done: one line on stderr and exit status 1."""
