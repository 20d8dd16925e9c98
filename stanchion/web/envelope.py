"""Errors as replies, in Graph's envelope.

`{"error": {"code", "message", "target"?, "innerError": {"date", "request-id", "client-request-id"}}}`: the key is
`innerError` with a capital E, which Graph's SDKs read; `date` is UTC without Z, as the gateway writes it.
Source: Graph "Microsoft Graph error responses"; OData JSON 4.01, 21.1 "Error Response".
"""

from datetime import datetime

from stanchion.errors import StanchionError, TooManyRequests, Unauthenticated
from stanchion.model.json_text import JsonObject, dump_json
from stanchion.web.exchange import JSON, Reply

# Graph's own id as an API: clients read it from the challenge to learn whose token is wanted.
_GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"

# As long as an id may be.
_MAX_TARGET = 256

# What Graph tells beside the message of a 429.
_THROTTLED = {"code": "429", "status": "429", "message": "Please retry after"}


def error_reply(
    error: StanchionError,
    *,
    request_id: str,
    client_request_id: str,
    now: datetime,
    origin: str | None = None,
) -> Reply:
    """Return the reply that tells a caller of an error; `origin` is that of the token issuer to go to."""
    described: JsonObject = {"code": error.code, "message": error.message}
    if error.target is not None:
        described["target"] = _cut(error.target)
    described["innerError"] = {
        **(_THROTTLED if isinstance(error, TooManyRequests) else {}),
        "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": client_request_id,
    }
    headers = {"OData-Version": "4.0", **error.headers}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = challenge(origin, claims=error.claims)
    return Reply(error.status, dump_json({"error": described}), JSON, headers)


def _cut(target: str) -> str:
    # It may be a name that the caller made up, of any length.
    return target if len(target) <= _MAX_TARGET else target[:_MAX_TARGET] + "..."


def challenge(origin: str | None, *, claims: str | None = None) -> str:
    """Return the WWW-Authenticate header of a 401 (RFC 6750 3), naming where tokens come from.

    With `claims` it asks for a token that satisfies them; without, a client must not try again by itself.
    """
    authorization = f'authorization_uri="{origin}/common/oauth2/authorize", ' if origin else ""
    wanted = f', error="insufficient_claims", claims="{claims}"' if claims else ""
    return f'Bearer realm="", {authorization}client_id="{_GRAPH_APP_ID}"{wanted}'
