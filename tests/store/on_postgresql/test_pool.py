"""Connections that are lent: in the order of asking, whoever comes back, leaves, is lost or finds the server full."""

import asyncio
from collections.abc import Callable
from typing import cast

import asyncpg
import pytest

from stanchion.errors import ServiceUnavailable
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.pool import Pool
from tests.store.gate import until

_SECONDS = 5.0


class Driver:
    """A connection of the driver that nothing is asked of."""

    def __init__(self) -> None:
        self.closed = False
        self._listeners: list[Callable[[object], None]] = []

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return False

    def add_termination_listener(self, listener: Callable[[object], None]) -> None:
        self._listeners.append(listener)

    def terminate(self) -> None:
        if not self.closed:
            self.closed = True
            for listener in self._listeners:
                listener(self)

    async def close(self, *, timeout: float) -> None:  # noqa: ARG002, ASYNC109 (the driver's own)
        self.terminate()


class Server:
    """Opens connections; refuses while there is a `fault`."""

    def __init__(self) -> None:
        self.opened = 0
        self.asked = 0
        self.fault: Exception | None = None

    async def connect(self) -> PostgresConnection:
        self.asked += 1
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        self.opened += 1
        return PostgresConnection(cast("asyncpg.Connection[asyncpg.Record]", Driver()))


def full() -> Exception:
    return asyncpg.TooManyConnectionsError("sorry, too many clients already")


async def asking(pool: Pool, *, seconds: float = _SECONDS) -> "asyncio.Task[PostgresConnection]":
    """Ask for a connection, and return once that waits or is answered."""
    task = asyncio.create_task(pool.take(seconds=seconds))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def ask_often(pool: Pool, *, times: int) -> None:
    """Use a connection again and again, as a tenant does that always has something to write."""
    for _ in range(times):
        async with pool.lent(seconds=_SECONDS):
            await asyncio.sleep(0)


def test_who_waits_has_the_connection_before_who_gives_it_back_and_asks_again() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=1)
        connection = await pool.take(seconds=_SECONDS)
        waiting = await asking(pool)

        async def back_and_again() -> PostgresConnection:
            pool.give_back(connection)
            return await pool.take(seconds=_SECONDS)

        again = asyncio.create_task(back_and_again())
        assert await waiting is connection
        assert not again.done()

        pool.give_back(connection)
        assert await again is connection
        assert server.opened == 1

    asyncio.run(main())


def test_busy_users_keep_nobody_waiting_for_long() -> None:
    async def main() -> None:
        pool = Pool(Server().connect, size=5)
        busy = [asyncio.create_task(ask_often(pool, times=200)) for _ in range(15)]
        await asyncio.sleep(0)
        await pool.take(seconds=_SECONDS)
        assert not any(task.done() for task in busy)
        await asyncio.gather(*busy)

    asyncio.run(main())


def test_connections_are_had_in_the_order_of_asking() -> None:
    async def main() -> None:
        pool = Pool(Server().connect, size=2)
        lent = [await pool.take(seconds=_SECONDS) for _ in range(2)]
        order: list[int] = []

        async def use(number: int) -> None:
            async with pool.lent(seconds=_SECONDS):
                order.append(number)
                await asyncio.sleep(0)

        tasks = [asyncio.create_task(use(number)) for number in range(10)]
        await asyncio.sleep(0)
        for connection in lent:
            pool.give_back(connection)
        await asyncio.gather(*tasks)
        assert order == list(range(10))

    asyncio.run(main())


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_was_handed_to_one_who_has_left_goes_to_the_next(when: str) -> None:
    async def main() -> None:
        pool = Pool(Server().connect, size=1)
        connection = await pool.take(seconds=_SECONDS)
        first, second = await asking(pool), await asking(pool)

        if when == "before":
            first.cancel()
        pool.give_back(connection)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await second is connection

    asyncio.run(main())


def test_what_was_handed_to_the_last_one_who_has_left_is_free_again() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=1)
        connection = await pool.take(seconds=_SECONDS)
        waiting = await asking(pool)
        pool.give_back(connection)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert await pool.take(seconds=_SECONDS) is connection

    asyncio.run(main())


def test_the_place_of_a_lost_connection_is_handed_to_who_waits_first() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=1)
        connection = await pool.take(seconds=_SECONDS)
        waiting = [await asking(pool) for _ in range(2)]

        async def lose_and_ask() -> PostgresConnection:
            connection.driver.terminate()
            pool.give_back(connection)
            return await pool.take(seconds=_SECONDS)

        late = asyncio.create_task(lose_and_ask())
        made = await waiting[0]
        assert made is not connection
        assert not waiting[1].done()
        pool.give_back(made)
        assert await waiting[1] is made
        pool.give_back(made)
        assert await late is made
        await pool.close()

    asyncio.run(main())


def test_a_place_that_was_handed_to_one_who_has_left_goes_to_the_next() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=1)
        connection = await pool.take(seconds=_SECONDS)
        first, second = await asking(pool), await asking(pool)
        connection.driver.terminate()
        first.cancel()
        assert (await second).usable
        await pool.close()

    asyncio.run(main())


def test_a_connection_that_is_lost_on_its_way_to_who_waits_is_not_lent() -> None:
    async def main() -> None:
        pool = Pool(Server().connect, size=1)
        connection = await pool.take(seconds=_SECONDS)
        waiting = await asking(pool)
        pool.give_back(connection)
        connection.driver.terminate()
        assert (await waiting).usable
        await pool.close()

    asyncio.run(main())


def test_no_more_are_open_than_may_be() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=3)
        await asyncio.gather(*(ask_often(pool, times=20) for _ in range(10)))
        assert server.opened == 3

    asyncio.run(main())


def test_who_waits_in_vain_is_told_so_and_leaves_the_queue() -> None:
    async def main() -> None:
        pool = Pool(Server().connect, size=1, capacity=1)
        connection = await pool.take(seconds=_SECONDS)
        with pytest.raises(ServiceUnavailable, match="waited too long for a connection"):
            await pool.take(seconds=0.01)
        waiting = await asking(pool)
        with pytest.raises(ServiceUnavailable, match="Too many queries wait"):
            await pool.take(seconds=_SECONDS)
        pool.give_back(connection)
        assert await waiting is connection

    asyncio.run(main())


def test_who_waits_while_the_pool_is_closed_is_told_so() -> None:
    async def main() -> None:
        pool = Pool(Server().connect, size=1)
        connection = await pool.take(seconds=_SECONDS)
        waiting, left = await asking(pool), await asking(pool)
        left.cancel()
        await pool.close()
        for task in (waiting, asyncio.ensure_future(pool.take(seconds=_SECONDS))):
            with pytest.raises(ServiceUnavailable, match="stopping"):
                await task
        pool.give_back(connection)
        assert not connection.usable
        with pytest.raises(asyncio.CancelledError):
            await left

    asyncio.run(main())


def test_an_opening_that_fails_lets_the_next_one_try() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=1)
        server.fault = OSError("no")
        first, second = (asyncio.ensure_future(pool.take(seconds=_SECONDS)) for _ in range(2))
        with pytest.raises(ServiceUnavailable, match="cannot be reached"):
            await first
        assert pool.away
        server.fault = None
        assert (await second).usable
        await pool.close()

    asyncio.run(main())


def test_a_server_that_is_full_is_not_away_while_connections_are_open() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=2)
        connection = await pool.take(seconds=_SECONDS)
        server.fault = full()
        with pytest.raises(ServiceUnavailable):
            await pool.take(seconds=_SECONDS)
        assert not pool.away
        pool.give_back(connection)
        assert await pool.take(seconds=_SECONDS) is connection

    asyncio.run(main())


def test_a_server_that_is_full_when_it_is_asked_for_is_there_while_connections_are_open() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=2)
        lost, kept = [await pool.take(seconds=_SECONDS) for _ in range(2)]
        server.fault = full()
        lost.driver.terminate()
        assert pool.away
        asked = server.asked
        await until(lambda: server.asked > asked and not pool.away)
        assert server.asked == asked + 1
        assert kept.usable

    asyncio.run(main())


def test_a_server_that_lets_none_of_ours_in_is_away() -> None:
    async def main() -> None:
        server = Server()
        pool = Pool(server.connect, size=2)
        server.fault = full()
        with pytest.raises(ServiceUnavailable):
            await pool.take(seconds=_SECONDS)
        await asyncio.sleep(0)
        assert pool.away
        await pool.close()

    asyncio.run(main())
