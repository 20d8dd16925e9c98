"""Reader threads: how many wait, for how long, and what a caller hears of trouble."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from stanchion.errors import ServiceUnavailable
from stanchion.store import Page, SQLiteStore, readers
from stanchion.store.readers import READER_THREADS, Readers
from tests.store.commands import TENANT

pytestmark = pytest.mark.sqlite("is about threads that read one file")

FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture
def opened() -> Iterator[threading.Event]:
    """An event that ends the reads that wait for it, at the latest after the test."""
    event = threading.Event()
    yield event
    event.set()


def one(reader: sqlite3.Connection) -> int:
    return int(reader.execute("SELECT 1").fetchall()[0][0])


def test_those_beyond_the_capacity_are_refused_and_places_become_free(
    store: SQLiteStore, opened: threading.Event
) -> None:
    def wait(_: sqlite3.Connection) -> bool:
        return opened.wait(60)

    async def main() -> None:
        waiting = [asyncio.ensure_future(pool.read(wait)) for _ in range(READER_THREADS + 2)]
        await asyncio.sleep(0)
        with pytest.raises(ServiceUnavailable, match="Too many queries"):
            await pool.read(one)
        waiting[-1].cancel()
        await asyncio.gather(waiting[-1], return_exceptions=True)
        last = asyncio.ensure_future(pool.read(one))
        await asyncio.sleep(0)
        opened.set()
        assert await last == 1

    with closing(Readers(store.path, capacity=READER_THREADS + 2)) as pool:
        asyncio.run(main())


def test_the_deadline_counts_from_the_asking(
    store: SQLiteStore, opened: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead_seconds, begun = 0.0, threading.Semaphore(0)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead_seconds, sleep=time.sleep)
    monkeypatch.setattr(readers, "time", clock)

    def wait(_: sqlite3.Connection) -> bool:
        begun.release()
        return opened.wait(60)

    async def main() -> None:
        nonlocal ahead_seconds
        held = [asyncio.ensure_future(pool.read(wait)) for _ in range(READER_THREADS)]
        for _ in held:
            await asyncio.to_thread(begun.acquire)
        late = asyncio.ensure_future(pool.read(one))
        await asyncio.sleep(0)
        ahead_seconds = 60.0
        opened.set()
        with pytest.raises(ServiceUnavailable, match="waited too long"):
            await late
        assert await asyncio.gather(*held) == [True] * READER_THREADS

    with closing(Readers(store.path, statement_seconds=60.0)) as pool:
        asyncio.run(main())


@pytest.mark.parametrize("large", [Page((b" " * 2_000_000,), None), b" " * 1_000_000], ids=["page", "piece"])
def test_what_is_large_is_not_read_ahead_of_an_event_loop_that_is_busy(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, large: Page | bytes
) -> None:
    monkeypatch.setattr(readers, "_TAKEN_SECONDS", 60.0)
    begun: list[None] = []

    def read(_: sqlite3.Connection) -> Page | bytes:
        begun.append(None)
        return large

    async def main() -> int:
        reads = [asyncio.ensure_future(pool.read(read)) for _ in range(3 * READER_THREADS)]
        await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 (the loop is busy)
        ahead = len(begun)
        assert await asyncio.gather(*reads) == [large] * len(reads)
        return ahead

    with closing(Readers(store.path)) as pool:
        assert asyncio.run(main()) <= READER_THREADS


def test_a_store_reads_lists_for_as_long_as_it_was_told(store: SQLiteStore) -> None:
    impatient = SQLiteStore.open(store.path, statement_seconds=-1.0)
    try:
        with pytest.raises(ServiceUnavailable, match="waited too long"):
            asyncio.run(impatient.newest_score_id(TENANT, vendor="Microsoft", provider="SecureScore"))
    finally:
        impatient.close_now()


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with (
        closing(Readers(tmp_path / "nowhere.db")) as pool,
        pytest.raises(ServiceUnavailable, match="cannot be opened"),
    ):
        asyncio.run(pool.read(one))


def test_closed_readers_are_unavailable(store: SQLiteStore) -> None:
    pool = Readers(store.path, capacity=1)
    pool.close()
    for _ in range(2):
        with pytest.raises(ServiceUnavailable, match="stopping"):
            asyncio.run(pool.read(one))


def test_the_newest_score_is_looked_for_in_a_thread(store: SQLiteStore) -> None:
    store._reader.close()  # What runs on the event loop would fail.
    assert asyncio.run(store.newest_score_id(TENANT, vendor="Microsoft", provider="SecureScore")) is None


def test_a_point_read_of_a_server_neither_waits_nor_runs_for_long(serving: SQLiteStore) -> None:
    assert serving._reader.execute("PRAGMA busy_timeout").fetchall() == [(50,)]
    with pytest.raises(ServiceUnavailable, match=r"longer than 0\.5 seconds"):
        serving._read(lambda reader: reader.execute(FOREVER).fetchall())
