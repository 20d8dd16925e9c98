"""The law of filters: the database finds the rows that Python finds, whatever is asked.

The filters are drawn with their meaning (`filter_phrases`), which knows neither parser nor compiler.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from stanchion.app import open_store
from stanchion.model.edm import ENTITY_SETS
from stanchion.model.json_text import JsonObject
from stanchion.odata.query import ListQuery
from stanchion.settings import Settings
from tests.databases import Database
from tests.store.commands import put_all
from tests.store.filter_author import WORDS, Author, Phrase
from tests.store.filter_phrases import filters
from tests.store.filter_rows import PLACES, rows_of
from tests.store.filtering import asked, ids_found

ROWS = {name: rows_of(name) for name in PLACES}
# One word in a hundred filters, and one filter in three that finds some of the rows and not all.
LEAST_SHARE, LEAST_TELLING = 0.01, 0.3
_PATIENCE_SECONDS = 60

Find: TypeAlias = Callable[[ListQuery], list[str]]


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


def hold(find: Find, *, examples: int) -> Seen:
    """Assert the law for so many filters on each set."""
    seen = Seen()
    for name in ROWS:
        hold_on(name, find, seen, examples=examples)
    return seen


def hold_on(name: str, find: Find, seen: Seen, *, examples: int) -> None:
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
def find(database: Database) -> Iterator[Find]:
    """Return what finds the ids of a filter, on one event loop: a connection for each would cost more than the rest.

    What is asked of a machine that is busy with other tests may take its time.
    """
    store = open_store(database.configured(Settings(statement_timeout_seconds=_PATIENCE_SECONDS)))
    try:
        for name, rows in ROWS.items():
            store.run(put_all(rows, ENTITY_SETS[name]))
        with asyncio.Runner() as runner:
            yield lambda query: ids_found(store, query, run=runner.run)
    finally:
        store.close_now()


def test_a_filter_finds_the_rows_that_python_finds(find: Find) -> None:
    seen = hold(find, examples=60)
    assert seen.telling >= LEAST_TELLING * seen.filters


@pytest.mark.slow
@pytest.mark.timeout(900)  # One that ends it amid a filter looks as if that one were flaky.
def test_every_word_of_the_language_is_tried_often_enough(find: Find) -> None:
    seen = hold(find, examples=600)
    assert seen.rare == {}
    assert seen.telling >= LEAST_TELLING * seen.filters
