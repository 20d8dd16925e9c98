"""Requests made up: queries of lists, and bodies that are sent, as far from the usual as both may be asked."""

from dataclasses import dataclass
from urllib.parse import quote

from hypothesis import strategies as st

from stanchion.model.json_text import JsonValue
from tests.differential.hard import MEMBERS, NUMBERS, TIMES, TITLES
from tests.store.filter_author import Author, Phrase
from tests.store.filter_phrases import filters

SETS = ("secureScoreControlProfiles", "secureScores")
_ORDERED = {
    "secureScoreControlProfiles": ("title", "remediation", "rank", "maxScore", "deprecated", "id", "tier"),
    "secureScores": ("currentScore", "maxScore", "createdDateTime", "activeUserCount", "id"),
}


@dataclass(frozen=True)
class Query:
    """A query of a set."""

    entity_set: str
    options: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        """The path and the query of a GET."""
        query = "&".join(f"{quote(name, safe='$@')}={quote(value, safe='')}" for name, value in self.options)
        return f"/beta/security/{self.entity_set}?{query}"


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Return queries with a filter that has a meaning, in an order, a page at a time."""
    name = draw(st.sampled_from(SETS))
    author, phrase = draw(filters(name))
    return Query(name, (*_filter(author, phrase), *draw(_paging(name))))


def _filter(author: Author, phrase: Phrase) -> tuple[tuple[str, str], ...]:
    return (("$filter", phrase.text), *author.aliases.items())


@st.composite
def _paging(draw: st.DrawFn, name: str) -> tuple[tuple[str, str], ...]:
    keys = draw(st.lists(st.sampled_from(_ORDERED[name]), max_size=3, unique=True))
    order = ",".join(f"{key}{draw(st.sampled_from(('', ' asc', ' desc')))}" for key in keys)
    found = {
        "$orderby": order or None,
        "$top": draw(st.none() | st.sampled_from(("1", "3", "7", "999"))),
        "$skip": draw(st.none() | st.sampled_from(("0", "2", "50"))),
        "$count": draw(st.none() | st.sampled_from(("true", "false"))),
        "$select": draw(st.none() | st.sampled_from(("id", "id,title", "vendorInformation/provider,open"))),
    }
    return tuple((option, value) for option, value in found.items() if value is not None)


_values = st.recursive(
    st.sampled_from((*TITLES, *NUMBERS, *TIMES, *MEMBERS))
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(codec="utf-8"), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
_texts = st.sampled_from([title for title in TITLES if title != "nul\u0000inside"]) | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8
)
_TYPED: dict[str, st.SearchStrategy[JsonValue]] = {
    "title": _texts,
    "remediation": _texts,
    "tier": _texts,
    "rank": st.none() | st.integers(-(2**31), 2**31 - 1),
    "maxScore": st.sampled_from(NUMBERS[:-3]) | st.floats(allow_nan=False, allow_infinity=False),
    "deprecated": st.none() | st.booleans(),
    "threats": st.lists(_texts, max_size=3),
    "lastModifiedDateTime": st.sampled_from(TIMES),
    "open": _values,
    "other": _values,
}


def bodies() -> st.SearchStrategy[dict[str, JsonValue]]:
    """Return members of a control: most as the model wants them, some whatever they are."""
    typed = st.fixed_dictionaries({}, optional=_TYPED)
    return (
        typed
        | typed
        | st.dictionaries(st.sampled_from([*_TYPED, "azureTenantId", "id"]), _values, max_size=2)
    )
