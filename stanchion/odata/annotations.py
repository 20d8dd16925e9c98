"""The control information of `odata.metadata=full`, written into stored JSON (OData JSON 4.01, 3.1.2 and 4.6).

- Each entity has its type, its id and the address to edit it; each complex value its type.
- A declared property has its type beside it, unless JSON tells it: text, true and false, and Double as a number.
- Null has no type, nor has what no type declares.
"""

import msgspec

from stanchion.model.edm import Collection, Enumeration, Item, Primitive, StructuredType
from stanchion.model.schema import NAMESPACE

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_SELF_EVIDENT = frozenset({"Edm.String", "Edm.Boolean", "Edm.Double"})


def type_annotation(kind: Item | Collection) -> str | None:
    """Return the type as `@odata.type` has it, None where JSON tells it."""
    match kind:
        case Primitive(name):
            return None if name in _SELF_EVIDENT else f"#{_short(kind)}"
        case Collection(item):
            return f"#Collection({_short(item)})"
        case Enumeration() | StructuredType():
            return f"#{_short(kind)}"


def annotated(value: bytes | msgspec.Raw, kind: StructuredType, *, address: str | None = None) -> bytes:
    """Return the JSON object of a type with its control information; an entity has an address."""
    members: dict[str, object] = {"@odata.type": type_annotation(kind)}
    if address is not None:
        members |= {"@odata.id": address, "@odata.editLink": address}
    for name, member in _MEMBERS.decode(value).items():
        prop = kind.by_name.get(name)
        if prop is None or _is_null(member):
            members[name] = member
            continue
        annotation = type_annotation(prop.type)
        if annotation is not None and not isinstance(prop.type, StructuredType):
            members[f"{name}@odata.type"] = annotation
        members[name] = annotated_value(member, prop.type)
    return msgspec.json.encode(members)


def annotated_value(value: msgspec.Raw, kind: Item | Collection) -> msgspec.Raw:
    """Return a value of a type, each object within it with its control information."""
    match kind:
        case StructuredType() if not _is_null(value):
            return msgspec.Raw(annotated(value, kind))
        case Collection(StructuredType() as item):
            parts = (bytes(annotated_value(part, item)) for part in _ITEMS.decode(value))
            return msgspec.Raw(b"[%b]" % b",".join(parts))
        case _:
            return value


def _is_null(value: msgspec.Raw) -> bool:
    return bytes(value) == b"null"


def _short(kind: Item) -> str:
    return kind.name.removeprefix("Edm.") if isinstance(kind, Primitive) else f"{NAMESPACE}.{kind.name}"
