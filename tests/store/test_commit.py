"""Group commit: what a batch is, who is refused and when, and that nobody else suffers."""

import asyncio
import threading
from contextlib import closing

import pytest

from stanchion.errors import BadRequest, ServiceUnavailable
from stanchion.ledger.draft import Draft
from stanchion.ledger.working_set import TableKey
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store import STORE_CHAIN, SQLiteStore
from stanchion.store.commit import GroupCommit
from tests.conftest import Statements
from tests.store.commands import OTHER_TENANT, TENANT, Do, control, increment, put
from tests.store.gate import gate, queued, run_behind, until


def test_commands_that_wait_share_one_commit(serving: SQLiteStore, statements: Statements) -> None:
    before = statements.count("BEGIN IMMEDIATE")
    answers = run_behind(serving, *(put(control(f"c{i}")) for i in range(50)))  # type: ignore[arg-type]
    assert len({getattr(answer, "version", None) for answer in answers}) == 50
    assert statements.count("BEGIN IMMEDIATE") == before + 2


def test_what_is_submitted_in_one_turn_of_the_event_loop_shares_one_commit(
    serving: SQLiteStore, statements: Statements
) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(serving.submit(increment("c1")) for _ in range(20)))

    before = statements.count("BEGIN IMMEDIATE")
    assert asyncio.run(main()) == list(range(1, 21))
    assert statements.count("BEGIN IMMEDIATE") == before + 1


def test_a_command_sees_what_earlier_ones_of_the_batch_left(serving: SQLiteStore) -> None:
    assert run_behind(serving, *(increment("c1") for _ in range(20))) == list(range(1, 21))  # type: ignore[arg-type]


def test_each_accepted_command_has_its_own_change(serving: SQLiteStore) -> None:
    before = asyncio.run(serving.head(TENANT))
    run_behind(serving, *(increment("c1") for _ in range(5)))  # type: ignore[arg-type]
    after = asyncio.run(serving.head(TENANT))
    assert before is not None
    assert after is not None
    assert after.sequence == before.sequence + 5


def test_a_refused_command_of_a_batch_leaves_nothing_and_harms_no_other(serving: SQLiteStore) -> None:
    def refuse(draft: Draft) -> object:
        draft.put(CONTROL_PROFILES, control("bad"))
        raise BadRequest("no")

    def bug(draft: Draft) -> object:
        draft.put(CONTROL_PROFILES, control("worse"))
        return 1 / 0

    one, two, three, four = run_behind(serving, increment("c1"), Do(refuse), Do(bug), increment("c1"))  # type: ignore[arg-type]
    assert (one, four) == (1, 2)
    assert isinstance(two, BadRequest)
    assert isinstance(three, ZeroDivisionError)
    assert asyncio.run(serving.get(TENANT, CONTROL_PROFILES, "bad")) is None
    assert asyncio.run(serving.get(TENANT, CONTROL_PROFILES, "worse")) is None


def test_one_transaction_holds_several_tenants(serving: SQLiteStore, statements: Statements) -> None:
    before = statements.count("BEGIN IMMEDIATE")
    commands = (increment("c1"), increment("c1", tenant_id=OTHER_TENANT), increment("c1"))
    assert run_behind(serving, *commands) == [1, 1, 2]  # type: ignore[arg-type]
    assert statements.count("BEGIN IMMEDIATE") == before + 2


def signing_key(kid: str) -> dict[str, str | int | bytes | None]:
    return {
        "kid": kid,
        "algorithm": "RS256",
        "public_jwk": "{}",
        "sealed_private_key": b"",
        "created_ticks": 1,
        "retired_ticks": None,
    }


def test_a_command_sees_all_rows_of_the_signing_keys_as_the_batch_left_them(serving: SQLiteStore) -> None:
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

    asyncio.run(serving.submit(replace_all("k2")))
    assert run_behind(serving, replace_all("k1"), replace_all("k3")) == [["k2"], ["k1"]]
    assert serving.run(replace_all("k4")) == ["k3"]
    assert [(row.kid, row.retired_ticks) for row in serving.signing_keys()] == [
        ("k1", 2),
        ("k2", 2),
        ("k3", 2),
        ("k4", None),
    ]


def test_no_other_table_is_read_whole(store: SQLiteStore) -> None:
    with pytest.raises(KeyError):
        store.run(Do(lambda draft: draft.rows_of("clients")))


def test_a_row_that_no_tenant_owns_is_shared_by_the_tenants_of_a_batch(serving: SQLiteStore) -> None:
    key = signing_key("k")
    write = Do[object](lambda draft: draft.put_row("signing_keys", "k", key), tenant_id=STORE_CHAIN)
    read = Do[object](lambda draft: draft.row("signing_keys", "k"))
    assert run_behind(serving, write, read) == [None, key]


def test_when_the_transaction_fails_each_command_runs_alone(serving: SQLiteStore) -> None:
    first = put(control("c1"))
    twin = Do(lambda draft: draft.put(CONTROL_PROFILES, control("c2")), command_id=first.command_id)
    one, two, three = run_behind(serving, first, twin, increment("c3"))  # type: ignore[arg-type]
    assert getattr(one, "id", None) == "c1"
    assert isinstance(two, Exception)
    assert three == 1
    assert asyncio.run(serving.get(TENANT, CONTROL_PROFILES, "c2")) is None


def test_what_was_answered_is_seen_by_every_later_read(serving: SQLiteStore) -> None:
    async def main() -> None:
        for number in range(20):
            stored = await serving.submit(put(control("c1", rank=number)))
            assert await serving.get(TENANT, CONTROL_PROFILES, "c1") == stored

    asyncio.run(main())


def test_a_command_still_queued_at_its_deadline_is_never_run(serving: SQLiteStore) -> None:
    with gate() as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered.is_set)
            with pytest.raises(ServiceUnavailable, match="waited too long"):
                await serving.submit(put(control("late")), deadline_seconds=0.02)
            held.opened.set()
            await first
            await serving.submit(put(control("next")))
            assert await serving.get(TENANT, CONTROL_PROFILES, "late") is None

        asyncio.run(main())


def test_each_command_is_refused_at_its_own_deadline(serving: SQLiteStore) -> None:
    with gate() as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered.is_set)
            order: list[str] = []

            async def late(name: str, seconds: float) -> None:
                with pytest.raises(ServiceUnavailable, match="waited too long"):
                    await serving.submit(put(control(name)), deadline_seconds=seconds)
                order.append(name)

            patient = asyncio.create_task(serving.submit(put(control("patient"))))
            await asyncio.gather(late("third", 0.06), late("first", 0.02), late("second", 0.04))
            assert order == ["first", "second", "third"]
            assert not patient.done()
            held.opened.set()
            await asyncio.gather(first, patient)

        asyncio.run(main())


def test_a_command_past_its_deadline_is_not_run_even_if_the_event_loop_slept(serving: SQLiteStore) -> None:
    with gate() as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered.is_set)
            (late,) = await queued(
                serving._commits, serving.submit(put(control("late")), deadline_seconds=0.05)
            )
            threading.Event().wait(0.06)  # The loop cannot fire its timer meanwhile.
            held.opened.set()
            assert serving._commits is not None
            while serving._commits._queue:  # The writer takes it, past its deadline.
                threading.Event().wait(0.001)
            with pytest.raises(ServiceUnavailable):
                await late
            await first
            assert await serving.get(TENANT, CONTROL_PROFILES, "late") is None

        asyncio.run(main())


def test_a_caller_who_leaves_before_their_turn_takes_the_command_along(serving: SQLiteStore) -> None:
    with gate() as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered.is_set)
            (leaving,) = await queued(serving._commits, serving.submit(put(control("left"))))
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            held.opened.set()
            await first
            await serving.submit(put(control("next")))
            assert await serving.get(TENANT, CONTROL_PROFILES, "left") is None

        asyncio.run(main())


def test_a_caller_who_leaves_cancels_nothing_that_was_taken(serving: SQLiteStore) -> None:
    with gate() as held:
        entered, opened = held.entered, held.opened

        def slow(draft: Draft) -> None:
            draft.put(CONTROL_PROFILES, control("taken"))
            entered.set()
            assert opened.wait(10)

        async def main() -> None:
            leaving = asyncio.create_task(serving.submit(Do(slow)))
            await until(entered.is_set)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            opened.set()
            await serving.submit(put(control("next")))
            assert await serving.get(TENANT, CONTROL_PROFILES, "taken") is not None

        asyncio.run(main())


def test_a_full_queue_refuses(serving: SQLiteStore) -> None:
    async def main() -> None:
        first = asyncio.create_task(small.submit(held.command))
        await until(held.entered.is_set)
        waiting = await queued(small, small.submit(increment("c1")), small.submit(increment("c1")))
        with pytest.raises(ServiceUnavailable, match="Too many writes wait") as refused:
            await small.submit(increment("c1"))
        assert refused.value.headers["Retry-After"] == "1"
        held.opened.set()
        await first
        assert await asyncio.gather(*waiting) == [1, 2]

    with closing(GroupCommit(serving._run_batch, capacity=2)) as small, gate() as held:
        asyncio.run(main())


def test_closing_answers_what_was_submitted_and_takes_no_more(serving: SQLiteStore) -> None:
    with gate() as held:

        async def main() -> None:
            first = asyncio.create_task(serving.submit(held.command))
            await until(held.entered.is_set)
            commits = serving._commits
            assert commits is not None
            waiting = await queued(commits, *(serving.submit(increment("c1")) for _ in range(5)))
            ending = asyncio.create_task(asyncio.to_thread(commits.close))
            await until(lambda: commits._closing)
            with pytest.raises(ServiceUnavailable, match="stopping"):
                await serving.submit(increment("c1"))
            held.opened.set()
            assert await asyncio.gather(*waiting) == [1, 2, 3, 4, 5]
            await first
            await ending

        asyncio.run(main())


def test_a_closed_event_loop_does_not_stop_the_writer(serving: SQLiteStore) -> None:
    with gate() as held:

        async def abandon() -> None:
            task = asyncio.create_task(serving.submit(held.command))
            await until(held.entered.is_set)
            task.cancel()

        asyncio.run(abandon())
        held.opened.set()
    assert asyncio.run(serving.submit(increment("c1"))) == 1


def test_without_a_server_a_submit_is_a_transaction_of_its_own(store: SQLiteStore) -> None:
    assert asyncio.run(store.submit(increment("c1"))) == 1
    assert store.healthy
