"""Any text is a filter or refused with 400 or 501, and reading it takes time in proportion to its length."""

from contextlib import suppress
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stanchion.errors import BadRequest, NotImplementedFeature, StanchionError
from stanchion.model.edm import CONTROL_PROFILES, GRAPH_SETS
from stanchion.odata.filter import parse_filter
from stanchion.odata.filter.tokens import tokens
from tests.odata.steps import steps

WORDS = (
    "( ) , : / ' '' \" - -1 1 1.5 1e9 @p @ $it $count any( all( x: x/ not and or eq ne gt ge lt le in in( has "
    "add sub mul div divby mod null true false INF NaN 'a' title rank maxScore deprecated id threats id/ "
    "vendorInformation/ complianceInformation/any(c:c/ tolower( length( substring( now() date( year( concat( "
    "2026-01-01 2026-01-01T00:00:00Z 2026-01-01T00:00:00 02:00 11111111-1111-4111-8111-111111111111 "
    "graph.accountStatus'active' microsoft.graph. \x00 \u0130 \ufeff"
)
# How long each takes is counted in steps below; a clock would measure whatever else the machine does.
PIECES = st.text(max_size=4) | st.sampled_from([f"{word} " for word in WORDS.split(" ")])


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join), st.dictionaries(st.just("@p"), st.text(max_size=6)))
@example("'" * 4096, {})
@example("a eq 1" + "0" * 4000, {})
@example("-" * 4096, {})
def test_any_text_is_a_filter_or_refused(text: str, aliases: dict[str, str]) -> None:
    for entity_set in GRAPH_SETS:
        with suppress(BadRequest, NotImplementedFeature):
            parse_filter(text, entity_set, aliases=aliases)


GOOD = [
    "service eq 'MDATP' and (id eq 'scid_2016' or id eq 'scid_5094')",
    "complianceInformation/any(c:c/certificationControls/all(d:d/extra/deep gt 5 and contains(d/name,'x')))",
    "not (rank add 1 mul -2 ge length(tolower(title))) or lastModifiedDateTime in (2026-01-01T00:00:00+02:00,null)",
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(GOOD), st.integers(0, 110), st.integers(0, 6), st.text(max_size=3))
def test_a_filter_with_a_slip_is_a_filter_or_refused(text: str, place: int, cut: int, put: str) -> None:
    with suppress(BadRequest, NotImplementedFeature):
        parse_filter(text[:place] + put + text[place + cut :], CONTROL_PROFILES, aliases={})


REPEATED = {
    "terms": ("title eq 'a'", " or title eq 'a'", ""),
    "words": ("", "title ", ""),
    "marks": ("", "(", ""),
    "quotes": ("title eq '", "''", "'"),
    "open quotes": ("title eq '", "a", ""),
    "digits": ("rank eq 1", "0", ""),
    "a list": ("rank in (1", ",1", ")"),
    "a path": ("title", "/a", " eq 1"),
    "dots": ("a", ".a", " eq 1"),
    "blanks": ("title", " ", "eq 'a'"),
    "almost guids": ("", "11111111-1111-4111-8111-", ""),
}


def _read(text: str) -> None:
    with suppress(StanchionError):
        parse_filter(text, CONTROL_PROFILES, aliases={})


@pytest.mark.parametrize(("before", "repeated", "after"), REPEATED.values(), ids=REPEATED)
def test_twice_the_text_takes_at_most_a_little_more_than_twice_the_steps(
    before: str, repeated: str, after: str
) -> None:
    times = 1900 // len(repeated)
    once, twice = (steps(partial(_read, before + repeated * (times * n) + after)) for n in (1, 2))
    assert twice <= 2.6 * once


@pytest.mark.parametrize(
    "run", ["'" * 4000, "a" * 4000, "1" * 4000, "1-" * 2000, "a." * 2000, " " * 4000, "''" * 2000]
)
def test_each_character_is_looked_at_once(run: str) -> None:
    # A token begins where the one before it ended: so many tokens, so many looks.
    with suppress(BadRequest):
        found = tokens(run)
        assert sum(len(token.text) for token in found) <= len(run)
