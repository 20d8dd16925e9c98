r"""What Graph PowerShell makes of an entity (`Get-MgSecuritySecureScore | ConvertTo-Json -Depth 10`), undone.

- Names begin with a capital. What the cmdlets do not know lies in `AdditionalProperties`, at any level, under
  Graph's own names; it belongs onto the object around it.
- An absent value is null there; an absent object has nothing but nulls.
- Windows PowerShell 5.1 writes an instant as "\/Date(1700000000000)\/" (milliseconds since 1970, UTC), alone or as
  the `value` of an object with `DateTime` beside it, and some arrays as `{"value": [...], "Count": 2}`.
"""

import re
from collections.abc import Iterator

from stanchion.errors import BadRequest
from stanchion.model.edm import Collection, Item, Primitive, StructuredType
from stanchion.model.instant import format_instant
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.wording import shown

ADDITIONAL = "AdditionalProperties"

# What ConvertTo-Json puts where it stops at its depth, which is 2 unless a deeper one is asked for.
_CUT_OFF = re.compile(rb'"(?:@\{|System\.(?:Object|Collections)\b|Microsoft\.Graph\.PowerShell\.)')

_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)
_TICKS_PER_MILLISECOND = 10_000
_MAX_MILLISECONDS = 253_402_300_799_999  # the end of the year 9999
_MIN_MILLISECONDS = -62_135_596_800_000  # the beginning of the year 1
_WRAPPED_DATE = frozenset({"value", "DisplayHint", "DateTime"})
_WRAPPED_ARRAY = frozenset({"value", "Count"})


def is_powershell(value: JsonObject) -> bool:
    """Say whether an entity is as PowerShell writes it: its id is `Id`, or it has `AdditionalProperties`.

    Beside an `id` that is an object; anything else of the name is an open property of Graph's own form.
    """
    if "id" in value:
        return isinstance(value.get(ADDITIONAL), dict)
    return ADDITIONAL in value or "Id" in value


def was_cut_off(text: bytes) -> bool:
    """Say whether PowerShell cut the text of an entity off at a depth."""
    return _CUT_OFF.search(text) is not None


def graph_form(value: JsonObject, kind: StructuredType) -> JsonObject:
    """Return the entity of this type as Graph names it; raises BadRequest where two names become one."""
    return _object(value, kind)


def laid_flat(value: JsonObject) -> JsonObject:
    """Return the entity under Graph's names, its values as PowerShell wrote them."""
    return dict(_members(value))


def _object(value: JsonObject, kind: StructuredType | None) -> JsonObject:
    result: JsonObject = {}
    for name, member in _members(value):
        prop = kind.by_name.get(name) if kind is not None else None
        found = _value(member, prop.type if prop is not None else None)
        # A property that a newer cmdlet knows may stand empty beside what Graph sent.
        if result.get(name) is not None and found is not None:
            raise BadRequest(f"The name {shown(name)} appears twice, once in {ADDITIONAL}.", target=name)
        if result.get(name) is None:
            result[name] = found
    return result


def _members(value: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    for name, member in value.items():
        if name != ADDITIONAL:
            yield name[:1].lower() + name[1:], member
        elif isinstance(member, dict):
            yield from member.items()
        elif member not in (None, [], ""):
            raise BadRequest(f"'{ADDITIONAL}' must be an object.", target=ADDITIONAL)


def _value(value: JsonValue, kind: Item | Collection | None) -> JsonValue:
    match value:
        case dict():
            return _unwrapped(value, kind)
        case list():
            return [_item(member, kind.item if isinstance(kind, Collection) else None) for member in value]
        case str() if _may_be_instant(kind) and _DATE.fullmatch(value):
            return _instant(value)
        case _:
            return value


def _unwrapped(value: JsonObject, kind: Item | Collection | None) -> JsonValue:
    inner = value.get("value")
    if isinstance(inner, list) and value.keys() == _WRAPPED_ARRAY:
        return _value(inner, kind)
    if isinstance(inner, str) and value.keys() <= _WRAPPED_DATE and _DATE.fullmatch(inner):
        return _instant(inner)
    return _nested(value, kind)


def _item(value: JsonValue, kind: Item | None) -> JsonValue:
    # In an array an object of nothing but nulls stays one: no array holds null.
    if isinstance(value, dict) and isinstance(kind, StructuredType):
        return _object(value, kind)
    return _value(value, kind)


def _nested(value: JsonObject, kind: Item | Collection | None) -> JsonValue:
    """Return an object inside an entity; a declared one of nothing but nulls stands for null."""
    if not isinstance(kind, StructuredType):
        return _open_object(value)
    found = _object(value, kind)
    return found if any(member is not None for member in found.values()) else None


def _open_object(value: JsonObject) -> JsonObject:
    """Return an object that no type declares: made by a cmdlet, or as Graph sent it."""
    if ADDITIONAL in value:
        return _object(value, None)
    return {name: _value(member, None) for name, member in value.items()}


def _may_be_instant(kind: Item | Collection | None) -> bool:
    return kind is None or kind == Primitive("Edm.DateTimeOffset")


def _instant(text: str) -> str:
    found = _DATE.fullmatch(text)
    milliseconds = int(found[1]) if found is not None else 0
    if not _MIN_MILLISECONDS <= milliseconds <= _MAX_MILLISECONDS:
        raise BadRequest(f"{shown(text)} lies outside the years 1 to 9999.")
    whole, fraction = format_instant(milliseconds * _TICKS_PER_MILLISECOND)[:-1].split(".")
    return f"{whole}Z" if fraction == "000000" else f"{whole}.{fraction.rstrip('0')}Z"
