"""The control of a PostgreSQL server, tested by itself: what was committed outlives every way to kill it.

A COMMIT whose answer was lost is found by looking for its command, or is not there at all.
"""

import asyncio
from collections.abc import Callable, Iterator

import asyncpg
import pytest

from tests.crash.postgresql import Cluster, cluster
from tests.crash.proxy import Proxy, Where, proxy

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

# What a client is told, or makes of it, when its connection ends; the last is of an asyncpg caught in between.
LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server for the tests of this module, each of which leaves it running."""
    with cluster() as made:
        made.run("CREATE TABLE written (command integer PRIMARY KEY)")
        yield made


@pytest.fixture
def between(server: Cluster) -> Iterator[Proxy]:
    """A proxy before the server."""
    with proxy(server.port) as made:
        yield made


def test_it_keeps_what_a_durable_database_keeps(server: Cluster) -> None:
    settings = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    told = {name: server.run("SELECT current_setting($1)", name)[0][0] for name in settings}
    assert told == dict.fromkeys(settings, "on")


@pytest.mark.parametrize(
    "end", [Cluster.kill_all, Cluster.kill_postmaster, Cluster.stop_immediately, Cluster.stop]
)
def test_what_was_committed_is_there_after_the_end_and_a_start(
    server: Cluster, end: Callable[[Cluster], None]
) -> None:
    committed = commits(server, lambda: end(server))
    server.start()

    assert_kept(server, committed)


def test_a_killed_backend_is_a_recovery_without_a_start(server: Cluster) -> None:
    committed = commits(server, server.kill_backend)
    server.wait_until_ready()

    assert_kept(server, committed)


def test_clients_that_the_server_ends_are_told(server: Cluster) -> None:
    committed = commits(server, server.terminate_backends)

    assert_kept(server, committed)


@pytest.mark.parametrize(
    ("where", "there"), [("before", {False}), ("sent", {True, False}), ("answered", {True})]
)
def test_a_connection_cut_at_commit_leaves_all_or_nothing(
    server: Cluster, between: Proxy, where: Where, there: set[bool]
) -> None:
    command = next_command(server)
    cut = between.cut_next(where)
    with pytest.raises(LOST):
        asyncio.run(commit_one(between.port, command))

    assert cut.wait(60)
    assert (command in commands(server)) in there


def test_a_backend_that_is_ended_at_commit_did_not_commit(server: Cluster, between: Proxy) -> None:
    command = next_command(server)
    cut = between.cut_next(server.terminate_backends)
    with pytest.raises(LOST):
        asyncio.run(commit_one(between.port, command))

    assert cut.wait(60)
    assert command not in commands(server)


def test_a_proxy_that_is_told_nothing_is_not_noticed(server: Cluster, between: Proxy) -> None:
    command = next_command(server)
    asyncio.run(commit_one(between.port, command))

    assert between.commits == 1
    assert command in commands(server)


async def commit_one(port: int, command: int) -> None:
    """Write one row in a transaction."""
    connection = await asyncpg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", timeout=60)
    try:
        async with connection.transaction():
            await connection.execute("INSERT INTO written VALUES ($1)", command)
    finally:
        connection.terminate()


def commits(server: Cluster, act: Callable[[], object]) -> tuple[set[int], set[int]]:
    """Let some clients commit until an act ends them; return what was acknowledged, and what was tried."""
    return asyncio.run(commits_until(server, act, first=next_command(server)))


async def commits_until(
    server: Cluster, act: Callable[[], object], *, first: int
) -> tuple[set[int], set[int]]:
    acknowledged, tried = set[int](), set[int]()

    async def client(connection: asyncpg.Connection, number: int) -> None:
        for round_ in range(100_000):
            command = first + round_ * 8 + number
            tried.add(command)
            try:
                async with connection.transaction():
                    await connection.execute("INSERT INTO written VALUES ($1)", command)
            except LOST:
                connection.terminate()
                return
            acknowledged.add(command)

    # Who connected only after the act would go on.
    connected = [await asyncpg.connect(server.url, timeout=60) for _ in range(8)]
    clients = [asyncio.create_task(client(each, number)) for number, each in enumerate(connected)]
    while len(acknowledged) < 50:  # noqa: ASYNC110 (as above, of clients)
        await asyncio.sleep(0.01)
    await asyncio.to_thread(act)
    await asyncio.wait_for(asyncio.gather(*clients), 60)
    return acknowledged, tried


def assert_kept(server: Cluster, committed: tuple[set[int], set[int]]) -> None:
    acknowledged, tried = committed
    there = commands(server)
    assert acknowledged - there == set()
    assert {command for command in there if command >= min(tried)} - tried == set()


def commands(server: Cluster) -> set[int]:
    return {row[0] for row in server.run("SELECT command FROM written")}


def next_command(server: Cluster) -> int:
    return max(commands(server), default=0) + 1
