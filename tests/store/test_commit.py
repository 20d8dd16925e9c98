"""Group commit: what a batch is, who is refused and when, and that nobody else suffers."""

import asyncio
import threading

import pytest

from stanchion.errors import BadRequest, ServiceUnavailable
from stanchion.ledger.draft import Draft
from stanchion.ledger.working_set import TableKey
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store import STORE_CHAIN
from stanchion.store.commit import GroupCommit
from tests.conftest import Statements
from tests.databases import AnyStore, Database
from tests.store.commands import OTHER_TENANT, TENANT, Do, control, increment, put
from tests.store.gate import closed, commits_of, gate, queued, run_behind, until, waiting


def begun(statements: Statements) -> int:
    """Count the transactions that were begun to write."""
    return sum("BEGIN IMMEDIATE" in sql or "READ WRITE" in sql for sql in statements.ran)


def test_commands_that_wait_share_one_commit(
    serving: AnyStore, database: Database, statements: Statements
) -> None:
    before = begun(statements)
    answers = run_behind(serving, database, *(put(control(f"c{i}")) for i in range(50)))
    assert len({getattr(answer, "version", None) for answer in answers}) == 50
    assert begun(statements) == before + 2


def test_what_is_submitted_in_one_turn_of_the_event_loop_shares_one_commit(
    serving: AnyStore, statements: Statements
) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(serving.submit(increment("c1")) for _ in range(20)))

    before = begun(statements)
    assert asyncio.run(main()) == list(range(1, 21))
    assert begun(statements) == before + 1


def test_a_command_sees_what_earlier_ones_of_the_batch_left(serving: AnyStore, database: Database) -> None:
    assert run_behind(serving, database, *(increment("c1") for _ in range(20))) == list(range(1, 21))


def test_each_accepted_command_has_its_own_change(serving: AnyStore, database: Database) -> None:
    before = asyncio.run(serving.head(TENANT))
    run_behind(serving, database, *(increment("c1") for _ in range(5)))
    after = asyncio.run(serving.head(TENANT))
    assert before is not None
    assert after is not None
    assert after.sequence == before.sequence + 5


def test_a_refused_command_of_a_batch_leaves_nothing_and_harms_no_other(
    serving: AnyStore, database: Database
) -> None:
    def refuse(draft: Draft) -> object:
        draft.put(CONTROL_PROFILES, control("bad"))
        raise BadRequest("no")

    def bug(draft: Draft) -> object:
        draft.put(CONTROL_PROFILES, control("worse"))
        return 1 / 0

    one, two, three, four = run_behind(
        serving, database, increment("c1"), Do(refuse), Do(bug), increment("c1")
    )
    assert (one, four) == (1, 2)
    assert isinstance(two, BadRequest)
    assert isinstance(three, ZeroDivisionError)
    assert asyncio.run(serving.get(TENANT, CONTROL_PROFILES, "bad")) is None
    assert asyncio.run(serving.get(TENANT, CONTROL_PROFILES, "worse")) is None


@pytest.mark.sqlite("PostgreSQL writes tenants in parallel")
def test_one_transaction_holds_several_tenants(
    serving: AnyStore, database: Database, statements: Statements
) -> None:
    before = begun(statements)
    commands = (increment("c1"), increment("c1", tenant_id=OTHER_TENANT), increment("c1"))
    assert run_behind(serving, database, *commands) == [1, 1, 2]
    assert begun(statements) == before + 2


def signing_key(kid: str) -> dict[str, str | int | bytes | None]:
    return {
        "kid": kid,
        "algorithm": "RS256",
        "public_jwk": "{}",
        "sealed_private_key": b"",
        "created_ticks": 1,
        "retired_ticks": None,
    }


def test_a_command_sees_all_rows_of_the_signing_keys_as_the_batch_left_them(
    serving: AnyStore, database: Database
) -> None:
    def replace_all(kid: str) -> Do[object]:
        """Retire every live key and write a new one; answer with those that lived."""

        def action(draft: Draft) -> object:
            rows = draft.rows_of("signing_keys")
            live = [known for known, row in rows.items() if row["retired_ticks"] is None]
            for known in live:
                draft.put_row("signing_keys", known, {**rows[known], "retired_ticks": 2})
            draft.put_row("signing_keys", kid, signing_key(kid))
            return live

        return Do(action, tenant_id=STORE_CHAIN, keys=(TableKey("signing_keys"),))

    assert run_behind(serving, database, replace_all("k2")) == [[]]
    assert run_behind(serving, database, replace_all("k1"), replace_all("k3")) == [["k2"], ["k1"]]
    assert serving.run(replace_all("k4")) == ["k3"]
    assert [(row.kid, row.retired_ticks) for row in serving.signing_keys()] == [
        ("k1", 2),
        ("k2", 2),
        ("k3", 2),
        ("k4", None),
    ]


def test_no_other_table_is_read_whole(store: AnyStore) -> None:
    with pytest.raises(KeyError):
        store.run(Do(lambda draft: draft.rows_of("clients")))


@pytest.mark.sqlite("PostgreSQL writes tenants in parallel")
def test_a_row_that_no_tenant_owns_is_shared_by_the_tenants_of_a_batch(
    serving: AnyStore, database: Database
) -> None:
    key = signing_key("k")
    write = Do[object](lambda draft: draft.put_row("signing_keys", "k", key), tenant_id=STORE_CHAIN)
    read = Do[object](lambda draft: draft.row("signing_keys", "k"))
    assert run_behind(serving, database, write, read) == [None, key]


def test_when_the_transaction_fails_each_command_runs_alone(serving: AnyStore, database: Database) -> None:
    first = put(control("c1"))
    twin = Do(lambda draft: draft.put(CONTROL_PROFILES, control("c2")), command_id=first.command_id)
    one, two, three = run_behind(serving, database, first, twin, increment("c3"))
    assert getattr(one, "id", None) == "c1"
    assert isinstance(two, Exception)
    assert three == 1
    assert asyncio.run(serving.get(TENANT, CONTROL_PROFILES, "c2")) is None


def test_what_was_answered_is_seen_by_every_later_read(serving: AnyStore) -> None:
    async def main() -> None:
        for number in range(20):
            stored = await serving.submit(put(control("c1", rank=number)))
            assert await serving.get(TENANT, CONTROL_PROFILES, "c1") == stored

    asyncio.run(main())


def test_a_command_still_queued_at_its_deadline_is_never_run(serving: AnyStore, database: Database) -> None:
    with gate(database) as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered)
            with pytest.raises(ServiceUnavailable, match="waited too long"):
                await serving.submit(put(control("late")), deadline_seconds=0.02)
            held.open()
            await first
            await serving.submit(put(control("next")))
            assert await serving.get(TENANT, CONTROL_PROFILES, "late") is None

        asyncio.run(main())


def test_each_command_is_refused_at_its_own_deadline(serving: AnyStore, database: Database) -> None:
    with gate(database) as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered)
            order: list[str] = []

            async def late(name: str, seconds: float) -> None:
                with pytest.raises(ServiceUnavailable, match="waited too long"):
                    await serving.submit(put(control(name)), deadline_seconds=seconds)
                order.append(name)

            # It comes first in the queue, and is looked at whenever another one is overdue.
            patient = serving.submit(put(control("patient")), deadline_seconds=60)
            (waiting,) = await queued(commits_of(serving), patient)
            await asyncio.gather(late("first", 0.02), late("second", 0.04))
            assert order == ["first", "second"]
            assert not waiting.done()
            held.open()
            await asyncio.gather(first, waiting)

        asyncio.run(main())


@pytest.mark.sqlite("has a thread that writes while the event loop sleeps")
def test_a_command_past_its_deadline_is_not_run_even_if_the_event_loop_slept(
    serving: AnyStore, database: Database
) -> None:
    with gate(database) as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered)
            commits = commits_of(serving)
            assert isinstance(commits, GroupCommit)
            (late,) = await queued(commits, serving.submit(put(control("late")), deadline_seconds=60))
            commits._queue[0].deadline = 0.0  # The timer of the loop is one of a minute.
            held.open()
            while waiting(commits):  # The writer takes it, past its deadline.
                threading.Event().wait(0.001)
            with pytest.raises(ServiceUnavailable):
                await late
            await first
            assert await serving.get(TENANT, CONTROL_PROFILES, "late") is None

        asyncio.run(main())


def test_a_caller_who_leaves_before_their_turn_takes_the_command_along(
    serving: AnyStore, database: Database
) -> None:
    with gate(database) as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered)
            (leaving,) = await queued(commits_of(serving), serving.submit(put(control("left"))))
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            held.open()
            await first
            await serving.submit(put(control("next")))
            assert await serving.get(TENANT, CONTROL_PROFILES, "left") is None

        asyncio.run(main())


def test_a_caller_who_leaves_cancels_nothing_that_was_taken(serving: AnyStore, database: Database) -> None:
    with gate(database) as held:

        async def main() -> None:
            leaving = asyncio.create_task(serving.submit(held.holding(put(control("taken")))))
            await until(held.entered)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            held.open()
            await serving.submit(put(control("next")))
            assert await serving.get(TENANT, CONTROL_PROFILES, "taken") is not None

        asyncio.run(main())


def test_a_full_queue_refuses(serving: AnyStore, database: Database) -> None:
    with gate(database) as held:

        async def main() -> None:
            commits = commits_of(serving)
            commits._capacity = 2
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered)
            two = await queued(commits, serving.submit(increment("c1")), serving.submit(increment("c1")))
            with pytest.raises(ServiceUnavailable, match="Too many writes wait") as refused:
                await serving.submit(increment("c1"))
            assert refused.value.headers["Retry-After"] == "1"
            held.open()
            await first
            assert await asyncio.gather(*two) == [1, 2]

        asyncio.run(main())


def test_closing_answers_what_was_submitted_and_takes_no_more(serving: AnyStore, database: Database) -> None:
    with gate(database) as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered)
            commits = commits_of(serving)
            five = await queued(commits, *(serving.submit(increment("c1")) for _ in range(5)))
            ending = asyncio.create_task(closed(commits))
            await until(lambda: commits._closing)
            with pytest.raises(ServiceUnavailable, match="stopping"):
                await serving.submit(increment("c1"))
            held.open()
            assert await asyncio.gather(*five) == [1, 2, 3, 4, 5]
            await first
            await ending

        asyncio.run(main())


@pytest.mark.sqlite("has a thread that writes, whatever becomes of the event loop")
def test_a_closed_event_loop_does_not_stop_the_writer(serving: AnyStore, database: Database) -> None:
    with gate(database) as held:

        async def abandon() -> None:
            task = asyncio.create_task(serving.submit(held.command))
            await until(held.entered)
            task.cancel()

        asyncio.run(abandon())
        held.open()
    assert asyncio.run(serving.submit(increment("c1"))) == 1


def test_without_a_server_a_submit_is_a_transaction_of_its_own(store: AnyStore) -> None:
    assert asyncio.run(store.submit(increment("c1"))) == 1
    assert store.healthy
