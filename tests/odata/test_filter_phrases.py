"""A filter put together from phrases that are known means what reading it whole gives."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stanchion.errors import BadRequest
from stanchion.model.edm import CONTROL_PROFILES, GRAPH_SETS
from stanchion.odata.filter import MAX_TESTS, parse_filter, phrases
from stanchion.odata.filter.nesting import LOGIC_STEPS, MAX_STEPS, steps_of
from stanchion.odata.filter.tree import Logic, Scalar
from stanchion.odata.filter.typing import typed_filter
from tests.odata.test_filter_shapes import hold

PHRASES = (
    "title eq 'a'",
    "title ne 'it''s and (so'",
    "'b' eq title",
    "deprecated",
    "true",
    "not deprecated",
    "not (rank gt 1 or deprecated)",
    "(rank gt 1 or deprecated)",
    "(rank gt 1 or deprecated) eq true",
    "rank in (1,2)",
    "title in ('a',null)",
    "title eq null",
    "rank add 1 gt 2.5",
    "length(title) gt 3",
    "lastModifiedDateTime ge 2026-01-31T00:00:00Z",
    "lastModifiedDateTime lt 2026-01-31",
    "threats/any(t:t eq 'a' and contains(t,'b') or t eq null)",
    "complianceInformation/any(c:c/and eq 1)",
    "complianceInformation/any(c:c/or or c/and)",
    "vendorInformation/provider eq 'x'",
    "service eq @p",
    "date(lastModifiedDateTime) eq cast('2026-01-31',Edm.Date)",
)
WRONG = (
    "title",
    "rank gt",
    "and",
    "or",
    "nowhere eq 1",
    "vendorInformation/ and eq 'x'",
    "(deprecated",
    ")",
    "",
)
WORDS = (
    " and ",
    " or ",
    " AND ",
    " Or ",
    "  and ",
    " and  ",
    " and(",
    ")or ",
    "\tor ",
    ") and (",
    " and not ",
)


def texts(pieces: tuple[str, ...], words: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Draw phrases, with a word between each two."""
    piece = st.sampled_from(pieces)
    further = st.lists(st.tuples(st.sampled_from(words), piece), max_size=5)
    return st.builds(lambda first, rest: first + "".join(map("".join, rest)), piece, further)


@settings(max_examples=300)
@given(st.lists(texts(PHRASES, (" and ", " or ", " AND ", " Or ")), min_size=1, max_size=3))
@example(["title eq 'a' or rank in (1,2) and deprecated or title eq null and 'b' eq title"])
@example(["title eq null and title eq 'a'", "title eq 'a' and title eq null"])
def test_phrases_put_together_mean_what_the_whole_means(drawn: list[str]) -> None:
    for text in drawn:
        hold(text, CONTROL_PROFILES, {"@p": "'a'"})


@settings(max_examples=300)
@given(texts(PHRASES + WRONG, WORDS))
@example("deprecated and deprecated or(deprecated) and deprecated")
@example("complianceInformation/any(c:c/ and eq 1) and deprecated")
@example("vendorInformation/ and eq 'x'")
@example("deprecated and (rank gt 1) or rank lt 1) and deprecated")
@example("lastModifiedDateTime lt 2026-01-31T00:00:00 02:00 and deprecated")
def test_what_looks_like_phrases_means_what_the_whole_means(text: str) -> None:
    for entity_set in GRAPH_SETS:
        hold(text, entity_set, {"@p": "'a'"})


def terms_of(text: str) -> tuple[Scalar, ...]:
    """Return what a filter joins."""
    tree = parse_filter(text, CONTROL_PROFILES, aliases={}).tree
    assert isinstance(tree, Logic)
    return tree.terms


def test_a_phrase_is_read_once_for_all_filters_in_which_its_parameters_have_the_same_numbers() -> None:
    one, _ = terms_of("length(title) gt 3 and rank eq 17")
    two, _ = terms_of("length(title) gt 4 or tier eq 'Core'")
    assert one is two
    _, three = terms_of("deprecated and length(title) gt 5")
    assert three is one
    _, four = terms_of("rank eq 17 and length(title) gt 5")
    assert four is not one


@pytest.mark.parametrize("word", ["and", "or"])
def test_known_phrases_make_no_filter_of_more_tests_than_are_allowed(word: str) -> None:
    parse_filter(f" {word} ".join(["deprecated"] * MAX_TESTS), CONTROL_PROFILES, aliases={})
    with pytest.raises(BadRequest, match="more than 100 tests"):
        parse_filter(f" {word} ".join(["deprecated"] * (MAX_TESTS + 1)), CONTROL_PROFILES, aliases={})


def test_known_phrases_make_no_filter_that_nests_deeper_than_is_allowed() -> None:
    deep = "substring(" * 4 + "title" + ",1)" * 4 + " eq 'a'"
    known, steps = typed_filter(deep, CONTROL_PROFILES, aliases={}).filter, MAX_STEPS - LOGIC_STEPS
    assert steps < steps_of(known.tree) <= MAX_STEPS
    assert parse_filter(deep, CONTROL_PROFILES, aliases={}) == known
    for text in (f"{deep} or deprecated", f"deprecated and {deep}"):
        with pytest.raises(BadRequest, match="nests 73 steps deep"):
            parse_filter(text, CONTROL_PROFILES, aliases={})


def test_so_many_phrases_are_kept_and_no_more() -> None:
    for number in range(phrases.MAX_PHRASES + 2):
        # Each with a literal that is part of its phrase.
        parse_filter(f"rank eq {number}e1", CONTROL_PROFILES, aliases={})
    assert 0 < len(phrases._phrases) <= phrases.MAX_PHRASES


def test_a_filter_that_is_refused_keeps_none_of_its_phrases() -> None:
    known = dict(phrases._phrases)
    with pytest.raises(BadRequest, match="nowhere"):
        parse_filter("rank eq 1e9 and nowhere eq 1", CONTROL_PROFILES, aliases={})
    assert phrases._phrases == known


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"rank eq {number}e2" for number in range(phrases.MAX_NEW_PHRASES + 1)),
        f"rank in ({','.join(['1e3'] * phrases.MAX_CHARACTERS)})",
    ],
)
def test_of_many_new_phrases_and_long_ones_none_is_kept(text: str) -> None:
    known = dict(phrases._phrases)
    hold(text, CONTROL_PROFILES, {})
    assert phrases._phrases == known
