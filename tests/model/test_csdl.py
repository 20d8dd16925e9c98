"""Our metadata documents against Microsoft's, cut to the types of the security posture."""

from pathlib import Path
from typing import TypeAlias, get_args
from xml.etree import ElementTree as ET

import pytest

from stanchion.model.csdl import metadata_document
from stanchion.model.edm import PrimitiveName, RootName

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
ROOTS: tuple[RootName, ...] = get_args(RootName)

# What each list can do, in the words of the vocabulary.
OF_A_SET = {
    "CountRestrictions",
    "FilterRestrictions",
    "SelectSupport",
    "SkipSupported",
    "SortRestrictions",
    "TopSupported",
}

Facts: TypeAlias = list[tuple[str, ...]]


def schema_of(document: bytes) -> ET.Element:
    schema = ET.fromstring(document).find(f".//{EDM}Schema")  # noqa: S314 (our own and Microsoft's document)
    assert schema is not None
    return schema


def microsoft(folder: Path, root: RootName) -> ET.Element:
    return schema_of((folder / f"{root}-security.self-contained.csdl").read_bytes())


def types(schema: ET.Element) -> Facts:
    """Every type and each of its members, in the order of the document."""
    return [
        (kind.tag, *_attributes(kind), member.tag, *_attributes(member))
        for kind in schema
        if kind.tag in {f"{EDM}EnumType", f"{EDM}ComplexType", f"{EDM}EntityType"}
        for member in kind.iter()
        if member is not kind
    ]


def capabilities(schema: ET.Element) -> set[tuple[str, str, str]]:
    found = set()
    for annotations in schema.iter(f"{EDM}Annotations"):
        for annotation in annotations:
            term = annotation.get("Term", "")
            value = annotation.find(f".//{EDM}PropertyValue")
            flag = annotation.get("Bool") or (value.get("Bool") if value is not None else None)
            if term.startswith("Org.OData.Capabilities.V1.") and flag is not None:
                # Microsoft's older file spells the same capability in a way the vocabulary does not know.
                term = term.replace("SelectRestrictions", "SelectSupport")
                found.add((annotations.get("Target", ""), term, flag))
    return found


def _attributes(element: ET.Element) -> list[str]:
    return [f"{name}={value}" for name, value in element.attrib.items()]


@pytest.mark.parametrize("root", ROOTS)
def test_types_are_microsofts_one_by_one_and_in_order(root: RootName, microsoft_csdl: Path) -> None:
    assert types(schema_of(metadata_document(root))) == types(microsoft(microsoft_csdl, root))


@pytest.mark.parametrize("root", ROOTS)
def test_capabilities_are_microsofts(root: RootName, microsoft_csdl: Path) -> None:
    assert capabilities(schema_of(metadata_document(root))) == capabilities(microsoft(microsoft_csdl, root))


@pytest.mark.parametrize("root", ROOTS)
def test_the_schema_and_its_container_are_named_as_microsofts(root: RootName, microsoft_csdl: Path) -> None:
    ours, theirs = schema_of(metadata_document(root)), microsoft(microsoft_csdl, root)
    assert ours.attrib == theirs.attrib
    for path in (f"{EDM}EntityContainer", f"{EDM}EntityContainer/*"):
        assert [e.attrib for e in ours.findall(path)] == [e.attrib for e in theirs.findall(path)]


@pytest.mark.parametrize("root", ROOTS)
def test_every_type_that_is_named_is_declared_or_one_of_odatas_own(root: RootName) -> None:
    schema = schema_of(metadata_document(root))
    kinds = {f"{EDM}{kind}" for kind in ("EnumType", "ComplexType", "EntityType")}
    declared = {each.attrib["Name"] for each in schema if each.tag in kinds}
    named = {
        each.attrib[name] for each in schema.iter() for name in ("Type", "BaseType") if name in each.attrib
    }
    plain = {name.removeprefix("Collection(").removesuffix(")") for name in named}
    owners = {f"{schema.attrib['Alias']}.", f"{schema.attrib['Namespace']}."}
    ours = {f"{owner}{name}" for owner in owners for name in declared}
    assert {"secureScore", "secureScoreControlProfile", "controlScore"} < declared
    assert len(plain) > len(get_args(PrimitiveName))
    assert plain - ours == set(get_args(PrimitiveName))


@pytest.mark.parametrize(
    ("root", "sets"),
    [
        ("v1.0", ("secureScore", "secureScoreControlProfile")),
        ("beta", ("secureScore", "secureScoreControlProfile", "userSecurityProfile")),
    ],
)
def test_each_set_says_what_can_be_asked_of_it(root: RootName, sets: tuple[str, ...]) -> None:
    told = {
        (target.removeprefix("microsoft.graph."), term.removeprefix("Org.OData.Capabilities.V1."), flag)
        for target, term, flag in capabilities(schema_of(metadata_document(root)))
    }
    of_sets = {fact for fact in told if fact[0] != "security"}
    assert of_sets == {(name, term, "true") for name in sets for term in OF_A_SET}
    # The singleton itself is no list: it leads to the sets.
    assert {
        ("security", "CountRestrictions", "false"),
        ("security", "FilterRestrictions", "false"),
    } < told - of_sets


def test_user_profiles_are_in_beta_only() -> None:
    for name in (b"userSecurityProfile", b"userAccount", b"accountStatus"):
        assert name in metadata_document("beta")
        assert name not in metadata_document("v1.0")


@pytest.mark.parametrize("root", ROOTS)
def test_the_document_is_utf_8_and_of_the_ledger_says_nothing(root: RootName) -> None:
    document = metadata_document(root)
    assert document.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    assert b"decision" not in document.lower()
    assert b'ODataVersions" String="4.0"' in document


@pytest.mark.parametrize("root", ROOTS)
def test_the_document_is_the_same_at_every_call(root: RootName) -> None:
    assert metadata_document(root) is metadata_document(root)
    assert metadata_document.__wrapped__(root) == metadata_document(root)
