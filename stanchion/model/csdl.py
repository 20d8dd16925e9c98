"""The `$metadata` document: CSDL XML 4.0 of a root, derived from the entity data model.

- Types, names and order are those of Microsoft's own document, so that code generated for Graph fits.
- The sets are contained in the singleton `security`, which is an entity type without a key.
- Capability annotations say of each entity type what its set can do, in the terms Microsoft uses.

Source: OData CSDL XML 4.01; OData Vocabularies Capabilities.V1 and Core.V1.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from xml.etree import ElementTree as ET

from stanchion.model.edm import (
    SECURE_SCORES,
    Collection,
    EntitySet,
    Property,
    RootName,
    StructuredType,
    type_name,
)
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

EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
EDM = "http://docs.oasis-open.org/odata/ns/edm"


@cache
def metadata_document(root: RootName) -> bytes:
    """Return the CSDL of a root in UTF-8; the same bytes at every call."""
    sets = sets_of(root)
    document = ET.Element("edmx:Edmx", {"Version": "4.0", "xmlns:edmx": EDMX})
    services = ET.SubElement(document, "edmx:DataServices")
    schema = ET.SubElement(services, "Schema", {"Namespace": NAMESPACE, "Alias": ALIAS, "xmlns": EDM})
    _value_types(schema, sets)
    _entity_types(schema, sets)
    container = ET.SubElement(schema, "EntityContainer", Name=CONTAINER)
    ET.SubElement(container, "Singleton", Name="security", Type=f"{NAMESPACE}.security")
    _annotations(schema, sets)
    ET.indent(document)
    text: bytes = ET.tostring(document, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _value_types(schema: ET.Element, sets: Iterable[EntitySet]) -> None:
    for enumeration in enumerations(sets):
        element = ET.SubElement(schema, "EnumType", Name=enumeration.name)
        for name, value in enumeration.members.items():
            ET.SubElement(element, "Member", Name=name, Value=str(value))
    for complex_type in complex_types(sets):
        attributes = {"Name": complex_type.name, **_openness(complex_type)}
        _properties(ET.SubElement(schema, "ComplexType", attributes), complex_type.properties)


def _entity_types(schema: ET.Element, sets: Iterable[EntitySet]) -> None:
    key, *_ = SECURE_SCORES.type.properties
    entity = ET.SubElement(schema, "EntityType", Name="entity", Abstract="true")
    ET.SubElement(ET.SubElement(entity, "Key"), "PropertyRef", Name=key.name)
    _properties(entity, [key])
    kinds = [_security(sets)]
    for kind in (s.type for s in sets):
        attributes = {"Name": kind.name, "BaseType": "graph.entity", **_openness(kind)}
        kinds.append(ET.Element("EntityType", attributes))
        _properties(kinds[-1], kind.properties[1:])
    schema.extend(sorted(kinds, key=lambda element: element.attrib["Name"]))


def _security(sets: Iterable[EntitySet]) -> ET.Element:
    security = ET.Element("EntityType", Name="security")
    for entity_set in sorted(sets, key=lambda s: s.name):
        attributes = {"Name": entity_set.name, "Type": type_name(Collection(entity_set.type))}
        ET.SubElement(security, "NavigationProperty", {**attributes, "ContainsTarget": "true"})
    return security


def _openness(kind: StructuredType) -> dict[str, str]:
    return {"OpenType": "true"} if kind.is_open else {}


def _properties(parent: ET.Element, properties: Iterable[Property]) -> None:
    for prop in properties:
        attributes = {"Name": prop.name, "Type": prop.edm_type}
        # Of a collection, CSDL's Nullable speaks of the items; Microsoft's document does not say it.
        if not prop.nullable and not isinstance(prop.type, Collection):
            attributes["Nullable"] = "false"
        ET.SubElement(parent, "Property", attributes)


def _annotations(schema: ET.Element, sets: Iterable[EntitySet]) -> None:
    for name, supported in capabilities(sets):
        _capabilities(schema, name, supported)
    container = ET.SubElement(schema, "Annotations", Target=f"{NAMESPACE}.{CONTAINER}")
    ET.SubElement(container, "Annotation", Term=f"{CORE}.ODataVersions", String=ODATA_VERSIONS)


def _capabilities(schema: ET.Element, name: str, supported: Mapping[str, bool]) -> None:
    annotations = ET.SubElement(schema, "Annotations", Target=f"{NAMESPACE}.{name}")
    for path, holds in supported.items():
        term, _, member = path.partition("/")
        flag = "true" if holds else "false"
        annotation = ET.SubElement(annotations, "Annotation", Term=f"{CAPABILITIES}.{term}")
        if member:
            record = ET.SubElement(annotation, "Record")
            ET.SubElement(record, "PropertyValue", Property=member, Bool=flag)
        else:
            annotation.set("Bool", flag)
