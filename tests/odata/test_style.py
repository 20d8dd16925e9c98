"""How answers are written: which style a header or `$format` asks for, and which is told."""

import pytest

from stanchion.errors import BadRequest, NotAcceptable
from stanchion.odata.negotiation import JSON, METADATA, TEXT, Choice, check_body_version, chosen
from stanchion.odata.style import AS_GRAPH, Style

FULL, NONE = Style("full"), Style("none")
POWER_QUERY = (
    "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,"
    "application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7"
)


@pytest.mark.parametrize(
    ("header", "style"),
    [
        (None, AS_GRAPH),
        ("", AS_GRAPH),
        ("*/*", AS_GRAPH),
        ("application/json", AS_GRAPH),
        ("application/json;odata.metadata=minimal;odata.streaming=true", AS_GRAPH),
        ("application/json;odata.streaming=false", AS_GRAPH),
        ("application/json;odata.metadata=full", FULL),
        ("application/json;metadata=full", FULL),
        ("APPLICATION/JSON; OData.Metadata=FULL", FULL),
        ('application/json;odata.metadata="none"', NONE),
        ("application/json;metadata=none", NONE),
        ("application/json;IEEE754Compatible=true", Style(ieee754=True)),
        ("application/json;odata.metadata=full;ieee754compatible=TRUE", Style("full", ieee754=True)),
        ("application/json;odata.metadata=full;q=0.5, application/json", AS_GRAPH),
        ("application/json;odata.metadata=minimal;q=0.5, application/json;odata.metadata=none;q=0.6", NONE),
        ("application/json;odata.metadata=full;q=0, application/json;odata.metadata=none", NONE),
        ("application/json;odata.metadata=some, application/json;odata.metadata=full;q=0.1", FULL),
        ("text/html, application/json;odata.metadata=full", FULL),
        (POWER_QUERY, AS_GRAPH),
    ],
)
def test_accept_chooses_the_style_of_its_heaviest_range(header: str | None, style: Style) -> None:
    assert chosen(header) == Choice("application/json", style)


@pytest.mark.parametrize(
    ("asked", "choice"),
    [
        ("json", Choice("application/json")),
        ("JSON;odata.metadata=full", Choice("application/json", FULL)),
        ("application/json;odata.metadata=none", Choice("application/json", NONE)),
        ("application/json;IEEE754Compatible=true", Choice("application/json", Style(ieee754=True))),
    ],
)
@pytest.mark.parametrize("header", [None, "text/html", "application/json;odata.metadata=minimal"])
def test_format_counts_instead_of_accept(header: str | None, asked: str, choice: Choice) -> None:
    assert chosen(header, asked) == choice


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("xml", JSON),
        ("atom", JSON),
        ("", JSON),
        ("application/xml", JSON),
        ("json;odata.metadata=some", JSON),
        ("json;IEEE754Compatible=maybe", JSON),
        ("html", METADATA),
        ("csv", TEXT),
    ],
)
def test_a_format_that_is_not_offered_is_refused_naming_what_is(asked: str, offered: tuple[str, ...]) -> None:
    with pytest.raises(NotAcceptable) as refusal:
        chosen("*/*", asked, offered)
    told = f"offered: {', '.join(offered)}"
    assert told + (", with odata.metadata none, " if offered == JSON else ".") in refusal.value.message
    assert refusal.value.target == "$format"


@pytest.mark.parametrize(
    ("header", "asked", "media_type"),
    [
        (None, None, "application/xml"),
        ("*/*", None, "application/xml"),
        ("application/*", None, "application/xml"),
        ("application/json, application/xml;q=0.1", None, "application/xml"),
        (POWER_QUERY, None, "application/xml"),
        ("application/json", None, "application/json"),
        ("application/json, application/xml;q=0", None, "application/json"),
        ("application/xml", "json", "application/json"),
        ("application/json", "xml", "application/xml"),
        (None, "application/xml", "application/xml"),
    ],
)
def test_metadata_is_xml_for_all_who_take_it(header: str | None, asked: str | None, media_type: str) -> None:
    assert chosen(header, asked, METADATA).media_type == media_type


def test_the_content_type_says_what_was_done() -> None:
    assert AS_GRAPH.content_type == (
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    )
    assert Style("full", ieee754=True).content_type == (
        "application/json;odata.metadata=full;odata.streaming=true;IEEE754Compatible=true;charset=utf-8"
    )


@pytest.mark.parametrize("header", [None, "", "4.0", "4.01", " 4.0 ", "4.0;NetFx"])
def test_a_body_of_version_4_is_read(header: str | None) -> None:
    check_body_version(header)


@pytest.mark.parametrize("header", ["3.0", "5.0", "4.1", "x"])
def test_a_body_of_another_version_is_refused(header: str) -> None:
    with pytest.raises(BadRequest, match=r"allowed: 4\.0, 4\.01"):
        check_body_version(header)
