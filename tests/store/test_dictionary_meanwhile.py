"""Dictionaries that go, with the last score that named them, between the reading of a score and that of its own."""

import asyncio
import logging
from collections.abc import Callable, Iterator

import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.odata.query import ListQuery, default_order
from stanchion.store import SQLiteStore
from tests.databases import AnyStore, Database
from tests.store.commands import TENANT, Do, delete
from tests.store.conftest import opened
from tests.store.long_scores import DAYS, dictionaries, import_days

pytestmark = pytest.mark.sqlite("PostgreSQL packs what is long by itself")

SCORES = ListQuery(SECURE_SCORES, "v1.0", default_order(SECURE_SCORES))
IDS = tuple(f"s{day}" for day in range(DAYS))


class Interrupts(logging.Handler):
    """Does something once, right before a dictionary is looked up."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        self.done = False

    def emit(self, record: logging.LogRecord) -> None:
        if "SELECT dictionaries.body" in record.getMessage() and not self.done:
            self.done = True
            self._interrupt()


@pytest.fixture
def interrupts(store: SQLiteStore, database: Database) -> Iterator[Interrupts]:
    """All scores are deleted by another process right before the first dictionary is looked up."""
    import_days(store)

    def delete_all() -> None:
        for id in IDS:
            store.run(delete(id, SECURE_SCORES))
        assert dictionaries(database) == []

    handler, log = Interrupts(delete_all), logging.getLogger("stanchion.sql")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


READS: dict[str, Callable[[AnyStore], object]] = {
    "one": lambda store: asyncio.run(store.get(TENANT, SECURE_SCORES, "s3")),
    "a command": lambda store: store.run(Do(lambda draft: draft.get(SECURE_SCORES, "s3"), TENANT)),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_what_was_deleted_while_it_was_read_is_not_there(
    database: Database, interrupts: Interrupts, read: Callable[[AnyStore], object]
) -> None:
    with opened(database) as other:
        assert read(other) is None
    assert interrupts.done


def test_a_piece_has_what_was_there_when_its_reading_began(
    database: Database, interrupts: Interrupts
) -> None:
    with opened(database) as other:
        piece = asyncio.run(other.piece(TENANT, SCORES, IDS))
        again = asyncio.run(other.piece(TENANT, SCORES, IDS))
    assert piece.count(b'"controlScores"') == DAYS
    assert (again, interrupts.done) == (b"", True)
