"""Claims challenges: what a client is asked for when its token counts no more, and how it asks (OIDC Core 5.5).

- A client says that it can be challenged by asking for `xms_cc` with `cp1` in its token. Others get none: they
  would take it for an error.
- The challenge asks for a token that begins no earlier (`nbf`) than those that count; in the header of the 401
  it stands as base64 of JSON.
- The client sends the same `claims` to the token endpoint, often along with `xms_cc`. What else it asks for is
  ignored, as by Entra.
"""

from base64 import b64encode
from dataclasses import dataclass

from stanchion.access.oauth_error import malformed
from stanchion.errors import BadRequest
from stanchion.model.json_text import JsonObject, JsonValue, dump_json, parse_object

CHALLENGEABLE = "cp1"
REVOKED = (
    "Continuous access evaluation resulted in claims challenge with result: InteractionRequired and code: "
    "TokenIssuedBeforeRevocationTimestamp"
)

# It is read before its client has proven anything. Real ones have some ten values.
MAX_CLAIMS_VALUES = 100
# More than 64 bits of seconds are no moment.
_MAX_DIGITS = 18


@dataclass(frozen=True)
class ClaimsRequest:
    """What a request for a token asks of the token's claims."""

    challengeable: bool = False
    not_before_seconds: int = 0


def is_challengeable(capabilities: tuple[str, ...] | None) -> bool:
    """Say whether the client of a token with these in `xms_cc` can be challenged."""
    return any(each.lower() == CHALLENGEABLE for each in capabilities or ())


def challenge_for(seconds: int) -> str:
    """Return the challenge that asks for a token of this moment or later."""
    wanted = {"access_token": {"nbf": {"essential": True, "value": str(seconds)}}}
    return b64encode(dump_json(wanted)).decode()


def read_claims_request(text: str) -> ClaimsRequest:
    """Return what `claims` asks for; raises OAuthError for what is no JSON object, or a large one."""
    try:
        wanted = parse_object(text.encode(errors="surrogatepass"), max_values=MAX_CLAIMS_VALUES)
    except BadRequest:
        raise malformed(
            f"The parameter 'claims' must be a JSON object of at most {MAX_CLAIMS_VALUES} values."
        ) from None
    token = _object(wanted.get("access_token"))
    capabilities = _values(_object(token.get("xms_cc")))
    return ClaimsRequest(
        challengeable=is_challengeable(tuple(each for each in capabilities if isinstance(each, str))),
        not_before_seconds=max(map(_seconds, _values(_object(token.get("nbf")))), default=0),
    )


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _values(wanted: JsonObject) -> list[JsonValue]:
    values = wanted.get("values")
    return values if isinstance(values, list) else [wanted.get("value")]


def _seconds(value: JsonValue) -> int:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        return int(value)
    return 0
