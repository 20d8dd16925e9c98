"""The form that a client posts to the token endpoint, read into one request (RFC 6749 4.4, 2.3.1).

- `application/x-www-form-urlencoded` in UTF-8. A field sent twice is refused, an empty one counts as absent,
  unknown ones are ignored: clients send many.
- A client authenticates by one way: a secret in the form or by HTTP Basic, inside which both parts are
  form-encoded, or an assertion (RFC 7523 2.2), of which `sub` is the client where the form names none.
- The only grant is client_credentials. At the v2.0 endpoint the only scope is `{resource}/.default`, at the
  older one `resource` stands in its place; any resource will do.
"""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote_plus

from stanchion.access.claims_challenge import ClaimsRequest, read_claims_request
from stanchion.access.client_assertion import ASSERTION_TYPE, ClientAssertion, read_assertion
from stanchion.access.oauth_error import (
    OAuthError,
    foreign_assertion,
    invalid_scope,
    malformed,
    missing_field,
    missing_secret,
    unsupported_grant,
)

EndpointVersion: TypeAlias = Literal["v1.0", "v2.0"]

# Real ones are under 2 KiB; a client assertion or a claims request may be some KiB more.
MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 100

_FORM = "application/x-www-form-urlencoded"
_FIELDS = frozenset(
    {
        "claims",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "grant_type",
        "resource",
        "scope",
    }
)
_DEFAULT_SCOPE = "/.default"


@dataclass(frozen=True)
class ClientSecret:
    """A secret as it was sent."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class ClientCredentials:
    """Who asks for a token, how it proves that, and what it asks of the token's claims."""

    client_id: str
    proof: ClientSecret | ClientAssertion
    claims: ClaimsRequest
    resource: str  # as it was sent, at the older endpoint only


def read_credentials(
    body: bytes, *, content_type: str | None, authorization: Sequence[str], version: EndpointVersion
) -> ClientCredentials:
    """Return the credentials of a well-formed request for a token; raises OAuthError for any other."""
    form = _read_form(body, content_type=content_type)
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise missing_field("grant_type")
    if grant_type != "client_credentials":
        raise unsupported_grant(grant_type)
    proof = _assertion(form, authorization) if "client_assertion" in form else _basic(authorization)
    client_id = _client_id(form, proof)
    wanted = "scope" if version == "v2.0" else "resource"
    if wanted not in form:
        raise missing_field(wanted)
    if version == "v2.0" and not _is_default_scope(form["scope"].strip()):
        raise invalid_scope()
    return ClientCredentials(
        client_id,
        proof if isinstance(proof, ClientAssertion) else _secret(form, proof),
        claims=read_claims_request(form["claims"]) if "claims" in form else ClaimsRequest(),
        resource=form.get("resource", ""),
    )


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


def _client_id(form: dict[str, str], proof: "ClientAssertion | _Basic | None") -> str:
    named = form.get("client_id")
    match proof:
        case None:
            if named is None:
                raise missing_field("client_id")
            return named
        case ClientAssertion(claims=claims):
            # Which client it is, is known by the key; the name says which keys to try.
            if named is not None and named.lower() != claims.sub.lower():
                raise foreign_assertion()
            return claims.sub
        case _Basic(client_id=client_id):
            if named not in {None, client_id}:
                raise malformed("The request body and the Authorization header name different clients.")
            return client_id


def _secret(form: dict[str, str], basic: "_Basic | None") -> ClientSecret:
    if basic is not None and "client_secret" in form:
        raise _authenticated_twice()
    secret = basic.secret if basic is not None else form.get("client_secret")
    if not secret:
        raise missing_secret()
    return ClientSecret(secret)


def _assertion(form: dict[str, str], authorization: Sequence[str]) -> ClientAssertion:
    if "client_secret" in form or uses_basic(authorization):
        raise _authenticated_twice()
    if "client_assertion_type" not in form:
        raise missing_field("client_assertion_type")
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise malformed(f"The parameter 'client_assertion_type' must be {ASSERTION_TYPE}.")
    return read_assertion(form["client_assertion"])


@dataclass(frozen=True)
class _Basic:
    """What HTTP Basic says."""

    client_id: str
    secret: str = field(repr=False)


def _basic(authorization: Sequence[str]) -> _Basic | None:
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
    return _Basic(unquote_plus(client_id), unquote_plus(secret))


def _authenticated_twice() -> OAuthError:
    return malformed("The client authenticates twice; one secret or one client assertion is expected.")


def _unreadable_basic() -> OAuthError:
    return malformed("The Authorization header must be Basic with the client id and secret in base64.")


def _is_default_scope(scope: str) -> bool:
    return scope.endswith(_DEFAULT_SCOPE) and len(scope) > len(_DEFAULT_SCOPE) and " " not in scope
