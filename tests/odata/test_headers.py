"""Headers: entity tags, preferences, media types and versions."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest, NotAcceptable, UnsupportedMediaType
from stanchion.odata.etags import etag, matches, named_versions
from stanchion.odata.negotiation import (
    JSON,
    METADATA,
    TEXT,
    check_accept,
    check_content_type,
    check_version,
)
from stanchion.odata.preferences import Preferences, parse_preferences

POWER_QUERY = (
    "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
    "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7"
)
FIELDS = st.lists(
    st.sampled_from(['"', "\\", ",", ";", "=", "*", "/", "W/", "q=0", "return", "application/json", " "])
    | st.text(max_size=3)
).map("".join)


@given(FIELDS)
def test_any_header_is_read_or_refused(field: str) -> None:
    parse_preferences(field)
    for check in (check_accept, check_content_type, check_version):
        with suppress(NotAcceptable, UnsupportedMediaType, BadRequest):
            check(field)
    with suppress(BadRequest):
        matches(field, etag("e", 1))


def test_an_entity_tag_is_weak_and_names_epoch_and_version() -> None:
    assert etag("0a1b2c3d", 7) == 'W/"0a1b2c3d-7"'


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ('W/"e-1"', True),
        ('"e-1"', True),
        ("*", True),
        (" * ", True),
        ('"x", W/"e-1"', True),
        ('"a,b","e-1"', True),
        ('W/"e-2"', False),
        ('"e-11","E-1",""', False),
        ('"*"', False),
    ],
)
def test_tags_compare_weakly(header: str, same: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert matches(header, etag("e", 1)) is same


@pytest.mark.parametrize("header", ["", "e-1", 'W/"e-1', '"a" "b"', 'w/"e-1"', '"a",*', '"a\nb"'])
def test_what_is_no_tag_is_refused_by_the_name_of_its_header(header: str) -> None:
    with pytest.raises(BadRequest, match="of If-None-Match is neither"):
        matches(header, etag("e", 1), name="If-None-Match")


@pytest.mark.parametrize(
    ("header", "returned"),
    [
        (None, None),
        ("", None),
        ("return=representation", "representation"),
        ("Return=Representation", "representation"),
        ('return="representation"', "representation"),
        ("odata.return = minimal", "minimal"),
        ("respond-async, return=minimal; x=1, wait=5", "minimal"),
        ('a="x,return=minimal", return=representation', "representation"),
        ('a="\\",return=minimal"', None),
        ("odata.return=minimal, return=representation", "representation"),
        ("return=minimal, odata.return=representation", "minimal"),
        ("return=representation, return=minimal", "representation"),
        ("return=both", None),
        ("return", None),
        ("x;return=minimal", None),
    ],
)
def test_the_first_preference_for_what_is_returned_counts(header: str | None, returned: str | None) -> None:
    assert parse_preferences(header).returned == returned


def test_a_preference_that_was_honoured_is_named() -> None:
    assert Preferences("minimal").applied == "return=minimal"
    assert Preferences().applied is None


@pytest.mark.parametrize(
    ("header", "offered"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("*/*", METADATA),
        ("application/*;q=0.1", METADATA),
        ("application/json", JSON),
        ("APPLICATION/JSON;odata.metadata=full;IEEE754Compatible=true", JSON),
        ("text/html, */*;q=0.8", JSON),
        ("application/xml, application/json;q=0.001", JSON),
        ("application/json;q=x", JSON),
        ("application/json;q=0, application/json;q=1", JSON),
        (POWER_QUERY, JSON),
        (POWER_QUERY, METADATA),
        ("text/plain;q=0.9", TEXT),
        ("application/json", TEXT),
        ("text/*", TEXT),
    ],
)
def test_a_media_type_that_is_asked_for_is_given(header: str | None, offered: tuple[str, ...]) -> None:
    check_accept(header, offered)


@pytest.mark.parametrize(
    ("header", "offered"),
    [
        ("text/html", JSON),
        ("json", JSON),
        ("application/jsonx", JSON),
        ("application/json;q=0", JSON),
        ("application/json;q=0, */*", JSON),
        ("*/*;q=0", JSON),
        ("text/html", METADATA),
        ("image/*", TEXT),
        ("application/json;odata.metadata=some", JSON),
        ("application/json;IEEE754Compatible=maybe", JSON),
    ],
)
def test_a_media_type_that_is_not_offered_is_refused(header: str, offered: tuple[str, ...]) -> None:
    with pytest.raises(NotAcceptable, match=f"offered: {offered[0]}") as refusal:
        check_accept(header, offered)
    assert refusal.value.target == "Accept"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/json;odata.metadata=minimal;IEEE754Compatible=false",
        "application/json;",
    ],
)
def test_json_in_utf_8_is_read(header: str | None) -> None:
    check_content_type(header)


@pytest.mark.parametrize(
    "header",
    [
        "text/plain",
        "application/xml",
        "application/json;charset=utf-16",
        "application/merge-patch+json",
        "multipart/form-data; boundary=x",
        "json",
    ],
)
def test_a_body_of_another_media_type_is_refused(header: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="allowed: application/json in UTF-8"):
        check_content_type(header)


@pytest.mark.parametrize("header", [None, "4.0", "4.01", "5.0", " 4.0 ", "4.0;NetFx", "10.0"])
def test_version_4_may_be_answered(header: str | None) -> None:
    check_version(header)


@pytest.mark.parametrize("header", ["", "3.0", "03.0", "1.0;NetFx", "0.0", "4", "x", "4.x", "-4.0", "٤.0"])
def test_a_version_below_4_is_refused(header: str) -> None:
    with pytest.raises(BadRequest, match=r"allowed: 4\.0 or higher"):
        check_version(header)


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ("*", "any"),
        ('W/"e-1"', {1}),
        ('"e-1", W/"e-22"', {1, 22}),
        ('W/"other-1"', set()),
        ('"e-", "e-x", "e--1", "e1"', set()),
        ('W/"e-0"', {0}),
        ('W/"e-' + "9" * 19 + '"', {int("9" * 19)}),
        ('"e-' + "9" * 5_000 + '"', set()),
        ('W/"e-000000000000000000699"', set()),
        ('W/"e-06"', set()),
    ],
)
def test_a_header_names_the_versions_of_this_epoch(header: str, versions: set[int] | str) -> None:
    assert named_versions(header, "e") == versions
