"""Paths: which resource each names, in every spelling that clients use."""

from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from stanchion.model.check import is_id
from stanchion.model.edm import (
    CONTROL_PROFILES,
    GRAPH_SETS,
    SECURE_SCORES,
    USER_PROFILES,
    EntitySet,
    Primitive,
    RootName,
)
from stanchion.odata.resources import (
    BatchResource,
    CountResource,
    DeltaResource,
    DocumentationResource,
    EntityResource,
    Metadata,
    OpenApiResource,
    PropertyCountResource,
    PropertyResource,
    Resource,
    SecuritySingleton,
    ServiceDocument,
    SetResource,
    UnknownSegment,
)
from stanchion.odata.url import entity_address, parse_path, set_address

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=256)


MEANT_OTHERWISE = {
    "$count",
    "delta",
    "delta()",
    "graph.delta",
    "graph.delta()",
    "microsoft.graph.delta",
    "microsoft.graph.delta()",
    "graph.securescore",
    "microsoft.graph.securescore",
}


def by_python(text: str) -> str:
    return quote(text, safe="")


def by_javascript(text: str) -> str:
    """Encode as encodeURIComponent does."""
    return quote(text, safe="-_.!~*'()")


def by_rfc_3986(text: str) -> str:
    """Leave every character that a path segment may hold."""
    return quote(text, safe="-._~!$&'()*+,;=:@")


def in_lower_case(text: str) -> str:
    """Encode every byte, with hexadecimal digits in lower case."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


ENCODINGS = pytest.mark.parametrize("encode", [by_python, by_javascript, by_rfc_3986, in_lower_case])


@ENCODINGS
@given(key=IDS)
@example(key="a/b")
@example(key="it's")
@example(key="('a')")
@example(key="50%25")
@example(key="11770.MDA_Google_EnableTwoFactorAuth")
@example(key="a+b c")
def test_a_key_of_its_own_segment_comes_back(encode: Callable[[str], str], key: str) -> None:
    assume(key.lower() not in MEANT_OTHERWISE)
    path = f"/v1.0/security/secureScores/{encode(key)}".encode()
    assert parse_path(path) == EntityResource("v1.0", SECURE_SCORES, key)


@ENCODINGS
@given(key=IDS)
@example(key="''")
@example(key="$count")
@example(key="a')/b('")
def test_a_key_in_parentheses_comes_back(encode: Callable[[str], str], key: str) -> None:
    doubled = encode(key.replace("'", "''"))
    for segment in (f"secureScores('{doubled}')", f"secureScores(id='{doubled}')"):
        path = f"/beta/security/{segment}".encode()
        assert parse_path(path) == EntityResource("beta", SECURE_SCORES, key)


@given(key=IDS)
def test_a_key_in_encoded_parentheses_comes_back(key: str) -> None:
    doubled = key.replace("'", "''")
    segment = by_python(f"secureScoreControlProfiles('{doubled}')")
    found = parse_path(f"/v1.0/security/{segment}".encode())
    assert found == EntityResource("v1.0", CONTROL_PROFILES, key)


@given(st.binary(max_size=60))
def test_any_bytes_name_something_or_nothing(tail: bytes) -> None:
    assert parse_path(b"/v1.0/security/secureScores/" + tail) is not None
    assert parse_path(b"/v1.0/security/secureScores(" + tail) is not None
    parse_path(tail)


@given(st.binary(min_size=1, max_size=20).filter(lambda b: b"/" not in b))
def test_a_key_is_an_id_or_empty(segment: bytes) -> None:
    assume(unquote_to_bytes(segment).lower().decode("latin-1") not in MEANT_OTHERWISE)
    found = parse_path(b"/v1.0/security/secureScores/" + segment)
    assert isinstance(found, EntityResource)
    assert found.key == "" or is_id(found.key)


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (b"/v1.0", ServiceDocument("v1.0")),
        (b"/beta/", ServiceDocument("beta")),
        (b"/V1.0", ServiceDocument("v1.0")),
        (b"/v1%2E0", ServiceDocument("v1.0")),
        (b"/v1.0/$metadata", Metadata("v1.0")),
        (b"/beta/%24METADATA", Metadata("beta")),
        (b"/v1.0/security", SecuritySingleton("v1.0")),
        (b"/v1.0/Security/", SecuritySingleton("v1.0")),
        (b"/v1.0/security/secureScores", SetResource("v1.0", SECURE_SCORES)),
        (b"/v1.0//security/secureScores/", SetResource("v1.0", SECURE_SCORES)),
        (b"/v1.0/Security/securescores", SetResource("v1.0", SECURE_SCORES)),
        (b"/v1.0/security/securescorecontrolprofiles", SetResource("v1.0", CONTROL_PROFILES)),
        (b"/beta/security/userSecurityProfiles", SetResource("beta", USER_PROFILES)),
        (b"/v1.0/security/secureScores/$count", CountResource("v1.0", SECURE_SCORES)),
        (b"/v1.0/security/secureScores/$Count/", CountResource("v1.0", SECURE_SCORES)),
        (b"/v1.0/security/secureScores/%24count", CountResource("v1.0", SECURE_SCORES)),
        (b"/v1.0/security/secureScores/x/", EntityResource("v1.0", SECURE_SCORES, "x")),
        (b"/v1.0/security/secureScores('x')/", EntityResource("v1.0", SECURE_SCORES, "x")),
        (b"/v1.0/security/SECURESCORES('X')", EntityResource("v1.0", SECURE_SCORES, "X")),
        (b"/v1.0/security/secureScores('')", EntityResource("v1.0", SECURE_SCORES, "")),
        (b"/v1.0/security/secureScores/%FF", EntityResource("v1.0", SECURE_SCORES, "")),
        (b"/v1.0/security/secureScores/a%0Ab", EntityResource("v1.0", SECURE_SCORES, "")),
        (b"/v1.0/security/secureScores/a%00", EntityResource("v1.0", SECURE_SCORES, "")),
        (b"/v1.0/security/secureScores/" + b"x" * 257, EntityResource("v1.0", SECURE_SCORES, "")),
        (b"/v1.0/security/userSecurityProfiles", UnknownSegment("v1.0", "userSecurityProfiles")),
        (b"/v1.0/security/userSecurityProfiles('x')", UnknownSegment("v1.0", "userSecurityProfiles('x')")),
        (b"/v1.0/security/decisions", UnknownSegment("v1.0", "decisions")),
        (b"/v1.0/security/alerts_v2", UnknownSegment("v1.0", "alerts_v2")),
        (b"/v1.0/users", UnknownSegment("v1.0", "users")),
        (b"/v1.0/$metadata/x", UnknownSegment("v1.0", "$metadata")),
        (b"/v1.0/security/secureScores/$count/x", UnknownSegment("v1.0", "x")),
        (b"/v1.0/security/secureScores('it's')", UnknownSegment("v1.0", "secureScores('it's')")),
        (b"/v1.0/security/secureScores('x'", UnknownSegment("v1.0", "secureScores('x'")),
        (b"/v1.0/security/secureScores(x)", UnknownSegment("v1.0", "secureScores(x)")),
        (b"/v1.0/security/secureScores()", UnknownSegment("v1.0", "secureScores()")),
        (b"/v1.0/security/secureScores(')", UnknownSegment("v1.0", "secureScores(')")),
        (b"/v1.0/security/%FF", UnknownSegment("v1.0", "\\xff")),
        (b"/", None),
        (b"", None),
        (b"/v2.0/security", None),
        (b"/healthz", None),
        (b"/ledger/v1.0", None),
    ],
)
def test_a_path_names_a_resource(path: bytes, resource: Resource | None) -> None:
    assert parse_path(path) == resource


@given(root=st.sampled_from(["v1.0", "beta"]), entity_set=st.sampled_from(GRAPH_SETS), key=IDS)
@example(root="v1.0", entity_set=SECURE_SCORES, key="$Count")
@example(root="v1.0", entity_set=SECURE_SCORES, key="delta")
@example(root="v1.0", entity_set=SECURE_SCORES, key="Delta()")
@example(root="v1.0", entity_set=SECURE_SCORES, key="microsoft.graph.delta")
@example(root="v1.0", entity_set=SECURE_SCORES, key="Microsoft.Graph.secureScore")
@example(root="v1.0", entity_set=SECURE_SCORES, key="@id")
@example(root="v1.0", entity_set=SECURE_SCORES, key=".")
@example(root="v1.0", entity_set=SECURE_SCORES, key="..")
@example(root="v1.0", entity_set=SECURE_SCORES, key="('a')")
@example(root="v1.0", entity_set=SECURE_SCORES, key="a/b'c%2F")
def test_the_address_of_an_entity_names_it(root: RootName, entity_set: EntitySet, key: str) -> None:
    assume(root in entity_set.roots)
    address = entity_address("http://localhost", root, entity_set, key=key)
    path = address.removeprefix("http://localhost").encode()
    assert parse_path(path) == EntityResource(root, entity_set, key)
    assert b"/./" not in path + b"/"
    assert b"/../" not in path + b"/"


@pytest.mark.parametrize(
    ("root", "entity_set"), [(root, entity_set) for entity_set in GRAPH_SETS for root in entity_set.roots]
)
def test_the_address_of_a_set_names_it(root: RootName, entity_set: EntitySet) -> None:
    assert parse_path(set_address("", root, entity_set).encode()) == SetResource(root, entity_set)


DELTA = DeltaResource("v1.0", SECURE_SCORES)


@pytest.mark.parametrize(
    "tail",
    [
        "delta",
        "delta()",
        "Delta()/",
        "DELTA",
        "%64elta",
        "delta%28%29",
        "microsoft.graph.delta",
        "microsoft.graph.delta()",
        "Microsoft.Graph.Delta()",
        "graph.delta()",
        "microsoft.graph.secureScore/delta()",
    ],
)
def test_delta_is_named_with_or_without_its_namespace_and_parentheses(tail: str) -> None:
    assert parse_path(f"/v1.0/security/secureScores/{tail}".encode()) == DELTA


@pytest.mark.parametrize("key", ["delta", "delta()", "$count", "microsoft.graph.secureScore"])
def test_an_entity_whose_id_means_something_else_is_named_in_parentheses(key: str) -> None:
    address = entity_address("", "v1.0", SECURE_SCORES, key=key)
    assert "('" in address
    assert parse_path(address.encode()) == EntityResource("v1.0", SECURE_SCORES, key)


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (b"/v1.0/$batch", BatchResource("v1.0")),
        (b"/BETA/%24Batch/", BatchResource("beta")),
        (b"/v1.0/openapi.json", OpenApiResource("v1.0")),
        (b"/beta/docs/", DocumentationResource("beta")),
        (b"/v1.0/docs/x", UnknownSegment("v1.0", "docs")),
        (b"/v1.0/security/secureScores/delta/x", UnknownSegment("v1.0", "x")),
    ],
)
def test_a_root_has_documents_and_batches(path: bytes, resource: Resource) -> None:
    assert parse_path(path) == resource


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("microsoft.graph.secureScore", SetResource("v1.0", SECURE_SCORES)),
        ("Graph.SecureScore/", SetResource("v1.0", SECURE_SCORES)),
        ("microsoft.graph.secureScore/$count", CountResource("v1.0", SECURE_SCORES)),
        ("microsoft.graph.secureScore/x", EntityResource("v1.0", SECURE_SCORES, "x")),
        ("microsoft.graph.secureScore('x')", EntityResource("v1.0", SECURE_SCORES, "x")),
        ("x/microsoft.graph.secureScore", EntityResource("v1.0", SECURE_SCORES, "x")),
        ("microsoft.graph.alert", EntityResource("v1.0", SECURE_SCORES, "microsoft.graph.alert")),
        ("x/microsoft.graph.alert", UnknownSegment("v1.0", "microsoft.graph.alert")),
    ],
)
def test_a_cast_to_the_type_at_hand_changes_nothing(path: str, resource: Resource) -> None:
    assert parse_path(f"/v1.0/security/secureScores/{path}".encode()) == resource


@pytest.mark.parametrize(
    ("segment", "query", "key"),
    [
        ("secureScores(@id)", "@id='x'", "x"),
        ("secureScores(id=@id)", "$select=id&%40id=%27x%27", "x"),
        ("secureScores(@id)", "@id='it''s'", "it's"),
        ("secureScores(@a)", "@a='a%2Fb'&@b='y'", "a/b"),
        ("secureScores%28@id%29", "@id='x'", "x"),
    ],
)
def test_an_alias_may_stand_for_a_key(segment: str, query: str, key: str) -> None:
    found = parse_path(f"/v1.0/security/{segment}".encode(), query.encode())
    assert found == EntityResource("v1.0", SECURE_SCORES, key)


@pytest.mark.parametrize("query", ["", "@other='x'", "@id=x", "@id=5", "@id='x'&@id='x'", "@id='a'b'"])
def test_an_alias_that_is_no_text_names_nothing(query: str) -> None:
    found = parse_path(b"/v1.0/security/secureScores(@id)", query.encode())
    assert found == UnknownSegment("v1.0", "secureScores(@id)")


NUMBER, TEXT = Primitive("Edm.Double"), Primitive("Edm.String")


@pytest.mark.parametrize(
    ("path", "names", "raw", "kind"),
    [
        ("currentScore", ("currentScore",), False, NUMBER),
        ("CURRENTSCORE/", ("currentScore",), False, NUMBER),
        ("currentScore/$value", ("currentScore",), True, NUMBER),
        ("current%53core/%24VALUE", ("currentScore",), True, NUMBER),
        ("vendorInformation/provider", ("vendorInformation", "provider"), False, TEXT),
        (
            "vendorInformation/microsoft.graph.securityVendorInformation/provider",
            ("vendorInformation", "provider"),
            False,
            TEXT,
        ),
        ("microsoft.graph.secureScore/currentScore", ("currentScore",), False, NUMBER),
        ("unheardOf", ("unheardOf",), False, None),
        ("unheardOf/within/$value", ("unheardOf", "within"), True, None),
        ("a%2Fb", ("a/b",), False, None),
    ],
)
@pytest.mark.parametrize("entity", ["secureScores/x", "secureScores('x')", "secureScores/X%2FY.z"])
def test_a_property_is_named_behind_its_entity(
    *,
    entity: str,
    path: str,
    names: tuple[str, ...],
    raw: bool,
    kind: Primitive | None,
) -> None:
    found = parse_path(f"/v1.0/security/{entity}/{path}".encode())
    assert isinstance(found, PropertyResource)
    assert found.key in {"x", "X/Y.z"}
    assert (found.path, found.raw, found.type) == (names, raw, kind)


@pytest.mark.parametrize("path", ["controlScores/$count", "enabledServices/$Count", "unheardOf/$count"])
def test_the_items_of_a_property_can_be_counted(path: str) -> None:
    found = parse_path(f"/v1.0/security/secureScores/x/{path}".encode())
    assert isinstance(found, PropertyCountResource)
    assert found.path == (path.partition("/")[0],)


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("$value", "$value"),
        ("$count", "$count"),
        ("$ref", "$ref"),
        ("currentScore/x", "x"),
        ("currentScore/$count", "$count"),
        ("currentScore/$value/x", "$value"),
        ("controlScores/$value", "$value"),
        ("controlScores/score", "score"),
        ("vendorInformation/$value", "$value"),
        ("vendorInformation/unheardOf", "unheardOf"),
        ("vendorInformation/microsoft.graph.secureScore", "microsoft.graph.secureScore"),
    ],
)
def test_what_a_type_cannot_have_is_an_unknown_segment(path: str, segment: str) -> None:
    found = parse_path(f"/v1.0/security/secureScores/x/{path}".encode())
    assert found == UnknownSegment("v1.0", segment)
