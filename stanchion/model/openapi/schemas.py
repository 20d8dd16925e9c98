"""The schemas of what is answered, in JSON Schema 2020-12: entities, pages, properties, errors.

- Names are those of the entity types; a closed type allows no further names but control information.
- Of an entity nothing is required: `$select` may leave any property out.
- A property is null where the model lets it be; a collection never is.
"""

from collections.abc import Iterable

from stanchion.model.check import LOOKED_UP, MAX_LOOKED_UP_CHARACTERS
from stanchion.model.edm import (
    Collection,
    EntitySet,
    Enumeration,
    Item,
    Primitive,
    Property,
    RootName,
    StructuredType,
)
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.schema import types_within

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
_PRIMITIVES: dict[str, JsonObject] = {
    "Edm.String": {"type": "string"},
    "Edm.Boolean": {"type": "boolean"},
    "Edm.Int32": {"type": "integer", "format": "int32", "minimum": INT32_MIN, "maximum": INT32_MAX},
    "Edm.Double": {"type": "number", "format": "double"},
    "Edm.DateTimeOffset": {"type": "string", "format": "date-time"},
}
# Such as `@odata.type` and `score@odata.type`: never stored, and answered when the caller asks for all metadata.
CONTROL_INFORMATION = "@odata\\."
CONTEXT: JsonObject = {
    "type": "string",
    "format": "uri",
    "description": "What the answer is, by `$metadata`.",
}


def reference(name: str) -> JsonObject:
    """Return the reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def entity_schemas(sets: Iterable[EntitySet]) -> dict[str, JsonObject]:
    """Return the schema of every type of the sets, by its name."""
    kinds: dict[str, Item] = {}
    for entity_set in sets:
        for kind in types_within(entity_set.type):
            if not isinstance(kind, Primitive):
                kinds.setdefault(kind.name, kind)
    return {name: _schema(kind) for name, kind in sorted(kinds.items())}


def property_schema(prop: Property) -> JsonObject:
    """Return the schema of a property's values."""
    schema = _nullable(type_schema(prop.type), nullable=prop.nullable)
    limit: JsonObject = {"maxLength": MAX_LOOKED_UP_CHARACTERS} if _is_looked_up(prop) else {}
    return {"description": prop.description, **schema, **limit}


def type_schema(kind: Item | Collection) -> JsonObject:
    """Return the schema of the values of a type, which are not null."""
    match kind:
        case Collection(item):
            return {"type": "array", "items": type_schema(item)}
        case Primitive(name):
            return dict(_PRIMITIVES[name])
        case Enumeration() | StructuredType():
            return reference(kind.name)


def page_schema(entity_set: EntitySet) -> JsonObject:
    """Return the schema of a page of a set."""
    return {
        "type": "object",
        "description": f"A page of {entity_set.name}; `@odata.nextLink` is there while more follow.",
        "required": ["value"],
        "properties": {
            "@odata.context": CONTEXT,
            "@odata.count": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "description": "How many entities there are on all pages, where `$count=true` asked.",
            },
            "@odata.nextLink": {"type": "string", "format": "uri", "description": "Where the next page is."},
            "value": {"type": "array", "items": reference(entity_set.type.name)},
        },
        "additionalProperties": False,
    }


def delta_schema(entity_set: EntitySet) -> JsonObject:
    """Return the schema of a page of changes."""
    removed: JsonObject = {
        "type": "object",
        "description": "An entity that is there no more.",
        "required": ["id", "@removed"],
        "properties": {
            "id": {"type": "string"},
            "@removed": {
                "type": "object",
                "required": ["reason"],
                "properties": {"reason": {"type": "string", "enum": ["changed", "deleted"]}},
            },
        },
    }
    link: JsonObject = {"type": "string", "format": "uri"}
    return {
        "type": "object",
        "description": f"What changed in {entity_set.name}, and where to ask on.",
        "required": ["value"],
        "properties": {
            "@odata.context": CONTEXT,
            "@odata.nextLink": {**link, "description": "Where the next page of this round is."},
            "@odata.deltaLink": {**link, "description": "Where to ask later for what changed since."},
            "value": {"type": "array", "items": {"anyOf": [removed, reference(entity_set.type.name)]}},
        },
        "additionalProperties": False,
    }


def value_schema() -> JsonObject:
    """Return the schema of one property: its context with `value`, or with the members of a complex value."""
    return {
        "type": "object",
        "description": "A property: in `value`, or member by member where it is complex.",
        "properties": {
            "@odata.context": CONTEXT,
            "value": {"description": "Its value, where it is not complex."},
        },
    }


def common_schemas(root: RootName) -> dict[str, JsonObject]:
    """Return the schemas that no entity type declares."""
    service: JsonObject = {
        "type": "object",
        "required": ["value"],
        "properties": {
            "@odata.context": CONTEXT,
            "value": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "kind", "url"],
                    "properties": {
                        "name": {"type": "string"},
                        "kind": {"type": "string"},
                        "url": {"type": "string"},
                    },
                },
            },
        },
    }
    singleton: JsonObject = {
        "type": "object",
        "description": f"The singleton that contains the sets of /{root}; it has no properties of its own.",
        "properties": {"@odata.context": CONTEXT},
    }
    return {"odataError": _error(), "security": singleton, "serviceDocument": service}


def _error() -> JsonObject:
    text: JsonObject = {"type": "string"}
    inner: JsonObject = {
        "type": "object",
        "required": ["date", "request-id", "client-request-id"],
        "properties": {
            "date": {"type": "string", "description": "When, in UTC and without a zone."},
            "request-id": {"type": "string", "format": "uuid", "description": "By which the log has it."},
            "client-request-id": {"type": "string", "description": "The caller's own id, else the same."},
        },
    }
    described: JsonObject = {
        "type": "object",
        "required": ["code", "message", "innerError"],
        "properties": {
            "code": {**text, "description": "For programs, such as `BadRequest`."},
            "message": {**text, "description": "For people: what is at fault, where, and what is allowed."},
            "target": {**text, "description": "The property, option or header at fault."},
            "innerError": inner,
        },
    }
    return {"type": "object", "required": ["error"], "properties": {"error": described}}


def _schema(kind: Item) -> JsonObject:
    match kind:
        case Enumeration():
            return {"type": "string", "description": kind.description, "enum": list(kind.members)}
        case StructuredType():
            return structured_schema(kind, {p.name: property_schema(p) for p in kind.properties})
        case Primitive():
            return type_schema(kind)


def structured_schema(kind: StructuredType, properties: dict[str, JsonObject]) -> JsonObject:
    """Return the schema of an object of a type that has these properties."""
    members: JsonObject = {"@odata.context": CONTEXT} if kind.is_entity else {}
    schema: JsonObject = {
        "type": "object",
        "description": kind.description,
        "properties": {**members, **properties},
    }
    if kind.is_open:
        return {**schema, "additionalProperties": True}
    return {**schema, "patternProperties": {CONTROL_INFORMATION: True}, "additionalProperties": False}


def _is_looked_up(prop: Property) -> bool:
    """Say whether entities are looked up by a property. Those of the same name elsewhere have no index."""
    return prop.indexed and any(path[-1] == prop.name for path in LOOKED_UP)


def _nullable(schema: JsonObject, *, nullable: bool) -> JsonObject:
    if not nullable:
        return schema
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kind: JsonValue = schema["type"]
    return {**schema, "type": [kind, "null"]}
