"""Query options: what each asks for, and how a wrong one is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import (
    BadRequest,
    ExpandNotSupported,
    NotFound,
    NotImplementedFeature,
    StanchionError,
)
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet, Primitive
from stanchion.odata.options import asked_format, parse_item_options, parse_options
from stanchion.odata.query import IdKey, ListQuery, MicrosoftFirst, OrderKey, PropertyKey

CREATED = ("createdDateTime",)
PROVIDER = ("vendorInformation", "provider")
TEXT, NUMBER, INSTANT = Primitive("Edm.String"), Primitive("Edm.Double"), Primitive("Edm.DateTimeOffset")
BY_PROVIDER = PropertyKey(PROVIDER, TEXT, "vendor_information_provider")
NEWEST = PropertyKey(CREATED, INSTANT, "created_date_time", descending=True)
OLDEST = PropertyKey(CREATED, INSTANT, "created_date_time")

NAMES = ["count", "filter", "format", "orderby", "select", "skip", "skiptoken", "top", "expand", "x"]
PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from([f"${n}=".encode() for n in NAMES] + [f"%24{n.upper()}=".encode() for n in NAMES]),
    st.sampled_from(
        [b"&", b"=", b"+", b"%", b",", b"/", b"id", b"createdDateTime desc", b"true", b"1", b"json"]
    ),
)


def ask(query: str, entity_set: EntitySet = SECURE_SCORES) -> ListQuery:
    return parse_options(query.encode(), entity_set, root="v1.0")


@given(st.lists(PIECES, max_size=8).map(b"".join))
def test_any_bytes_are_a_query_or_refused(query: bytes) -> None:
    for entity_set in (SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES):
        with suppress(StanchionError):
            found = parse_options(query, entity_set, root="beta")
            assert 0 <= found.page_size <= 999
            assert isinstance(found.order[-1], IdKey)


@given(st.binary(max_size=30))
def test_any_bytes_are_options_of_an_item_or_refused(query: bytes) -> None:
    for prefix in (b"", b"$select="):
        with suppress(StanchionError):
            parse_item_options(prefix + query)


def test_nothing_asked_gives_the_defaults() -> None:
    assert ask("") == ListQuery(
        entity_set=SECURE_SCORES,
        root="v1.0",
        order=(NEWEST, MicrosoftFirst(), BY_PROVIDER, IdKey()),
    )
    assert ask("").page_size == 100
    assert ask("", CONTROL_PROFILES).page_size == 200
    assert ask("", CONTROL_PROFILES).order == (IdKey(),)


@pytest.mark.parametrize(
    ("query", "page_size"),
    [
        ("$top=5", 5),
        ("%24top=5", 5),
        ("$TOP=5", 5),
        ("%24Top=+5", 5),
        ("$top=0", 0),
        ("$top=0005", 5),
        ("$top=999", 999),
        ("$top=1000", 999),
        ("$top=" + "9" * 6_000, 999),
        ("top=5", 5),
        ("Top=+5", 5),
        ("topmost=5", 100),
        ("&&$top=5&", 5),
        ("x=1&x=2&$top=5", 5),
        ("%FF=%FF&$top=5", 5),
    ],
)
def test_top_is_a_page_size_and_clamped(query: str, page_size: int) -> None:
    assert ask(query).page_size == page_size


def test_skip_is_clamped_to_what_a_database_can_count() -> None:
    assert ask("$skip=7").skip == 7
    assert ask("$skip=" + "9" * 100).skip == 2**31 - 1


@pytest.mark.parametrize(
    ("query", "count"), [("$count=true", True), ("$count=TRUE", True), ("$count=false", False), ("", False)]
)
def test_count_is_true_or_false(query: str, count: bool) -> None:  # noqa: FBT001 (a column of the table)
    assert ask(query).count is count


@pytest.mark.parametrize(
    ("query", "select"),
    [
        ("$select=currentScore", ("currentScore",)),
        (
            "$select=createdDateTime%2CaverageComparativeScores",
            ("createdDateTime", "averageComparativeScores"),
        ),
        ("$select=id,+maxScore", ("id", "maxScore")),
        ("$select=id,id", ("id",)),
        ("$select=controlName,title", ("controlName", "title")),
        ("$select=*", None),
        ("select=maxScore", ("maxScore",)),
        ("$select=vendorInformation/vendor", ("vendorInformation/vendor",)),
        ("$select=id,*", None),
        ("", None),
    ],
)
def test_select_lists_names_declared_or_not(query: str, select: tuple[str, ...] | None) -> None:
    assert ask(query).select == select
    assert parse_item_options(query.encode()) == select


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("$orderby=createdDateTime desc", (NEWEST, MicrosoftFirst(), BY_PROVIDER, IdKey())),
        ("$orderby=createdDateTime+DESC", (NEWEST, MicrosoftFirst(), BY_PROVIDER, IdKey())),
        ("$orderby=createdDateTime", (OLDEST, MicrosoftFirst(), BY_PROVIDER, IdKey())),
        (
            "$orderby=createdDateTime asc,createdDateTime desc",
            (OLDEST, MicrosoftFirst(), BY_PROVIDER, IdKey()),
        ),
        ("$orderby=id desc", (IdKey(descending=True),)),
        ("$orderby=id, createdDateTime", (IdKey(),)),
        (
            "$orderby=maxScore desc,vendorInformation/provider",
            (
                PropertyKey(("maxScore",), NUMBER, "max_score", descending=True),
                BY_PROVIDER,
                NEWEST,
                MicrosoftFirst(),
                IdKey(),
            ),
        ),
        (
            "$orderby=vendorInformation/subProvider",
            (
                PropertyKey(("vendorInformation", "subProvider"), TEXT, None),
                NEWEST,
                MicrosoftFirst(),
                BY_PROVIDER,
                IdKey(),
            ),
        ),
        (
            "$orderby=azureTenantId",
            (PropertyKey(("azureTenantId",), TEXT, None), NEWEST, MicrosoftFirst(), BY_PROVIDER, IdKey()),
        ),
    ],
)
def test_an_order_ends_in_the_id_and_keeps_the_sets_own_order_below(
    query: str, order: tuple[OrderKey, ...]
) -> None:
    assert ask(query).order == order


@pytest.mark.parametrize("entity_set", [SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES], ids=lambda s: s.name)
def test_every_plain_property_can_be_sorted_by(entity_set: EntitySet) -> None:
    for prop in entity_set.type.properties:
        if isinstance(prop.type, Primitive) and prop.name != "id":
            key = ask(f"$orderby={prop.name}", entity_set).order[0]
            assert isinstance(key, PropertyKey)
            assert (key.column is not None) == prop.indexed


@pytest.mark.parametrize(
    ("query", "failure", "target", "message"),
    [
        ("$top=x", BadRequest, "$top", "'x' of '$top' is no whole number"),
        ("$top=-1", BadRequest, "$top", "no whole number, 0 or more"),
        ("$top=1.0", BadRequest, "$top", "no whole number"),
        ("$top=", BadRequest, "$top", "no whole number"),
        ("$top=%C2%B2", BadRequest, "$top", "no whole number"),
        ("$top=%D9%A1", BadRequest, "$top", "no whole number"),
        ("$skip=-1", BadRequest, "$skip", "no whole number"),
        ("$count=1", BadRequest, "$count", "neither true nor false"),
        ("$top=1&$top=1", BadRequest, "$top", "'$top' is given twice"),
        ("$top=1&%24TOP=2", BadRequest, "$top", "'$top' is given twice"),
        ("$top=1&top=1", BadRequest, "$top", "'$top' is given twice"),
        ("expand=x", ExpandNotSupported, "$expand", "no navigation properties"),
        ("search=x", NotImplementedFeature, "$search", "not offered"),
        ("$schemaversion=1.0", NotFound, "$schemaversion", "no version '1.0' of the schema"),
        ("schemaversion=1.0", NotFound, "$schemaversion", "no version '1.0' of the schema"),
        ("$top=%FF", BadRequest, "$top", "not UTF-8"),
        ("$select=a%00", BadRequest, "$select", "U+0000"),
        ("$select=", BadRequest, "$select", "'' in '$select' is not a property name"),
        ("$select=a,,b", BadRequest, "$select", "not a property name"),
        ("$select=a b", BadRequest, "$select", "'a b' in '$select'"),
        ("$select=controlScores($top=1)", NotImplementedFeature, "$select", "option '$top' of a property"),
        ("$foo=1", BadRequest, None, "'$foo' is not allowed here; allowed: $count, $filter, $format"),
        ("$=1", BadRequest, None, "'$' is not allowed here"),
        ("%24%FF=1", BadRequest, None, "is not allowed here"),
        ("$deltatoken=x", BadRequest, None, "'$deltatoken' is not allowed here"),
        ("$orderby=length(id)", NotImplementedFeature, "$orderby", "To order by 'length(id)' is not offered"),
        ("$orderby=id,concat(id,'a,b') desc", NotImplementedFeature, "$orderby", "To order by"),
        ("$orderby=controlScores/$count desc", NotImplementedFeature, "$orderby", "To order by"),
        ("$orderby=maxScore sub currentScore", NotImplementedFeature, "$orderby", "To order by"),
        ("$orderby=round(maxScore)", NotImplementedFeature, "$orderby", "To order by 'round(maxScore)'"),
        ("$orderby=graph.secureScore/id", NotImplementedFeature, "$orderby", "To order by"),
        ("$orderby=length(id", BadRequest, "$orderby", "'length(id' in '$orderby' is not a property name"),
        ("$orderby=id desc asc", BadRequest, "$orderby", "'id desc asc' in '$orderby'"),
        ("$expand=x", ExpandNotSupported, "$expand", "no navigation properties"),
        ("$filter=", BadRequest, "$filter", "not the end, at character 1 of '$filter'"),
        (
            "$filter=id eq 1",
            BadRequest,
            "$filter",
            "'id' of type Edm.String does not compare with the number 1",
        ),
        ("$filter=id eq 'a'&$FILTER=id eq 'b'", BadRequest, "$filter", "'$filter' is given twice"),
        ("$filter=id eq @a&@a='1'&@a='2'", BadRequest, "$filter", "alias '@a' is given twice"),
        ("$filter=id eq @a&@a=%FF", BadRequest, "@a", "The value of '@a' is not UTF-8"),
        ("$search=x", NotImplementedFeature, "$search", "not offered"),
        ("$apply=x", NotImplementedFeature, "$apply", "not offered"),
        ("$compute=x", NotImplementedFeature, "$compute", "not offered"),
        ("$skip=1&$skiptoken=x", BadRequest, "$skip", "cannot be combined"),
        (
            "$orderby=createdDatetime",
            BadRequest,
            "$orderby",
            "'createdDatetime' on type 'microsoft.graph.secureScore'. Did you mean 'createdDateTime'?",
        ),
        (
            "$orderby=controlScores",
            BadRequest,
            "$orderby",
            "Collection(graph.controlScore), which has no order",
        ),
        ("$orderby=vendorInformation", BadRequest, "$orderby", "which has no order"),
        ("$orderby=controlScores/score", BadRequest, "$orderby", "which has no order"),
        (
            "$orderby=vendorInformation/x",
            BadRequest,
            "$orderby",
            "'microsoft.graph.securityVendorInformation'",
        ),
        (
            "$orderby=maxScore/x",
            BadRequest,
            "$orderby",
            "'maxScore' is of type Edm.Double, which has no parts",
        ),
        ("$orderby=id/x", BadRequest, "$orderby", "'id' is of type Edm.String, which has no parts"),
        ("$orderby=maxScore up", BadRequest, "$orderby", "followed by asc or desc"),
        ("$orderby=maxScore desc nulls", BadRequest, "$orderby", "followed by asc or desc"),
        ("$orderby=", BadRequest, "$orderby", "'' in '$orderby' is not a property name followed by"),
        ("$orderby=maxScore,", BadRequest, "$orderby", "'' in '$orderby' is not a property name followed by"),
    ],
)
def test_a_wrong_option_is_refused_by_name(
    query: str, failure: type[StanchionError], target: str | None, message: str
) -> None:
    with pytest.raises(failure) as refusal:
        ask(query)
    assert refusal.value.target == target
    assert message in refusal.value.message


@pytest.mark.parametrize("name", ["top", "skip", "count", "orderby", "skiptoken", "filter"])
def test_an_option_of_lists_is_refused_on_one_entity(name: str) -> None:
    with pytest.raises(BadRequest, match=f"'\\${name}' is not allowed here; allowed: \\$format, \\$select"):
        parse_item_options(f"${name}=1".encode())


def test_a_next_link_keeps_the_format() -> None:
    value = "application/json;odata.metadata=full"
    assert dict(ask(f"$format={value}").carried) == {"$format": value}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", None),
        ("$top=1", None),
        ("$format=json", "json"),
        ("%24FORMAT=application%2fjson;odata.metadata=none", "application/json;odata.metadata=none"),
        ("x=1&format=xml", "xml"),
        ("$unheard=1&$format=%FF", "\ufffd"),
    ],
)
def test_the_format_is_read_whatever_else_the_query_holds(query: str, value: str | None) -> None:
    assert asked_format(query.encode()) == value


@pytest.mark.parametrize("query", ["$schemaversion=*", "%24SchemaVersion=*", "schemaversion=+*"])
def test_the_present_version_of_the_schema_may_be_named(query: str) -> None:
    assert ask(query) == ask("")


def test_a_query_carries_what_its_next_link_repeats() -> None:
    query = ask("%24Select=id&x=1&$top=3&$skip=2&$OrderBy=maxScore+desc")
    assert query.carried == (("$select", "id"), ("$orderby", "maxScore desc"))


def test_a_filter_and_its_aliases_are_carried_decoded() -> None:
    query = ask("$filter=id+eq+%40id&%40id=%27a%2Bb%27&@unused=1&topmost=3")
    assert query.filter is not None
    assert query.filter.values == ("a+b",)
    assert query.carried == (("$filter", "id eq @id"), ("@id", "'a+b'"), ("@unused", "1"))


def test_an_alias_means_nothing_without_a_filter() -> None:
    assert ask("@a=%FF&@a=1") == ask("x=1")
