"""What the words of a filter mean, in Python: shared neither with the parser nor with the compiler.

Source: the wording of OData 4.01 URL 5.1.1, and our choices where it leaves any. None stands for null.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from stanchion.model.json_text import JsonValue

Env: TypeAlias = Mapping[str, JsonValue]
Meaning: TypeAlias = Callable[[Env], JsonValue]

BLANKS = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt](\d\d):(\d\d)(?::(\d\d))?(?:\.(\d{1,12}))?([Zz]|[+-]\d\d:\d\d))?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ticks(value: JsonValue) -> int | None:
    """Count 100 ns since 1970 of an instant, or of the midnight of a date; None for any other value."""
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    try:
        since = datetime(int(year), int(month), int(day), *clock, tzinfo=UTC) - _EPOCH
    except ValueError:
        return None
    seconds = since.days * 86400 + since.seconds
    if zone is not None and zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        if hours > 23 or minutes > 59:
            return None
        seconds -= (1 if zone[0] == "+" else -1) * (hours * 3600 + minutes * 60)
    return seconds * 10_000_000 + int((fraction or "").ljust(7, "0")[:7])


def moment(count: int) -> datetime:
    """Return the instant of so many ticks, to the microsecond."""
    return _EPOCH + timedelta(microseconds=count // 10)


def as_kind(value: JsonValue, kind: str) -> JsonValue:
    """Return a value of JSON as one of a kind; null where it is of another."""
    match kind, value:
        case "time", _:
            return ticks(value)
        case "truth", bool():
            return value
        case "number", int() | float() if not isinstance(value, bool):
            return float(value)
        case "text", str():
            return value
        case _:
            return None


def at(source: str, path: str, kind: str) -> Meaning:
    """Read a member as a kind, or as it is where no kind is named."""

    def read(env: Env) -> JsonValue:
        value = env[source]
        for name in path.split("/") if path else []:
            value = value.get(name) if isinstance(value, dict) else None
        return as_kind(value, kind) if kind else value

    return read


def order(a: JsonValue, b: JsonValue) -> int | None:
    """Say which comes first: -1, 0 or 1; None where they have no order."""
    match a, b:
        case bool(), bool():
            return int(a) - int(b)
        case bool(), _:
            return None
        case int() | float(), int() | float() if not isinstance(b, bool):
            return (a > b) - (a < b)
        case str(), str():
            return (a > b) - (a < b)
        case _:
            return None


def is_equal(a: JsonValue, b: JsonValue) -> bool:
    """Say whether two values are equal: nulls are, and values of one kind."""
    return (a is None and b is None) or order(a, b) == 0


def compared(word: str, a: JsonValue, b: JsonValue) -> bool:
    """Compare by a word of the language."""
    found = order(a, b)
    match word:
        case "eq":
            return is_equal(a, b)
        case "ne":
            return not is_equal(a, b)
        case "gt":
            return found is not None and found > 0
        case "ge":
            return found is not None and found >= 0
        case "lt":
            return found is not None and found < 0
        case _:
            return found is not None and found <= 0


def all_of(values: list[JsonValue]) -> JsonValue:
    """Join by `and`: false where one is false, else null where one is null."""
    return False if False in values else None if None in values else True


def any_of(values: list[JsonValue]) -> JsonValue:
    """Join by `or`: true where one is true, else null where one is null."""
    return True if True in values else None if None in values else False


def calculated(word: str, a: float, b: float) -> float | None:
    """Calculate in doubles; null where there is no number."""
    match word:
        case "add":
            return _number(a + b)
        case "sub":
            return _number(a - b)
        case "mul":
            return _number(a * b)
        case "mod":
            return _remainder(a, b)
        case "quotient":
            whole = None if b == 0 else _number(a / b)
            return None if whole is None else float(math.trunc(max(-(2.0**63), min(whole, 2.0**63))))
        case _:
            return None if b == 0 else _number(a / b)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _remainder(a: float, b: float) -> float | None:
    if b == 0:
        return None
    if abs(b) > abs(a):
        return a
    if abs(a) > 2**53 or abs(a) > 2**53 * abs(b):
        return None
    return a - b * math.trunc(a / b)


def substring(text: str, start: float, length: float | None = None) -> str:
    """Cut a text; a negative start counts from the end."""
    first = int(max(min(start, 10.0**9), -(10.0**9)))
    first = max(len(text) + first, 0) if first < 0 else first
    return text[first:] if length is None else text[first:][: int(max(min(length, 10.0**9), 0))]


def fold(text: str, *, up: bool) -> str:
    """Change the case of A to Z."""
    return "".join((c.upper() if up else c.lower()) if c.isascii() else c for c in text)
