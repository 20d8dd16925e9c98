"""The heads of all chains are read now and then, and nobody who watches waits for a database that hangs."""

import asyncio

import pytest

from stanchion.errors import ServiceUnavailable
from stanchion.store.chain_heads import ChainHeads
from stanchion.web.chain_watch import MAX_AGE_SECONDS, ChainWatch

pytestmark = pytest.mark.anyio


class Database:
    """A database whose tenants are counted: one more each time, unless it is away or hangs."""

    def __init__(self) -> None:
        self.now_seconds = 1000.0
        self.reads = 0
        self.away = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def read(self) -> ChainHeads:
        """Answer as the database does."""
        self.reads += 1
        await self.goes_on.wait()
        if self.away:
            raise ServiceUnavailable("The database is away.")
        return ChainHeads(self.reads, None)

    def watch(self) -> ChainWatch:
        """Return what watches it."""
        return ChainWatch(self.read, clock=lambda: self.now_seconds)


def tenants(watch: ChainWatch) -> int | None:
    return None if watch.seen is None else watch.seen.heads.tenants


async def test_within_a_minute_the_database_is_read_once() -> None:
    database = Database()
    watch = database.watch()
    for _ in range(3):
        await watch.look()
    assert (database.reads, tenants(watch)) == (1, 1)
    database.now_seconds += MAX_AGE_SECONDS
    await watch.look()
    assert (database.reads, tenants(watch)) == (2, 2)


async def test_a_clock_that_goes_back_does_not_keep_a_reading_for_ever() -> None:
    database = Database()
    watch = database.watch()
    await watch.look()
    database.now_seconds -= 1
    await watch.look()
    assert database.reads == 2


async def test_while_the_database_hangs_the_last_reading_stays_and_one_read_is_under_way() -> None:
    database = Database()
    watch = database.watch()
    await watch.look()
    database.now_seconds += MAX_AGE_SECONDS
    database.goes_on.clear()
    for _ in range(3):
        await watch.look(patience_seconds=0.01)
    assert (database.reads, tenants(watch)) == (2, 1)
    database.goes_on.set()
    await watch.look()
    assert (database.reads, tenants(watch)) == (2, 2)


async def test_while_the_database_is_away_the_last_reading_stays() -> None:
    database = Database()
    database.away = True
    watch = database.watch()
    await watch.look()
    assert watch.seen is None
    database.away = False
    await watch.look()
    database.away = True
    database.now_seconds += MAX_AGE_SECONDS
    await watch.look()
    assert (database.reads, tenants(watch)) == (3, 2)


async def test_a_reading_that_fails_is_told_to_the_log_and_to_nobody_who_looks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken() -> ChainHeads:
        raise LookupError("no such table")

    watch = ChainWatch(broken)
    await watch.look()
    assert watch.seen is None
    assert "no such table" in caplog.text


async def test_who_looks_while_the_server_stops_is_answered() -> None:
    database = Database()
    database.goes_on.clear()
    watch = database.watch()
    looking = asyncio.create_task(watch.look(patience_seconds=30))
    await asyncio.sleep(0)
    await watch.stop()
    await looking
    assert watch.seen is None


async def test_what_is_under_way_ends_with_the_server() -> None:
    database = Database()
    database.goes_on.clear()
    watch = database.watch()
    await watch.look(patience_seconds=0.01)
    await watch.stop()
    assert (database.reads, watch.seen) == (1, None)
    await database.watch().stop()
