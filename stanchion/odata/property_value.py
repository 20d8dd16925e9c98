"""The value that a path leads to within a stored entity.

- What the types declare and the entity lacks is null, a collection empty; so is what lies within null.
- What no type declares and the entity lacks is not there at all.
"""

from typing import Final

import msgspec

from stanchion.model.edm import Collection, Item

NULL: Final = msgspec.Raw(b"null")
_EMPTY = msgspec.Raw(b"[]")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def value_at(body: bytes, path: tuple[str, ...], kind: Item | Collection | None) -> msgspec.Raw | None:
    """Return the value as it is stored, `kind` being the type declared for it; None where there is no such value."""
    value = msgspec.Raw(body)
    for name in path:
        found = _MEMBERS.decode(value).get(name) if is_object(value) else None
        if found is None:
            return _absent(kind)
        value = found
    return value


def is_null(value: msgspec.Raw) -> bool:
    """Whether a value is null."""
    return bytes(value) == b"null"


def is_object(value: msgspec.Raw) -> bool:
    """Whether a value has members."""
    return bytes(value)[:1] == b"{"


def number_of_items(value: msgspec.Raw) -> int | None:
    """Return how many items a list has; None for what is no list."""
    return len(_ITEMS.decode(value)) if bytes(value)[:1] == b"[" else None


def as_text(value: msgspec.Raw) -> bytes | None:
    """Return a value without parts as the text that it is by itself, in UTF-8; None for one with parts."""
    text = bytes(value)
    match text[:1]:
        case b'"':
            return msgspec.json.decode(text, type=str).encode()
        case b"{" | b"[":
            return None
        case _:
            return text


def _absent(kind: Item | Collection | None) -> msgspec.Raw | None:
    if kind is None:
        return None
    return _EMPTY if isinstance(kind, Collection) else NULL
