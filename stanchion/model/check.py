"""Judging values against the entity data model: what may be stored, and when two values are the same.

- Names that a type does not declare are kept where the type is open and refused where it is closed.
- Null stands only where the property is nullable; a null collection is an empty one (OData JSON 4.01, 7.4).
- Int32 is a JSON integer, Double any JSON number, DateTimeOffset a text with zone; Booleans are no numbers.
- Control information is dropped at any depth: `@odata.type`, and as 4.01 has it `@type` (OData JSON 4.01, 4.6).
"""

import unicodedata
from typing import TypeAlias

from stanchion.errors import BadRequest
from stanchion.model.edm import (
    Collection,
    Column,
    EntitySet,
    Enumeration,
    Item,
    Primitive,
    Property,
    StructuredType,
)
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import JsonObject, JsonValue, json_kind
from stanchion.model.wording import did_you_mean, shown

MAX_ID_CHARACTERS = 256
# Of a text by which entities are looked up: with an id beside it, it must fit into a row of PostgreSQL's indexes.
MAX_LOOKED_UP_CHARACTERS = 256
LOOKED_UP = (("controlCategory",), ("vendorInformation", "provider"))
_INT32 = range(-(2**31), 2**31)
# As names of 4.01, which leaves out their prefix (OData JSON 4.01, 4.6).
_CONTROL_INFORMATION = frozenset(
    {
        "bind",
        "context",
        "count",
        "deltaLink",
        "editLink",
        "etag",
        "id",
        "metadataEtag",
        "navigationLink",
        "associationLink",
        "nextLink",
        "readLink",
        "removed",
        "type",
    }
)

ColumnValue: TypeAlias = "bool | int | float | str | None"
Path: TypeAlias = tuple[str | int, ...]


def check_entity(value: JsonObject, entity_set: EntitySet, *, whole: bool) -> JsonObject:
    """Return the entity, or the part of one, without control information and with null collections emptied.

    `whole` asks for every property that is never null, the id among them. Raises BadRequest whose `target`
    is the path of the first value at fault, such as `controlScores/0/score`.
    """
    checked = _members(value, entity_set.type, path=())
    if "id" in checked:
        _check_id(checked["id"])
    for path in LOOKED_UP:
        _check_looked_up(checked, path)
    if whole:
        check_whole(checked, entity_set)
    return checked


def check_whole(checked: JsonObject, entity_set: EntitySet) -> None:
    """Raise BadRequest unless a checked part has all that is never null, and an id that can be one."""
    for prop in entity_set.type.properties:
        if not _may_be_absent(prop) and prop.name not in checked:
            raise BadRequest(f"The property '{prop.name}' is required.", target=prop.name)
    if "id" in checked:
        _check_id(checked["id"])


def complete(value: JsonObject, entity_set: EntitySet) -> JsonObject:
    """Return the entity with its absent declared properties appended as null or `[]`, in declared order.

    Properties that are never null are not made up: they stay absent.
    """
    absent: JsonObject = {
        prop.name: [] if isinstance(prop.type, Collection) else None
        for prop in entity_set.type.properties
        if prop.name not in value and _may_be_absent(prop)
    }
    return {**value, **absent}


def same_value(a: JsonValue, b: JsonValue, kind: Item | Collection | None) -> bool:
    """Whether two checked values say the same; `kind` is None for a value that no type declares.

    Numbers compare numerically, instants by microsecond, text by code point: many clients have no finer clock
    and send back what they read cut to it. A member that is absent is null,
    and a null collection an empty one.
    """
    match kind:
        case Collection():
            a, b = ([] if a is None else a), ([] if b is None else b)
        case Primitive("Edm.DateTimeOffset") if isinstance(a, str) and isinstance(b, str):
            return a == b or _microseconds(a) == _microseconds(b) is not None
    match a, b:
        case dict(), dict():
            return _same_members(a, b, kind if isinstance(kind, StructuredType) else None)
        case list(), list():
            item = kind.item if isinstance(kind, Collection) else None
            return len(a) == len(b) and all(same_value(x, y, item) for x, y in zip(a, b, strict=True))
        case _:
            # In Python a Boolean equals a number: true and 1 differ in JSON.
            return a == b and isinstance(a, bool) == isinstance(b, bool)


def column_values(entity_set: EntitySet, value: JsonObject) -> dict[str, ColumnValue]:
    """Return the value of each column of the set's table; None where absent or of another type."""
    return {column.name: column_value(column, value) for column in entity_set.columns}


def column_value(column: Column, value: JsonObject) -> ColumnValue:
    """Return the value of one column of an entity; None where absent or of another type."""
    found: JsonValue = value
    for name in column.path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    # Most columns of most entities are null or text, and every write reads all of them.
    if found is None or (isinstance(found, str) and column.type.name == "Edm.String"):
        return found
    match column.type.name, found:
        case "Edm.DateTimeOffset", str():
            return _ticks(found)
        case "Edm.Double", int() | float() if not isinstance(found, bool):
            return float(found)
        case _, bool() | int() | str() if _fits(found, column.type):
            return found
        case _:
            return None


def refuse_unusable_id(made: str, *, of: str, hint: str = "") -> None:
    """Raise BadRequest where what an id was made of, such as the provider's name, made one that no request can name.

    `of` says what would be kept under it.
    """
    if not is_id(made):
        raise BadRequest(
            f"The {of} would be kept as {shown(made)}; an id is 1 to {MAX_ID_CHARACTERS} characters without control "
            f"characters.{hint}",
            target="id",
        )


def is_id(text: str) -> bool:
    """Whether an entity may have this id: 1 to 256 characters, none of them a control character."""
    if not 1 <= len(text) <= MAX_ID_CHARACTERS:
        return False
    return text.isprintable() or not any(unicodedata.category(c) == "Cc" for c in text)


def _members(value: JsonObject, kind: StructuredType, *, path: Path) -> JsonObject:
    checked: JsonObject = {}
    for name, member in value.items():
        if _is_control_information(name):
            continue
        prop = kind.by_name.get(name)
        if prop is not None:
            checked[name] = _property_value(member, prop, path=(*path, name))
        elif kind.is_open:
            checked[name] = _without_control_information(member)
        else:
            raise BadRequest(
                f"Could not find a property named {shown(name)} on type 'microsoft.graph.{kind.name}'"
                f"{_place(path)}.{did_you_mean(name, kind.by_name)}",
                target=_text((*path, shown(name)[1:-1])),
            )
    return checked


def _property_value(value: JsonValue, prop: Property, *, path: Path) -> JsonValue:
    if isinstance(prop.type, Collection):
        return _items(value, prop.type.item, path=path)
    if value is not None:
        return _item(value, prop.type, path=path)
    if not prop.nullable:
        raise _refused(None, _wanted(prop.type), path=path)
    return None


def _items(value: JsonValue, item: Item, *, path: Path) -> JsonValue:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _refused(value, f"an array of which each item is {_wanted(item)}", path=path)
    return [_item(member, item, path=(*path, index)) for index, member in enumerate(value)]


def _item(value: JsonValue, kind: Item, *, path: Path) -> JsonValue:
    if isinstance(kind, StructuredType) and isinstance(value, dict):
        return _members(value, kind, path=path)
    if not _fits(value, kind):
        raise _refused(value, _wanted(kind), path=path)
    return value


def _fits(value: JsonValue, kind: Item) -> bool:
    match kind:
        case StructuredType():
            return False
        case Enumeration():
            return isinstance(value, str) and value in kind.members
        case Primitive("Edm.String"):
            return isinstance(value, str)
        case Primitive("Edm.Boolean"):
            return isinstance(value, bool)
        case Primitive("Edm.Int32"):
            return isinstance(value, int) and not isinstance(value, bool) and value in _INT32
        case Primitive("Edm.Double"):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Primitive():
            return isinstance(value, str) and _ticks(value) is not None


def _wanted(kind: Item) -> str:
    match kind:
        case StructuredType():
            return f"an object (microsoft.graph.{kind.name})"
        case Enumeration():
            return f"one of {', '.join(kind.members)} (microsoft.graph.{kind.name})"
        case Primitive(name):
            return _WANTED[name]


_WANTED = {
    "Edm.String": "a string (Edm.String)",
    "Edm.Boolean": "true or false (Edm.Boolean)",
    "Edm.Int32": "a whole number from -2147483648 to 2147483647 (Edm.Int32)",
    "Edm.Double": "a number (Edm.Double)",
    "Edm.DateTimeOffset": "an instant with its zone, such as 2026-01-31T00:00:00Z (Edm.DateTimeOffset)",
}


def _refused(value: JsonValue, wanted: str, *, path: Path) -> BadRequest:
    found = json_kind(value)
    if isinstance(value, str):
        found = f"the string {shown(value)}"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = f"the number {value}"
    return BadRequest(f"The value of '{_text(path)}' must be {wanted}, not {found}.", target=_text(path))


def _check_id(value: JsonValue) -> None:
    if not (isinstance(value, str) and is_id(value)):
        raise BadRequest(
            f"The value of 'id' must be 1 to {MAX_ID_CHARACTERS} characters without control characters.",
            target="id",
        )


def _check_looked_up(value: JsonObject, path: tuple[str, ...]) -> None:
    found: JsonValue = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str) and len(found) > MAX_LOOKED_UP_CHARACTERS:
        raise BadRequest(
            f"The value of '{_text(path)}' must have at most {MAX_LOOKED_UP_CHARACTERS} characters, "
            f"not {len(found):,}.",
            target=_text(path),
        )


def _may_be_absent(prop: Property) -> bool:
    return prop.nullable or isinstance(prop.type, Collection)


def _is_control_information(name: str) -> bool:
    _, at, what = name.rpartition("@")
    return bool(at) and ("@odata." in name or what in _CONTROL_INFORMATION)


def _without_control_information(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {
                name: _without_control_information(member)
                for name, member in value.items()
                if not _is_control_information(name)
            }
        case list():
            return [_without_control_information(member) for member in value]
        case _:
            return value


def _same_members(a: JsonObject, b: JsonObject, kind: StructuredType | None) -> bool:
    declared = kind.by_name if kind is not None else {}
    return all(
        same_value(a.get(name), b.get(name), declared[name].type if name in declared else None)
        for name in a.keys() | b.keys()
    )


def _microseconds(text: str) -> int | None:
    ticks = _ticks(text)
    return ticks // 10 if ticks is not None else None


def _ticks(text: str) -> int | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _text(path: Path) -> str:
    return "/".join(map(str, path))


def _place(path: Path) -> str:
    return f" in '{_text(path)}'" if path else ""
