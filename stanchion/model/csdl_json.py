"""The `$metadata` document as CSDL JSON 4.01: the same as in XML, for those who cannot read that.

- What is of type Edm.String, or not nullable, is not said: JSON takes it for granted (CSDL JSON 7).
- Of a collection, Microsoft's document leaves open whether items may be null; that is written as may be.

Source: OData CSDL JSON 4.01.
"""

from collections.abc import Iterable
from functools import cache

from stanchion.model.edm import (
    SECURE_SCORES,
    Collection,
    EntitySet,
    Property,
    RootName,
    StructuredType,
    type_name,
)
from stanchion.model.json_text import JsonObject, dump_json
from stanchion.model.schema import (
    ALIAS,
    CAPABILITIES,
    CONTAINER,
    CORE,
    NAMESPACE,
    ODATA_VERSIONS,
    capabilities,
    complex_types,
    enumerations,
    sets_of,
)


@cache
def metadata_in_json(root: RootName) -> bytes:
    """Return the CSDL JSON of a root in UTF-8; the same bytes at every call."""
    sets = sets_of(root)
    schema: JsonObject = {"$Alias": ALIAS}
    for enumeration in enumerations(sets):
        schema[enumeration.name] = {"$Kind": "EnumType", **enumeration.members}
    for complex_type in complex_types(sets):
        schema[complex_type.name] = {
            "$Kind": "ComplexType",
            **_members(complex_type.properties, complex_type),
        }
    schema.update(_entity_types(sets))
    schema[CONTAINER] = {"$Kind": "EntityContainer", "security": {"$Type": f"{NAMESPACE}.security"}}
    schema["$Annotations"] = _annotations(sets)
    return dump_json({"$Version": "4.01", "$EntityContainer": f"{NAMESPACE}.{CONTAINER}", NAMESPACE: schema})


def _entity_types(sets: Iterable[EntitySet]) -> JsonObject:
    key, *_ = SECURE_SCORES.type.properties
    found: JsonObject = {
        "entity": {"$Kind": "EntityType", "$Abstract": True, "$Key": [key.name], key.name: _property(key)},
        "security": {"$Kind": "EntityType", **{s.name: _contained(s) for s in sets}},
    }
    for kind in (s.type for s in sets):
        members = _members(kind.properties[1:], kind)
        found[kind.name] = {"$Kind": "EntityType", "$BaseType": f"{ALIAS}.entity", **members}
    return dict(sorted(found.items()))


def _contained(entity_set: EntitySet) -> JsonObject:
    return {
        "$Kind": "NavigationProperty",
        "$Collection": True,
        "$Type": type_name(entity_set.type),
        "$ContainsTarget": True,
    }


def _members(properties: Iterable[Property], kind: StructuredType) -> JsonObject:
    openness: JsonObject = {"$OpenType": True} if kind.is_open else {}
    return {**openness, **{prop.name: _property(prop) for prop in properties}}


def _property(prop: Property) -> JsonObject:
    is_collection = isinstance(prop.type, Collection)
    name = type_name(prop.type.item if isinstance(prop.type, Collection) else prop.type)
    return {
        **({"$Collection": True} if is_collection else {}),
        **({} if name == "Edm.String" else {"$Type": name}),
        **({"$Nullable": True} if is_collection or prop.nullable else {}),
    }


def _annotations(sets: Iterable[EntitySet]) -> JsonObject:
    annotations: JsonObject = {}
    for name, supported in capabilities(sets):
        told: JsonObject = {}
        for path, holds in supported.items():
            term, _, member = path.partition("/")
            told[f"@{CAPABILITIES}.{term}"] = {member: holds} if member else holds
        annotations[f"{NAMESPACE}.{name}"] = told
    annotations[f"{NAMESPACE}.{CONTAINER}"] = {f"@{CORE}.ODataVersions": ODATA_VERSIONS}
    return annotations
