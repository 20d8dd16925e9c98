"""The law of filters: the database finds the rows that Python finds, whatever is asked.

The filters are drawn with their meaning (`filter_phrases`), which knows neither parser nor compiler.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from stanchion.model.edm import ENTITY_SETS
from stanchion.model.json_text import JsonObject
from stanchion.odata.query import ListQuery
from tests.databases import AnyStore
from tests.store.commands import put_all
from tests.store.filter_author import WORDS, Author, Phrase
from tests.store.filter_phrases import filters
from tests.store.filter_rows import PLACES, rows_of
from tests.store.filtering import asked, ids_found

ROWS = {name: rows_of(name) for name in PLACES}
# One word in a hundred filters, and one filter in three that finds some of the rows and not all.
LEAST_SHARE, LEAST_TELLING = 0.01, 0.3


class Seen:
    """What was drawn: how many filters, how many used each word, how many told rows apart."""

    def __init__(self) -> None:
        self.filters = self.telling = 0
        self.words: Counter[str] = Counter()

    def note(self, author: Author, found: list[str], rows: list[JsonObject]) -> None:
        """Count a filter."""
        self.filters += 1
        self.telling += 0 < len(found) < len(rows)
        self.words.update(author.words)

    @property
    def rare(self) -> dict[str, float]:
        """The words that too few filters used, with their shares."""
        shares = {word: self.words[word] / self.filters for word in WORDS}
        return {word: share for word, share in shares.items() if share < LEAST_SHARE}


def hold(find: Callable[[ListQuery], list[str]], *, examples: int) -> Seen:
    """Assert the law for so many filters on each set."""
    seen = Seen()
    for name in ROWS:
        hold_on(name, find, seen, examples=examples)
    return seen


def hold_on(name: str, find: Callable[[ListQuery], list[str]], seen: Seen, *, examples: int) -> None:
    rows = ROWS[name]

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(filters(name))
    def check(drawn: tuple[Author, Phrase]) -> None:
        author, phrase = drawn
        expected = sorted(str(row["id"]) for row in rows if phrase.means({"it": row}) is True)
        found = find(asked(ENTITY_SETS[name], phrase.text, author.aliases))
        assert found == expected, phrase.text
        seen.note(author, found, rows)

    check()


@pytest.fixture
def filled(store: AnyStore) -> AnyStore:
    for name, rows in ROWS.items():
        store.run(put_all(rows, ENTITY_SETS[name]))
    return store


def test_a_filter_finds_the_rows_that_python_finds(filled: AnyStore) -> None:
    seen = hold(lambda query: ids_found(filled, query), examples=60)
    assert seen.telling >= LEAST_TELLING * seen.filters


@pytest.mark.slow
def test_every_word_of_the_language_is_tried_often_enough(filled: AnyStore) -> None:
    seen = hold(lambda query: ids_found(filled, query), examples=800)
    assert seen.rare == {}
    assert seen.telling >= LEAST_TELLING * seen.filters
