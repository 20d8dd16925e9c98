"""Group commit on PostgreSQL: who waits for whom, and what becomes of a write whose connection is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import asyncpg
import pytest

from stanchion.access.operator import add_tenant
from stanchion.errors import BadRequest, Conflict, OutcomeUnknown, ServiceUnavailable
from stanchion.ledger.changes import Operator
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Command
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store import PostgresStore
from stanchion.store.postgresql.opening import SERVING
from stanchion.store.verify import verify
from tests.conftest import Statements
from tests.store import gate
from tests.store.commands import OTHER_TENANT, TENANT, Do, control, increment, put
from tests.store.gate import until
from tests.store.on_postgresql.proxy import Cut, Proxy

T = TypeVar("T")

pytestmark = [
    pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="module"),
    pytest.mark.postgres,
]

# Only who waits in vain waits so long.
_PATIENCE_SECONDS = 60.0
_THIRD_TENANT = "33333333-3333-4333-8333-333333333333"
_FOR_UPDATE = "SELECT 1 FROM tenants WHERE tenant_id = $1 FOR UPDATE"


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore.open(url, serving=True)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def head_held(url: str, tenant_id: str = TENANT) -> AsyncIterator[None]:
    """Hold the head of a tenant, as another server does that writes to it."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.fetchval(_FOR_UPDATE, tenant_id)
            yield
    finally:
        await connection.close()


_WAITING_FOR_A_HEAD = """SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'"""


_SOMEBODY_ELSE_WAITS = """SELECT count(*) > 0 FROM pg_stat_activity
WHERE datname = current_database() AND application_name IS DISTINCT FROM $1 AND wait_event_type = 'Lock'"""


async def somebody_else_waits(url: str) -> None:
    """Return once another than a server waits for a lock."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await connection.fetchval(_SOMEBODY_ELSE_WAITS, SERVING):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await connection.close()


async def stop_what_waits(url: str, *, times: int) -> None:
    """Stop so many statements of a server that wait for a lock, as the time of a statement does that is over."""
    connection = await asyncpg.connect(url)
    try:
        for _ in range(times):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while (pid := await connection.fetchval(_WAITING_FOR_A_HEAD, SERVING)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            await connection.fetchval("SELECT pg_cancel_backend($1)", pid)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while await connection.fetchval(_WAITING_FOR_A_HEAD, SERVING) == pid:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
    finally:
        await connection.close()


async def commands_of(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT command_id FROM changes WHERE tenant_id = $1", TENANT)
        return [str(row[0]) for row in rows]
    finally:
        await connection.close()


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(main())


async def under_way(url: str, *submits: Awaitable[T]) -> list[asyncio.Future[T]]:
    """Submit and return once a transaction of a server waits for a head that somebody holds."""
    tasks: list[asyncio.Future[T]] = [asyncio.ensure_future(submit) for submit in submits]
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await connection.fetchval(_WAITING_FOR_A_HEAD, SERVING) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await connection.close()
    return tasks


def queued(store: PostgresStore, *submits: Awaitable[T]) -> Awaitable[list[asyncio.Future[T]]]:
    """Submit and return once all of them wait in the queue."""
    return gate.queued(gate.commits_of(store), *submits)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head is held here for as long as the machine takes."""
    monkeypatch.setattr("stanchion.store.postgresql.served._PATIENCE_SECONDS", _PATIENCE_SECONDS)


def test_what_is_submitted_in_one_turn_shares_one_commit(url: str, statements: Statements) -> None:
    async def main() -> list[int]:
        async with serving(url) as store:
            before = statements.count("COMMIT")
            answers = await asyncio.gather(*(store.submit(increment("c1")) for _ in range(20)))
            assert statements.count("COMMIT") == before + 1
            return answers

    assert run(main) == list(range(1, 21))


def test_a_tenant_whose_head_is_held_holds_up_no_other(url: str) -> None:
    async def main() -> None:
        async with serving(url) as store:
            async with head_held(url):
                (waiting,) = await under_way(url, store.submit(increment("c1")))
                assert await store.submit(increment("c1", tenant_id=OTHER_TENANT)) == 1
                assert not waiting.done()
            assert await waiting == 1

    run(main)


def test_what_comes_while_a_transaction_is_under_way_is_the_next_one(
    url: str, statements: Statements
) -> None:
    async def main() -> list[int]:
        async with serving(url) as store:
            async with head_held(url):
                tasks = await under_way(url, store.submit(increment("c1")))
                tasks += await queued(store, *(store.submit(increment("c1")) for _ in range(9)))
                before = statements.count("COMMIT")
            answers = await asyncio.gather(*tasks)
            assert statements.count("COMMIT") == before + 2
            return answers

    assert run(main) == list(range(1, 11))


def test_a_command_still_queued_at_its_deadline_is_never_run(url: str) -> None:
    async def main() -> None:
        async with serving(url) as store:
            async with head_held(url):
                (first,) = await under_way(url, store.submit(increment("c1")))
                with pytest.raises(ServiceUnavailable, match="waited too long for its turn and was not made"):
                    await store.submit(increment("c1"), deadline_seconds=0.1)
            assert await first == 1
            assert await store.submit(increment("c1")) == 2

    run(main)


def test_a_command_whose_caller_has_left_is_never_run(url: str) -> None:
    async def main() -> None:
        async with serving(url) as store:
            async with head_held(url):
                (first,) = await under_way(url, store.submit(increment("c1")))
                (second,) = await queued(store, store.submit(increment("c1")))
                second.cancel()
                await asyncio.wait([second])
            assert await first == 1
            assert await store.submit(increment("c1")) == 2

    run(main)


def test_a_full_queue_refuses_and_changes_nothing(url: str) -> None:
    async def main() -> None:
        async with serving(url) as store:
            async with head_held(url):
                first = await under_way(url, store.submit(increment("c1"), deadline_seconds=60))
                others = (store.submit(increment("c1"), deadline_seconds=60) for _ in range(1024))
                waiting = await queued(store, *others)
                with pytest.raises(
                    ServiceUnavailable, match="Too many writes wait already; nothing was changed"
                ):
                    await store.submit(increment("c1"))
            answers = await asyncio.gather(*first, *waiting)
            assert answers == list(range(1, 1026))

    run(main)


def test_a_refused_command_and_a_bug_leave_nothing_and_harm_no_other(url: str) -> None:
    def refuse(draft: Draft) -> object:
        draft.put(CONTROL_PROFILES, control("bad"))
        raise BadRequest("no")

    async def main() -> list[object]:
        async with serving(url) as store:
            commands: tuple[Do[Any], ...] = (
                increment("c1"),
                Do(refuse),
                Do(lambda _: 1 / 0),
                increment("c1"),
            )
            answers = await asyncio.gather(*(store.submit(each) for each in commands), return_exceptions=True)
            assert await store.get(TENANT, CONTROL_PROFILES, "bad") is None
            return list(answers)

    one, two, three, four = run(main)
    assert (one, four) == (1, 2)
    assert isinstance(two, BadRequest)
    assert isinstance(three, ZeroDivisionError)


def test_a_command_that_the_database_refuses_harms_no_other_of_its_batch(url: str) -> None:
    async def main() -> list[object]:
        async with serving(url) as store:
            # What our own checks keep out: no text of PostgreSQL holds it.
            commands: tuple[Do[Any], ...] = (
                increment("c1"),
                put(control("nul", title="a\0b")),
                increment("c1"),
            )
            return list(
                await asyncio.gather(*(store.submit(each) for each in commands), return_exceptions=True)
            )

    one, two, three = run(main)
    assert (one, three) == (1, 2)
    assert isinstance(two, Exception)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_write_whose_connection_is_cut_at_commit_is_made_once(proxy: Proxy, url: str, cut: Cut) -> None:
    async def main() -> None:
        async with serving(proxy.url) as store:
            commands = [increment("c1") for _ in range(5)]
            proxy.cuts = [cut]
            assert await asyncio.gather(*map(store.submit, commands)) == [1, 2, 3, 4, 5]
            assert await store.submit(increment("c1")) == 6
            assert proxy.cuts == []
        known = await commands_of(url)
        assert [known.count(each.command_id) for each in commands] == [1] * 5

    run(main)
    verified(url)


def test_a_write_is_cut_at_every_commit_and_made_once_all_the_same(proxy: Proxy, url: str) -> None:
    async def main() -> None:
        async with serving(proxy.url) as store:
            proxy.cuts = ["before", "before", "before"]
            assert await store.submit(increment("c1")) == 1

    run(main)
    verified(url)


def test_while_nobody_can_find_out_the_outcome_is_unknown(proxy: Proxy, url: str) -> None:
    async def main() -> None:
        async with serving(proxy.url) as store:
            await store.submit(increment("c1"))
            command = increment("c1")
            async with head_held(url):
                (task,) = await under_way(url, store.submit(command, deadline_seconds=1.5))
                proxy.cuts = ["after"]
            await until(lambda: not proxy.cuts)
            proxy.shut()
            with pytest.raises(OutcomeUnknown, match="not known whether the write was made"):
                await task
            assert store.healthy is False
            proxy.open()
            await until(lambda: store.healthy)
            # It locks the head, and so waits for the connection that was cut.
            assert await store.submit(increment("c1")) == 3
            assert (await commands_of(url)).count(command.command_id) == 1

    run(main)


@asynccontextmanager
async def in_doubt(
    store: PostgresStore, commands: Sequence[Command[int]], *, proxy: Proxy, url: str
) -> AsyncIterator[list[asyncio.Future[int]]]:
    """Submit commands whose COMMIT is made and never answered; somebody else has the head during the block."""
    async with AsyncExitStack() as held:
        async with head_held(url):
            tasks = await under_way(url, *(store.submit(each, deadline_seconds=60) for each in commands))
            behind = asyncio.ensure_future(held.enter_async_context(head_held(url)))
            await somebody_else_waits(url)
            proxy.cuts = ["after"]
        await behind
        yield tasks


@pytest.mark.parametrize("count", [1, 5])
def test_a_look_up_that_fails_is_made_again_and_runs_no_write_twice(
    proxy: Proxy, url: str, count: int
) -> None:
    async def main() -> None:
        async with serving(proxy.url) as store:
            commands = [increment("c1") for _ in range(count)]
            async with in_doubt(store, commands, proxy=proxy, url=url) as tasks:
                await stop_what_waits(url, times=2)
            assert await asyncio.gather(*tasks) == list(range(1, count + 1))
        known = await commands_of(url)
        assert [known.count(each.command_id) for each in commands] == [1] * count

    run(main)
    verified(url)


@pytest.mark.parametrize("count", [1, 5])
def test_while_every_look_up_fails_the_outcome_is_unknown(
    proxy: Proxy, url: str, count: int, *, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead_seconds = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead_seconds)
    monkeypatch.setattr("stanchion.store.postgresql.committing.time", clock)

    async def main() -> None:
        nonlocal ahead_seconds
        async with serving(proxy.url) as store:
            commands = [increment("c1") for _ in range(count)]
            async with in_doubt(store, commands, proxy=proxy, url=url) as tasks:
                stopping = asyncio.ensure_future(stop_what_waits(url, times=1000))
                await until(lambda: "it cannot be looked up whether a COMMIT was made" in caplog.text)
                ahead_seconds = 60.0
                answers = await asyncio.gather(*tasks, return_exceptions=True)
                stopping.cancel()
                await asyncio.wait([stopping])
            assert [type(each) for each in answers] == [OutcomeUnknown] * count

    run(main)
    verified(url)


def test_a_write_outlasts_a_database_that_is_away_for_a_moment(proxy: Proxy) -> None:
    async def main() -> None:
        async with serving(proxy.url) as store:
            await store.submit(increment("c1"))
            proxy.shut()
            task = asyncio.ensure_future(store.submit(increment("c1"), deadline_seconds=60))
            await until(lambda: not store.healthy)
            proxy.open()
            assert await task == 2
            await until(lambda: store.healthy)

    run(main)


def test_a_write_to_a_database_that_stays_away_is_refused_and_not_made(proxy: Proxy) -> None:
    async def main() -> None:
        async with serving(proxy.url) as store:
            await store.submit(increment("c1"))
            proxy.shut()
            with pytest.raises(ServiceUnavailable, match="cannot be reached"):
                await store.submit(increment("c1"), deadline_seconds=0.3)
            proxy.open()
            assert await store.submit(increment("c1")) == 2

    run(main)


def test_a_head_that_is_held_for_too_long_is_503(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stanchion.store.postgresql.served._PATIENCE_SECONDS", 0.2)

    async def main() -> None:
        async with serving(url) as store:
            # Then there is a connection, which takes none of the time.
            assert await store.submit(increment("c1")) == 1
            async with head_held(url):
                with pytest.raises(ServiceUnavailable, match="writing to this tenant for too long"):
                    await store.submit(increment("c1"), deadline_seconds=0.5)
            assert await store.submit(increment("c1")) == 2

    run(main)


def test_two_servers_write_to_one_tenant(url: str) -> None:
    async def main() -> set[int]:
        async with serving(url) as one, serving(url) as other:
            submits = [
                store.submit(increment("c1"), deadline_seconds=60)
                for _ in range(50)
                for store in (one, other)
            ]
            return set(await asyncio.gather(*submits))

    assert run(main) == set(range(1, 101))
    verified(url)


def test_closing_answers_what_was_submitted_and_takes_no_more(url: str) -> None:
    async def main() -> list[int]:
        store = PostgresStore.open(url, serving=True)
        tasks = [asyncio.ensure_future(store.submit(increment("c1"))) for _ in range(5)]
        await asyncio.sleep(0)
        await store.close()
        return await asyncio.gather(*tasks)

    assert run(main) == [1, 2, 3, 4, 5]


def test_a_command_line_write_whose_connection_is_cut_is_made_once(proxy: Proxy, url: str) -> None:
    store = PostgresStore.open(proxy.url)
    try:
        for cut in ("before", "after"):
            proxy.cuts = [cut]
            store.run(increment("c1"))
        assert store.run(increment("c1")) == 3
    finally:
        store.close_now()
    verified(url)


def test_a_text_that_no_index_can_hold_is_refused_and_harms_no_other(url: str) -> None:
    too_long = "".join(chr(0x4E00 + number) for number in range(5000))

    async def main() -> list[object]:
        async with serving(url) as store:
            wide = put(control("c1", controlCategory=too_long))
            return list(
                await asyncio.gather(
                    store.submit(wide), store.submit(increment("c2")), return_exceptions=True
                )
            )

    refused, answer = run(main)
    assert isinstance(refused, BadRequest)
    assert "longer than the database can keep" in refused.message
    assert answer == 1


def test_a_server_opens_no_connection_to_a_store_that_was_moved_away(url: str) -> None:
    async def main() -> None:
        async with serving(url) as store:
            before = await commands_of(url)
            other = await asyncpg.connect(url)
            await other.execute("INSERT INTO meta VALUES ('purpose', 'moved to elsewhere')")
            await other.close()
            with pytest.raises(ServiceUnavailable):
                await store.submit(increment("c1"), deadline_seconds=0.2)
            assert await commands_of(url) == before
            with pytest.raises(ServiceUnavailable, match="cannot be used; the log has the cause"):
                await store.head(TENANT)
            assert not store.healthy

    run(main)


def test_who_adds_a_tenant_that_another_command_adds_at_once_meets_it(url: str) -> None:
    async def main() -> None:
        store, other = PostgresStore.open(url), await asyncpg.connect(url)
        try:
            async with other.transaction():
                await other.execute("INSERT INTO tenants VALUES ($1, 'x', 1, 0, '')", _THIRD_TENANT)
                add = partial(add_tenant, store, _THIRD_TENANT, name="Third", actor=Operator("tester"))
                adding = asyncio.ensure_future(asyncio.to_thread(add))
                await somebody_else_waits(url)
                assert not adding.done()
            with pytest.raises(Conflict, match="exists already"):
                await adding
        finally:
            await other.close()
            store.close_now()

    run(main)


def verified(url: str) -> None:
    """The chain is whole, and every entity is what it says."""
    store = PostgresStore.open(url)
    try:
        verify(store, TENANT, head=None)
    finally:
        store.close_now()
