"""Literals of a filter: what a token stands for.

- A whole number beyond 64 bits is a double; one beyond every double is refused, as no value stored equals it.
- An instant needs its zone and may leave out its seconds; digits beyond 100 ns are cut.
- Guids, durations and times of day can be written in OData, but no property here has their type.

Source: OData 4.01 ABNF, section 7.
"""

import math
import re
from datetime import date

from stanchion.errors import NotImplementedFeature
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import MAX_INTEGER, MIN_INTEGER
from stanchion.model.wording import shown
from stanchion.odata.filter.syntax import Constant
from stanchion.odata.filter.tokens import Token, refused, unquoted

_INTEGER = re.compile(r"-?[0-9]++")
_DOUBLE = re.compile(r"-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt].*+")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]++)?)?")
_INFINITE = {"inf": math.inf, "-inf": -math.inf}
# As many digits as the longest 64-bit integer, with its sign.
_MOST_DIGITS = 20
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# Names that stand before a quoted literal; of other OData versions or of types that no property has.
_OTHER_PREFIXES = frozenset(
    {"binary", "duration", "geography", "geometry", "datetime", "datetimeoffset", "guid", "time"}
)


def not_offered(what: str, place: int, *, name: str = "$filter") -> NotImplementedFeature:
    """Return the failure for a part of OData that this server leaves out."""
    return NotImplementedFeature(
        f"{what} is not offered, at character {place} of '{name}'.", target="$filter"
    )


def word_constant(token: Token) -> Constant | None:
    """Return what `true`, `false`, `null`, `INF` and `NaN` stand for, in any case; None for other words."""
    match token.text.lower():
        case "true":
            return Constant(token.place, "boolean", value=True, text=token.text)
        case "false":
            return Constant(token.place, "boolean", value=False, text=token.text)
        case "null":
            return Constant(token.place, "null", None, token.text)
        case "inf":
            return Constant(token.place, "double", math.inf, token.text)
        case "nan":
            raise not_offered("NaN", token.place)
        case _:
            return None


def string_constant(token: Token) -> Constant:
    """Return the literal of a string token."""
    return Constant(token.place, "string", unquoted(token), token.text)


def guid_constant(token: Token) -> Constant:
    """Return the literal of a guid, which nothing compares with; ids of tenants are strings."""
    return Constant(token.place, "guid", token.text, token.text)


def prefixed_constant(prefix: Token, token: Token) -> Constant:
    """Return the literal of a quoted name with its type before it."""
    if prefix.text.lower() in _OTHER_PREFIXES:
        raise not_offered(
            f"A literal such as {prefix.text}'...' (an instant is written 2026-01-31T00:00:00Z, without quotes)",
            prefix.place,
        )
    text = f"{prefix.text}{token.text}"
    return Constant(prefix.place, "enumeration", unquoted(token), text, prefix=prefix.text)


def number_constant(token: Token) -> Constant:
    """Return the literal of what begins with a digit; raises BadRequest for what is none."""
    text = token.text
    if _INTEGER.fullmatch(text) and len(text) <= _MOST_DIGITS:
        value = int(text)
        if MIN_INTEGER <= value <= MAX_INTEGER:
            return Constant(token.place, "integer", value, text)
    if _DOUBLE.fullmatch(text):
        return _double(token)
    if _DATE.fullmatch(text):
        return Constant(token.place, "date", _days(token), text)
    if _INSTANT.fullmatch(text):
        return _instant(token)
    if text.lower() in _INFINITE:
        return Constant(token.place, "double", _INFINITE[text.lower()], text)
    if _TIME.fullmatch(text):
        raise not_offered("A time of day", token.place)
    raise refused(f"{token.shown} is neither a number nor a date", token.place)


def _double(token: Token) -> Constant:
    value = float(token.text)
    if math.isinf(value):
        raise refused(f"The number {token.text[:24]} is too large for a double", token.place)
    return Constant(token.place, "double", value, token.text)


def _days(token: Token) -> int:
    try:
        return date.fromisoformat(token.text).toordinal() - _EPOCH_DAY
    except ValueError:
        raise refused(f"{shown(token.text)} is not a day of the calendar", token.place) from None


def _instant(token: Token) -> Constant:
    try:
        ticks = parse_instant(token.text)
    except ValueError:
        raise refused(
            f"{token.shown} is not an instant with its zone, such as 2026-01-31T00:00:00Z", token.place
        ) from None
    zone = "Z" if token.text[-1] in "Zz" else token.text[-6:]
    return Constant(token.place, "instant", ticks, token.text, prefix=zone)
