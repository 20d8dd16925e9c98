"""One list of entities in every shape that an import reads, and what an import reads out of a file."""

import gzip
import json
import zipfile
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TypeAlias, cast

from stanchion.importers.graph import Fault, Format, Found, GraphExport
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, Collection, EntitySet, Item, StructuredType
from stanchion.model.json_text import JsonObject, JsonValue, parse_object

TENANT = "12345678-1234-1234-1234-1234567890ab"
SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "graph"
ROOT = "https://graph.microsoft.com/v1.0/$metadata#"

Entities: TypeAlias = Sequence[tuple[EntitySet, JsonObject]]


def read(data: "JsonValue | bytes", *, asked: Format | None = None) -> list[tuple[EntitySet, JsonObject]]:
    """Return the entities of a file in which nothing is refused."""
    parts = parts_of(data, asked=asked)
    assert not [part for part in parts if isinstance(part, Fault)], parts
    return [(part.entity_set, part.value) for part in parts if isinstance(part, Found)]


def faults(data: "JsonValue | bytes", *, asked: Format | None = None) -> list[Fault]:
    """Return what is refused of a file."""
    return [part for part in parts_of(data, asked=asked) if isinstance(part, Fault)]


def parts_of(data: "JsonValue | bytes", *, asked: Format | None = None) -> list[Found | Fault]:
    """Return all that an import reads out of a file."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return list(GraphExport(raw, asked=asked).entities(tenant_id=TENANT))


def sample(name: str) -> list[JsonObject]:
    """Return the entities of a real answer of Graph."""
    return cast("list[JsonObject]", parse_object((SAMPLES / name).read_bytes())["value"])


def page(entities: Entities) -> JsonValue:
    """Return a page of Graph."""
    return {"@odata.context": ROOT, "@odata.count": len(entities), "value": values(entities)}


def pages(entities: Entities) -> JsonValue:
    """Return an array of pages, one for each entity."""
    return [{"value": [value]} for _, value in entities]


def array(entities: Entities) -> JsonValue:
    """Return a bare array."""
    return values(entities)


def combined(entities: Entities) -> JsonValue:
    """Return scores as a page and profiles as an array, in one object."""
    return {
        "secureScore": {"value": [value for entity_set, value in entities if entity_set is SECURE_SCORES]},
        "profiles": [value for entity_set, value in entities if entity_set is CONTROL_PROFILES],
        "exported": "2026-01-31",
    }


def ndjson(entities: Entities) -> bytes:
    """Return one entity a line."""
    return b"".join(json.dumps(value).encode() + b"\n" for _, value in entities)


def jq(entities: Entities) -> bytes:
    """Return the entities one after another, each over several lines."""
    return b"\n".join(json.dumps(value, indent=2).encode() for _, value in entities)


def powershell(entities: Entities) -> JsonValue:
    """Return what Graph PowerShell makes of the entities: one object, or an array of several."""
    objects: list[JsonValue] = [pascal(value, entity_set.type) for entity_set, value in entities]
    return objects[0] if len(objects) == 1 else objects


def powershell_5(entities: Entities) -> JsonValue:
    """Return what Windows PowerShell makes of an array at times."""
    return {
        "value": [pascal(value, entity_set.type) for entity_set, value in entities],
        "Count": len(entities),
    }


def pascal(value: JsonObject, kind: StructuredType) -> JsonObject:
    """Return an object as a cmdlet has it: declared names with a capital, all others aside, null for absent."""
    declared: JsonObject = {
        prop.name[0].upper() + prop.name[1:]: _pascal(value.get(prop.name), prop.type)
        for prop in kind.properties
    }
    others: JsonObject = {name: member for name, member in value.items() if name not in kind.by_name}
    return {**declared, "AdditionalProperties": others}


def _pascal(value: JsonValue, kind: Item | Collection) -> JsonValue:
    if isinstance(kind, Collection) and isinstance(value, list):
        return [_pascal(member, kind.item) for member in value]
    if isinstance(kind, StructuredType) and isinstance(value, dict):
        return pascal(value, kind)
    return value


def values(entities: Entities) -> list[JsonValue]:
    """Return the entities alone."""
    return [value for _, value in entities]


def zipped(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of these files."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


SHAPES: tuple[Callable[[Entities], "JsonValue | bytes"], ...] = (
    page,
    pages,
    array,
    combined,
    ndjson,
    jq,
    powershell,
    powershell_5,
)

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "utf-16 little-endian with a mark": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "utf-16 big-endian with a mark": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "utf-16 little-endian": lambda text: text.encode("utf-16-le"),
    "utf-16 big-endian": lambda text: text.encode("utf-16-be"),
    "utf-32 with a mark": lambda text: text.encode("utf-32"),
}

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "gzip of two members": lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:]) + bytes(512),
}


def as_bytes(value: "JsonValue | bytes") -> bytes:
    """Return what a file of this shape has in it."""
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
