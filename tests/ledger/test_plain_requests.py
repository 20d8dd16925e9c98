"""The quick reading of a PATCH: it says what the strict reading says, or leaves the body to it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest
from stanchion.ledger.decisions import DecisionRequest, parse_request
from stanchion.ledger.plain_requests import parse_plain
from stanchion.model.edm import RootName
from stanchion.model.json_text import parse_object

ROOTS: tuple[RootName, ...] = ("v1.0", "beta")
OWNER = '"vendorInformation":{"vendor":"Microsoft","provider":"SecureScore"}'
NAMES = ("assignedTo", "comment", "tenantNote", "state", "controlStateUpdates", "@odata.type")
PRODUCT_NAMES = ("vendor", "provider", "providerVersion", "subProvider", "@odata.type")


def strictly(body: bytes, root: RootName) -> DecisionRequest | None:
    """Return what the strict reading makes of a body; None where it refuses."""
    try:
        return parse_request(parse_object(body), root=root)
    except BadRequest:
        return None


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize(
    "body",
    [
        f'{{"state":"Reviewed","comment":"see ticket 7",{OWNER}}}',
        f'{{"state" : "ignored" ,\n\t"assignedTo": null, {OWNER} }}',
        f'{{"tenantNote":"as agreed","controlStateUpdates":"ThirdParty",{OWNER}}}',
        f'{{"comment":"Grüße, 日本",{OWNER}}}',
        f'{{"comment":"a,b:{{c}}[d]",{OWNER}}}',
        (
            '{"@odata.type":"#microsoft.graph.secureScoreControlProfile","state":"Default","vendorInformation":'
            '{"@odata.type":"microsoft.graph.securityVendorInformation","provider":"P","providerVersion":null,'
            '"subProvider":"","vendor":"V"}}'
        ),
    ],
)
def test_a_plain_body_is_read_as_the_strict_reading_reads_it(body: str, root: RootName) -> None:
    read = parse_plain(body.encode(), root=root)
    assert read is not None
    assert read == strictly(body.encode(), root)


@pytest.mark.parametrize(
    "body",
    [
        '{"comment":"a","comment":"b"}',
        '{"comment":"a","comment":null}',
        f"{{{OWNER},{OWNER}}}",
        '{"vendorInformation":{"vendor":"a","vendor":"b","provider":"c"}}',
        '{"comment":"line\\nline"}',
        '{"comment":"\\u0000"}',
        '{"comment":1}',
        '{"state":null}',
        '{"state":"Solved"}',
        '{"comment":"a","tenantNote":"a"}',
        '{"state":"Default","controlStateUpdates":"Default"}',
        '{"controlStateUpdates":[]}',
        '{"title":"echoed"}',
        '{"vendorInformation":null}',
        '{"vendorInformation":{"vendor":"a","provider":""}}',
        '{"vendorInformation":{"vendor":"a","provider":"b","other":null}}',
        '{"secureScoreControlProfile":{}}',
        "[]",
        "",
        '{"comment":"a"',
        '{"comment":NaN}',
    ],
)
def test_any_other_body_is_left_to_the_strict_reading(body: str) -> None:
    assert parse_plain(body.encode(), root="beta") is None


def test_v1_0_asks_for_the_product() -> None:
    assert parse_plain(b'{"state":"Default"}', root="v1.0") is None
    assert parse_plain(b'{"state":"Default"}', root="beta") is not None


# What shapes JSON, what it escapes, what UTF-8 cannot hold, and letters.
ODD = 'ab"\\:{},[] \n\x00\x1fé\ud800'
texts = st.one_of(st.none(), st.text(ODD, max_size=6), st.sampled_from(["Default", "REVIEWED", "ignore"]))
members = st.tuples(st.sampled_from((*PRODUCT_NAMES, "extra")), texts)


def written(pairs: list[tuple[str, str]]) -> str:
    """Write an object of names and JSON texts; a name may be there twice."""
    return "{" + ",".join(f'"{name}": {text}' for name, text in pairs) + "}"


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Give bodies near to plain ones."""
    escapes = draw(st.booleans())

    def pair(name: str, value: str | None) -> tuple[str, str]:
        return name, json.dumps(value, ensure_ascii=escapes)

    pairs = [
        pair(name, draw(texts)) for name in draw(st.lists(st.sampled_from((*NAMES, "title")), max_size=5))
    ]
    products = draw(st.lists(st.lists(members, max_size=5), max_size=2))
    pairs += [("vendorInformation", written([pair(*member) for member in product])) for product in products]
    return written(draw(st.permutations(pairs))).encode("utf-8", "surrogatepass")


@given(body=bodies(), root=st.sampled_from(ROOTS))
def test_the_quick_reading_never_says_anything_else(body: bytes, root: RootName) -> None:
    read = parse_plain(body, root=root)
    assert read is None or read == strictly(body, root)


@given(body=st.binary(max_size=40))
def test_no_bytes_bring_it_down(body: bytes) -> None:
    read = parse_plain(body, root="beta")
    assert read is None or read == strictly(body, "beta")
