"""A text whose shape is known becomes the filter, or meets the refusal, that reading it whole would give."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stanchion.errors import StanchionError
from stanchion.model.edm import CONTROL_PROFILES, GRAPH_SETS, EntitySet
from stanchion.odata.filter import Filter, parse_filter, shapes
from stanchion.odata.filter.typing import typed_filter

# What stands for a literal in a pattern, a character that no filter has.
LITERAL = "\x01"
PATTERNS = (
    "rank eq \x01",
    "rank div \x01 ge \x01",
    "accounts/any(a:a/status eq graph.accountStatus\x01)",
    "title eq \x01 and maxScore ge \x01",
    "rank in (\x01, \x01,\x01)",
    "rank in (\x01,null,true)",
    "not (rank add \x01 mul -\x01 ge length(tolower(\x01)))",
    "controlStateUpdates/any(c:c/state eq \x01 or c/updatedDateTime gt \x01)",
    "accounts/any(a:a/status eq \x01 or a/status in (\x01,\x01))",
    "complianceInformation/any(c:c/certificationControls/all(d:d/extra gt \x01 and contains(d/name,\x01)))",
    "lastModifiedDateTime ge \x01 and year(lastModifiedDateTime) lt \x01",
    "lastModifiedDateTime lt \x01 02:00",
    "date(lastModifiedDateTime) eq cast(\x01,Edm.Date)",
    "substring(title,\x01) eq \x01 or year(\x01) eq \x01",
    "title eq \x01 and service eq @p and tier in @p",
    "title eq graph.name\x01",
    "11111111-\x01 eq \x01",
    "id eq\x01",
    "deprecated eq true or \x01 eq null or \x01",
    'title in [\x01,"it\'s",\x01]',
)
PLAIN = ["'a'", "'it''s'", "'active'", "'staged'", "1", "-2", "1.5", "2026-01-31", "2026-01-31T00:00:00Z"]
ODD = [
    *("''", "'3'", "'2026-01-31'", "' and '", "'@p'", "'a''", '"json"', "x'a'", "now()", "title", "(", ")"),
    *("0", "007", "-0.25", "1e9", "1e999", "5.", "INF", "NaN", "true", "null", "@p", "5-1111-4111-8111"),
    *("9223372036854775807", "9223372036854775808", "99999999999999999999999", "2026-02-30"),
    *("2026-01-31T00:00Z", "2026-01-31T25:00:00Z", "2026-01-31t00:00:00.1234567z"),
    "2026-01-31T00:00:00+02:00",
]
PIECES = [
    *("title", "rank", "lastModifiedDateTime", "threats/any(t:", "t", "/", "x:", "(", ")", ",", "[", "]"),
    *("eq", "ge", "and", "or", "not", "in", "length(", "contains(", "cast(", "'", '"', "@p", "-"),
    *("abcdef12-", "null", "1", "'a'", "02:00", "2026-01-31T00:00:00"),
]


def outcome(read: Callable[[], Filter]) -> object:
    try:
        return read()
    except StanchionError as error:
        return type(error), error.message, error.target


def hold(text: str, entity_set: EntitySet, aliases: Mapping[str, str]) -> None:
    """Assert that a text means the same to both."""
    by_shape = outcome(lambda: parse_filter(text, entity_set, aliases=aliases))
    whole = outcome(lambda: typed_filter(text, entity_set, aliases=aliases).filter)
    assert by_shape == whole
    # 1, 1.0 and true are equal, and not the same parameter.
    assert repr(by_shape) == repr(whole)


def filled(pattern: str, literals: list[str]) -> str:
    """Put literals into a pattern, one after the other."""
    for literal in literals:
        pattern = pattern.replace(LITERAL, literal, 1)
    return pattern


def fillings(pattern: str) -> st.SearchStrategy[list[str]]:
    count = pattern.count(LITERAL)
    literal = st.sampled_from(PLAIN) | st.sampled_from(ODD)
    texts = st.lists(literal, min_size=count, max_size=count).map(lambda found: filled(pattern, found))
    return st.lists(texts, min_size=2, max_size=5)


@settings(max_examples=150)
@given(st.sampled_from(PATTERNS).flatmap(fillings), st.sampled_from(["'a'", "5", "(1,2)"]))
@example(["rank eq 1.5", "rank eq 1", "rank eq 'a'"], "1")
@example([f"accounts/any(a:a/status eq graph.accountStatus'{name}')" for name in ("active", "staged")], "1")
@example(
    [f"date(lastModifiedDateTime) eq cast({day},Edm.Date)" for day in ("'2026-01-31'", "'2026-02-01'")], "1"
)
@example([f"title in [\"'a'\",{text}]" for text in ("'a'", "'b'")], "1")
@example([f'title in ["x {number} y"]' for number in (1, 2)], "1")
@example([f'title eq " or title eq {text} or title eq "' for text in ("'a'", "'b'")], "1")
def test_texts_of_one_pattern_mean_what_each_means_by_itself(texts: list[str], alias: str) -> None:
    for text in texts:
        for entity_set in GRAPH_SETS:
            hold(text, entity_set, {"@p": alias})


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from(PIECES) | st.just(LITERAL), max_size=10)
    .flatmap(lambda pieces: st.sampled_from(["", " "]).map(lambda between: between.join(pieces)))
    .flatmap(fillings)
)
def test_texts_of_any_pieces_mean_what_each_means_by_itself(texts: list[str]) -> None:
    for text in texts:
        hold(text, CONTROL_PROFILES, {"@p": "'a'"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("title eq 'a' and maxScore ge 1.5", "title eq 'it''s' and maxScore ge -20.25"),
        ("rank in (1,2) or contains(title,'a')", "rank in (-7,0) or contains(title,' and ')"),
        ("lastModifiedDateTime ge 2026-01-31T00:00:00Z", "lastModifiedDateTime ge 2025-02-01T12:30:00.5Z"),
        ("threats/any(t:t eq 'a') and true eq deprecated", "threats/any(t:t eq '') and true eq deprecated"),
    ],
)
def test_texts_that_differ_in_plain_literals_share_one_tree(one: str, other: str) -> None:
    first, second = (parse_filter(text, CONTROL_PROFILES, aliases={}) for text in (one, other))
    assert first.tree is second.tree
    assert first.values != second.values


@pytest.mark.parametrize(
    "text",
    [
        "title eq @p",
        "date(lastModifiedDateTime) eq cast('2026-01-31',Edm.Date)",
        "title eq graph.any'active'",
    ],
)
def test_what_may_differ_by_its_literals_is_read_each_time(text: str) -> None:
    first, second = (_outcome_tree(text) for _ in range(2))
    assert first is not second


def _outcome_tree(text: str) -> object:
    found = outcome(lambda: parse_filter(text, CONTROL_PROFILES, aliases={"@p": "'a'"}))
    return found.tree if isinstance(found, Filter) else found


def test_a_text_of_a_known_shape_may_be_too_long() -> None:
    hold("title eq 'a'", CONTROL_PROFILES, {})
    hold(f"title eq '{'a' * 5000}'", CONTROL_PROFILES, {})


def test_so_many_shapes_are_kept_and_no_more() -> None:
    for number in range(shapes.MAX_SHAPES + 2):
        # Each with a literal that is part of its shape.
        parse_filter(f"rank eq {number}e1", CONTROL_PROFILES, aliases={})
    assert 0 < len(shapes._shapes) <= shapes.MAX_SHAPES
