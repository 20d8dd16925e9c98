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
    RootName,
)
from stanchion.odata.url import (
    CountResource,
    EntityResource,
    Metadata,
    Resource,
    SecuritySingleton,
    ServiceDocument,
    SetResource,
    UnknownSegment,
    entity_address,
    parse_path,
    set_address,
)

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=256)


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
    assume(key.lower() != "$count")
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
    assume(unquote_to_bytes(segment).lower() != b"$count")
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
        (b"/v1.0/security/secureScores/x/currentScore", UnknownSegment("v1.0", "currentScore")),
        (b"/v1.0/security/secureScores('x')/currentScore", UnknownSegment("v1.0", "currentScore")),
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
