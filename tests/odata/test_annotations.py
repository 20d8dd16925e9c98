"""The control information of full metadata, and what of it is left out without metadata."""

import json

import msgspec
import pytest

from stanchion.model.edm import SECURE_SCORES, USER_PROFILES, Collection, Enumeration, Primitive
from stanchion.odata.annotations import annotated, type_annotation
from stanchion.odata.render import entity_body, page_body, property_body, singleton_body
from stanchion.odata.resources import PropertyResource
from stanchion.odata.style import Style

ORIGIN = "https://localhost:8443"
FULL, NONE = Style("full"), Style("none")
SCORE = json.dumps(
    {
        "id": "a/b",
        "activeUserCount": 5,
        "createdDateTime": "2026-01-31T00:00:00Z",
        "currentScore": 12.5,
        "licensedUserCount": None,
        "enabledServices": ["HasX"],
        "vendorInformation": {"vendor": "Microsoft", "provider": "SecureScore"},
        "controlScores": [{"score": 1.0, "count": "5"}, None],
        "openNumber": 7,
        "openObject": {"a": 1},
    }
).encode()


def test_full_metadata_tells_what_json_does_not() -> None:
    entity = json.loads(entity_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, body=SCORE, style=FULL))
    address = f"{ORIGIN}/v1.0/security/secureScores/a%2Fb"
    assert entity == {
        "@odata.context": f"{ORIGIN}/v1.0/$metadata#security/secureScores/$entity",
        "@odata.type": "#microsoft.graph.secureScore",
        "@odata.id": address,
        "@odata.editLink": address,
        "id": "a/b",
        "activeUserCount@odata.type": "#Int32",
        "activeUserCount": 5,
        "createdDateTime@odata.type": "#DateTimeOffset",
        "createdDateTime": "2026-01-31T00:00:00Z",
        "currentScore": 12.5,
        "licensedUserCount": None,
        "enabledServices@odata.type": "#Collection(String)",
        "enabledServices": ["HasX"],
        "vendorInformation": {
            "@odata.type": "#microsoft.graph.securityVendorInformation",
            "vendor": "Microsoft",
            "provider": "SecureScore",
        },
        "controlScores@odata.type": "#Collection(microsoft.graph.controlScore)",
        "controlScores": [
            {"@odata.type": "#microsoft.graph.controlScore", "score": 1.0, "count": "5"},
            None,
        ],
        "openNumber": 7,
        "openObject": {"a": 1},
    }
    assert list(entity)[:5] == ["@odata.context", "@odata.type", "@odata.id", "@odata.editLink", "id"]


def test_full_metadata_of_a_cut_entity_still_tells_its_id() -> None:
    page = page_body(
        ORIGIN,
        "v1.0",
        entity_set=SECURE_SCORES,
        runs=[SCORE + b"," + SCORE],
        select=("currentScore",),
        style=FULL,
    )
    address = f"{ORIGIN}/v1.0/security/secureScores/a%2Fb"
    assert (
        json.loads(page)["value"]
        == [
            {
                "@odata.type": "#microsoft.graph.secureScore",
                "@odata.id": address,
                "@odata.editLink": address,
                "currentScore": 12.5,
            }
        ]
        * 2
    )


def test_without_metadata_only_links_and_the_count_are_left() -> None:
    page = page_body(
        ORIGIN, "v1.0", entity_set=SECURE_SCORES, runs=[SCORE], count=1, next_link=f"{ORIGIN}/x", style=NONE
    )
    assert page == b'{"@odata.count":1,"@odata.nextLink":"https://localhost:8443/x","value":[%b]}' % SCORE
    assert page_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, runs=[], style=NONE) == b'{"value":[]}'
    assert entity_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, body=SCORE, style=NONE) == SCORE
    assert singleton_body(ORIGIN, "v1.0", style=NONE) == b"{}"


def test_for_readers_of_ieee_754_the_count_is_text() -> None:
    page = page_body(
        ORIGIN, "v1.0", entity_set=SECURE_SCORES, runs=[SCORE], count=1, style=Style(ieee754=True)
    )
    assert json.loads(page)["@odata.count"] == "1"
    assert json.loads(page)["value"] == [json.loads(SCORE)]


def test_the_singleton_has_a_type_and_an_address_too() -> None:
    assert json.loads(singleton_body(ORIGIN, "beta", style=FULL)) == {
        "@odata.context": f"{ORIGIN}/beta/$metadata#security",
        "@odata.type": "#microsoft.graph.security",
        "@odata.id": f"{ORIGIN}/beta/security",
        "@odata.editLink": f"{ORIGIN}/beta/security",
        **{
            f"{name}@odata.navigationLink": f"{ORIGIN}/beta/security/{name}"
            for name in ("secureScores", "secureScoreControlProfiles", "userSecurityProfiles")
        },
    }


def test_an_enumeration_is_named_with_its_namespace() -> None:
    accounts = USER_PROFILES.type.by_name["accounts"].type
    assert isinstance(accounts, Collection)
    body = b'{"id":"u","accounts":[{"status":"active","lastSeenDateTime":null}]}'
    user = json.loads(annotated(body, USER_PROFILES.type))
    assert user["accounts"] == [
        {
            "@odata.type": "#microsoft.graph.userAccount",
            "status@odata.type": "#microsoft.graph.accountStatus",
            "status": "active",
            "lastSeenDateTime": None,
        }
    ]


@pytest.mark.parametrize(
    ("name", "annotation"),
    [
        ("Edm.String", None),
        ("Edm.Boolean", None),
        ("Edm.Double", None),
        ("Edm.Int32", "#Int32"),
        ("Edm.DateTimeOffset", "#DateTimeOffset"),
    ],
)
def test_a_type_that_json_tells_is_not_written(name: str, annotation: str | None) -> None:
    assert type_annotation(Primitive(name)) == annotation  # type: ignore[arg-type]


def resource(*path: str) -> PropertyResource:
    kind: object = SECURE_SCORES.type
    for name in path:
        kind = kind.by_name[name].type if hasattr(kind, "by_name") and name in kind.by_name else None
    assert not isinstance(kind, Enumeration)
    return PropertyResource("v1.0", SECURE_SCORES, "it's", path, type=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "value", "style", "expected"),
    [
        (("currentScore",), b"12.50", Style(), b'"value":12.50}'),
        (("enabledServices",), b'["a"]', Style(), b'"value":["a"]}'),
        (("vendorInformation",), b'{"vendor":"M"}', Style(), b'"vendor":"M"}'),
        (("activeUserCount",), b"5", FULL, b'"@odata.type":"#Int32","value":5}'),
        (
            ("vendorInformation",),
            b'{"vendor":"M"}',
            FULL,
            b'"@odata.type":"#microsoft.graph.securityVendorInformation","vendor":"M"}',
        ),
        (("openName",), b'{"a":1}', FULL, b'"a":1}'),
    ],
)
def test_a_property_has_its_context_in_front(
    path: tuple[str, ...], value: bytes, style: Style, expected: bytes
) -> None:
    body = property_body(ORIGIN, resource(*path), value=msgspec.Raw(value), style=style)
    context = f"{ORIGIN}/v1.0/$metadata#security/secureScores('it%27%27s')/{'/'.join(path)}"
    assert body == b'{"@odata.context":"%b",' % context.encode() + expected
    bare = property_body(ORIGIN, resource(*path), value=msgspec.Raw(value), style=NONE)
    assert bare == (value if value.startswith(b"{") else b'{"value":%b}' % value)


def test_a_complex_property_without_members_is_still_an_object() -> None:
    empty = msgspec.Raw(b"{}")
    assert property_body(ORIGIN, resource("vendorInformation"), value=empty, style=NONE) == b"{}"
    assert list(json.loads(property_body(ORIGIN, resource("vendorInformation"), value=empty))) == [
        "@odata.context"
    ]
