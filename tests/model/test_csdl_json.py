"""The metadata as JSON, against the same metadata as XML."""

import json
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pytest

from stanchion.model.csdl import metadata_document
from stanchion.model.csdl_json import metadata_in_json
from stanchion.model.edm import RootName

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
ROOTS: tuple[RootName, ...] = get_args(RootName)


def translated(document: bytes) -> dict[str, Any]:
    """Translate CSDL XML to CSDL JSON by the rules of OData CSDL JSON 4.01, as far as our documents go."""
    schema = ET.fromstring(document).find(f".//{EDM}Schema")  # noqa: S314 (our own document)
    assert schema is not None
    members: dict[str, Any] = {"$Alias": schema.attrib["Alias"], "$Annotations": {}}
    for element in schema:
        kind = element.tag.removeprefix(EDM)
        if kind == "Annotations":
            told = {f"@{a.attrib['Term']}": annotation(a) for a in element}
            members["$Annotations"][element.attrib["Target"]] = told
        else:
            members[element.attrib["Name"]] = {"$Kind": kind, **flags(element), **children(element)}
    namespace = schema.attrib["Namespace"]
    return {"$Version": "4.01", "$EntityContainer": f"{namespace}.GraphService", namespace: members}


def flags(element: ET.Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, key in (("OpenType", "$OpenType"), ("Abstract", "$Abstract")):
        if element.get(name) == "true":
            found[key] = True
    if "BaseType" in element.attrib:
        found["$BaseType"] = element.attrib["BaseType"]
    return found


def children(element: ET.Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        match child.tag.removeprefix(EDM):
            case "Key":
                found["$Key"] = [reference.attrib["Name"] for reference in child]
            case "Member":
                found[child.attrib["Name"]] = int(child.attrib["Value"])
            case "Singleton":
                found[child.attrib["Name"]] = {"$Type": child.attrib["Type"]}
            case "Property":
                found[child.attrib["Name"]] = typed(
                    child.attrib["Type"], nullable=child.get("Nullable") != "false"
                )
            case "NavigationProperty":
                found[child.attrib["Name"]] = {
                    "$Kind": "NavigationProperty",
                    **typed(child.attrib["Type"], nullable=False),
                    "$ContainsTarget": True,
                }
            case other:
                pytest.fail(f"The translation knows no {other}.")
    return found


def typed(name: str, *, nullable: bool) -> dict[str, Any]:
    collection = name.startswith("Collection(")
    item = name.removeprefix("Collection(").removesuffix(")")
    return {
        **({"$Collection": True} if collection else {}),
        **({"$Type": item} if item != "Edm.String" else {}),
        **({"$Nullable": True} if nullable else {}),
    }


def annotation(element: ET.Element) -> object:
    if "Bool" in element.attrib:
        return element.attrib["Bool"] == "true"
    if "String" in element.attrib:
        return element.attrib["String"]
    values = element.iter(f"{EDM}PropertyValue")
    return {value.attrib["Property"]: value.attrib["Bool"] == "true" for value in values}


@pytest.mark.parametrize("root", ROOTS)
def test_metadata_in_json_says_what_the_xml_says(root: RootName) -> None:
    assert json.loads(metadata_in_json(root)) == translated(metadata_document(root))


@pytest.mark.parametrize("root", ROOTS)
def test_metadata_in_json_begins_with_its_version_and_container(root: RootName) -> None:
    document = json.loads(metadata_in_json(root))
    assert list(document) == ["$Version", "$EntityContainer", "microsoft.graph"]
    namespace = document["microsoft.graph"]
    assert namespace["entity"] == {"$Kind": "EntityType", "$Abstract": True, "$Key": ["id"], "id": {}}
    assert namespace["secureScore"]["currentScore"] == {"$Type": "Edm.Double", "$Nullable": True}
    assert metadata_in_json(root) is metadata_in_json(root)
