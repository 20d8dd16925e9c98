"""The form that a client posts to the token endpoint, read into one request (RFC 6749 4.4, 2.3.1).

- `application/x-www-form-urlencoded` in UTF-8. A field sent twice is refused, an empty one counts as absent,
  unknown ones are ignored: clients send many.
- A client authenticates in the form or by HTTP Basic, not both; inside Basic both parts are form-encoded.
- The only grant is client_credentials, the only scope `{resource}/.default` of any resource.
"""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from stanchion.access.oauth_error import (
    OAuthError,
    invalid_scope,
    malformed,
    missing_field,
    missing_secret,
    unsupported_grant,
)

# Real ones are under 2 KiB; a client assertion or a claims request may be some KiB more.
MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 100

_FORM = "application/x-www-form-urlencoded"
_FIELDS = frozenset({"client_id", "client_secret", "grant_type", "scope", "client_assertion"})
_DEFAULT_SCOPE = "/.default"


@dataclass(frozen=True)
class ClientCredentials:
    """Who asks for a token and how it proves it."""

    client_id: str
    secret: str = field(repr=False)


def read_credentials(
    body: bytes, *, content_type: str | None, authorization: Sequence[str]
) -> ClientCredentials:
    """Return the credentials of a well-formed request for a token; raises OAuthError for any other."""
    form = _read_form(body, content_type=content_type)
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise missing_field("grant_type")
    if grant_type != "client_credentials":
        raise unsupported_grant()
    basic = _basic(authorization)
    client_id = _client_id(form, basic)
    if "scope" not in form:
        raise missing_field("scope")
    if not _is_default_scope(form["scope"]):
        raise invalid_scope()
    secret = basic.secret if basic is not None else form.get("client_secret")
    if not secret:
        raise missing_secret()
    return ClientCredentials(client_id, secret)


def uses_basic(authorization: Sequence[str]) -> bool:
    """Say whether a client tries to authenticate by HTTP Basic."""
    return any(value.partition(" ")[0].lower() == "basic" for value in authorization)


def _read_form(body: bytes, *, content_type: str | None) -> dict[str, str]:
    if content_type is not None and content_type.partition(";")[0].strip().lower() != _FORM:
        raise malformed(f"The request body must be {_FORM}.")
    if len(body) > MAX_FORM_BYTES:
        raise malformed(f"The request body is longer than {MAX_FORM_BYTES} bytes.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise malformed(f"The request body is not a form in UTF-8 of at most {MAX_FIELDS} fields.") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        if name not in _FIELDS:
            continue
        if name in form:
            raise malformed(f"The request body contains the parameter '{name}' twice.")
        form[name] = value
    return {name: value for name, value in form.items() if value}


def _client_id(form: dict[str, str], basic: ClientCredentials | None) -> str:
    if "client_assertion" in form:
        raise malformed("Client assertions are not supported; send 'client_secret'.")
    if basic is None:
        if "client_id" not in form:
            raise missing_field("client_id")
        return form["client_id"]
    if "client_secret" in form:
        raise malformed(
            "The client authenticates twice: in the request body and in the Authorization header."
        )
    if form.get("client_id", basic.client_id) != basic.client_id:
        raise malformed("The request body and the Authorization header name different clients.")
    return basic.client_id


def _basic(authorization: Sequence[str]) -> ClientCredentials | None:
    if not uses_basic(authorization):
        return None
    if len(authorization) > 1:
        raise malformed("The request has more than one Authorization header.")
    try:
        text = b64decode(authorization[0].partition(" ")[2].strip(), validate=True).decode()
    except ValueError:
        raise _unreadable_basic() from None
    client_id, colon, secret = text.partition(":")
    if not colon or not client_id:
        raise _unreadable_basic()
    return ClientCredentials(unquote_plus(client_id), unquote_plus(secret))


def _unreadable_basic() -> OAuthError:
    return malformed("The Authorization header must be Basic with the client id and secret in base64.")


def _is_default_scope(scope: str) -> bool:
    return scope.endswith(_DEFAULT_SCOPE) and len(scope) > len(_DEFAULT_SCOPE) and " " not in scope
