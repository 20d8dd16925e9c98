"""Point reads: those of one turn of the event loop are one statement, and each is answered by itself."""

import asyncio

import pytest
import zstandard

from stanchion.errors import ServiceUnavailable
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, EntitySet
from stanchion.store import SQLiteStore
from stanchion.store.reading import entities_statement, entity_statement
from tests.conftest import Statements
from tests.databases import AnyStore
from tests.store.commands import OTHER_TENANT, TENANT, control, put, put_all, score


async def together(store: AnyStore, *ids: str) -> list[Stored | BaseException | None]:
    return await asyncio.gather(
        *(store.get(TENANT, CONTROL_PROFILES, id) for id in ids), return_exceptions=True
    )


def test_reads_of_one_turn_are_one_statement_and_each_gets_its_own(
    store: AnyStore, statements: Statements
) -> None:
    store.run(put_all([control(f"c{i}") for i in range(9)], CONTROL_PROFILES))
    statements.ran.clear()
    found = asyncio.run(together(store, "c3", "nothing", "c1", "c3", 'a"b'))
    assert [one.id if isinstance(one, Stored) else one for one in found] == ["c3", None, "c1", "c3", None]
    # A connection that is opened for it asks first what the database is for.
    assert len([sql for sql in statements.ran if CONTROL_PROFILES.table_name in sql]) == 1


def test_tenants_and_sets_are_kept_apart(store: AnyStore) -> None:
    store.run(put(control("same", title="ours")))
    store.run(put(control("same", title="theirs"), tenant_id=OTHER_TENANT))
    store.run(put(score("same", None), SECURE_SCORES))

    async def main() -> tuple[Stored | None, ...]:
        return await asyncio.gather(
            store.get(TENANT, CONTROL_PROFILES, "same"),
            store.get(OTHER_TENANT, CONTROL_PROFILES, "same"),
            store.get(TENANT, SECURE_SCORES, "same"),
            store.get(OTHER_TENANT, SECURE_SCORES, "same"),
        )

    ours, theirs, scored, none = asyncio.run(main())
    assert ours is not None
    assert theirs is not None
    assert scored is not None
    assert (ours.value["title"], theirs.value["title"]) == ("ours", "theirs")
    assert "title" not in scored.value
    assert none is None


def test_a_read_sees_what_was_answered_before_it_was_asked(serving: AnyStore) -> None:
    async def main() -> None:
        for number in range(20):
            await serving.submit(put(control("c1", title=str(number))))
            found = await serving.get(TENANT, CONTROL_PROFILES, "c1")
            assert found is not None
            assert found.value["title"] == str(number)

    asyncio.run(main())


@pytest.mark.sqlite("a body is text on PostgreSQL, which holds no damaged one")
def test_a_damaged_entity_fails_its_own_reader_alone(store: SQLiteStore) -> None:
    store.run(put_all([control(f"c{i}") for i in range(3)], CONTROL_PROFILES))
    store._writer.execute(
        "UPDATE secure_score_control_profiles SET body = x'28b52ffd00' "
        "WHERE secure_score_control_profiles.tenant_id = ? AND id = 'c1'",
        (TENANT,),
    )
    first, damaged, last = asyncio.run(together(store, "c0", "c1", "c2"))
    assert isinstance(first, Stored)
    assert isinstance(damaged, ServiceUnavailable)
    assert isinstance(damaged.__cause__, zstandard.ZstdError)
    assert isinstance(last, Stored)


@pytest.mark.sqlite("a body is text on PostgreSQL, which holds no damaged one")
def test_a_damaged_entity_of_one_tenant_is_no_matter_of_another(store: SQLiteStore) -> None:
    store.run(put(control("same")))
    store.run(put(control("same"), tenant_id=OTHER_TENANT))
    store._writer.execute(
        "UPDATE secure_score_control_profiles SET body = x'28b52ffd00' "
        "WHERE secure_score_control_profiles.tenant_id = ?",
        (TENANT,),
    )

    async def main() -> list[Stored | BaseException | None]:
        asked = (store.get(tenant, CONTROL_PROFILES, "same") for tenant in (TENANT, OTHER_TENANT))
        return await asyncio.gather(*asked, return_exceptions=True)

    damaged, sound = asyncio.run(main())
    assert isinstance(damaged, ServiceUnavailable)
    assert isinstance(sound, Stored)


@pytest.mark.sqlite("several tenants are read side by side on PostgreSQL")
def test_reads_of_several_tenants_in_one_turn_are_one_transaction(
    store: SQLiteStore, statements: Statements
) -> None:
    async def main() -> None:
        asked = (store.get(tenant, CONTROL_PROFILES, "c1") for tenant in (TENANT, OTHER_TENANT))
        await asyncio.gather(*asked)

    statements.ran.clear()
    asyncio.run(main())
    words = [sql.split()[0] for sql in statements.ran]
    assert words == ["BEGIN", "SELECT", "SELECT", "ROLLBACK"]


@pytest.mark.sqlite("is about how SQLite is stopped")
def test_reads_that_take_too_long_are_all_told_at_once(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store._point_reads, "_seconds", -1.0)
    store._reader.set_progress_handler(store._deadline._is_over, 1)
    found = asyncio.run(together(store, "c0", "c1"))
    assert [type(one) for one in found] == [ServiceUnavailable] * 2


def test_a_read_that_nobody_waits_for_any_more_holds_up_no_other(store: AnyStore) -> None:
    store.run(put(control("c1")))

    async def main() -> Stored | None:
        given_up = asyncio.ensure_future(store.get(TENANT, CONTROL_PROFILES, "c1"))
        await asyncio.sleep(0)
        given_up.cancel()
        return await store.get(TENANT, CONTROL_PROFILES, "c1")

    found = asyncio.run(main())
    assert found is not None


def test_an_id_is_compared_as_it_stands(store: AnyStore) -> None:
    ids = ["a'b", 'a"b', "a\\b", "ä", "\U0001d4b3", "1", "true", "null"]
    store.run(put_all([control(id) for id in ids], CONTROL_PROFILES))
    found = asyncio.run(together(store, *ids, "01", "A'b"))
    assert [one.id if isinstance(one, Stored) else one for one in found] == [*ids, None, None]


def test_who_asks_while_others_are_answered_gets_a_later_reading(store: AnyStore) -> None:
    store.run(put(control("c1", title="before")))

    async def again() -> list[Stored | None]:
        first = await store.get(TENANT, CONTROL_PROFILES, "c1")
        store.run(put(control("c1", title="after")))
        return [first, await store.get(TENANT, CONTROL_PROFILES, "c1")]

    async def main() -> tuple[list[Stored | None], ...]:
        return await asyncio.gather(again(), again())

    for found in asyncio.run(main()):
        assert [one and one.value["title"] for one in found] == ["before", "after"]


@pytest.mark.sqlite("reads on whichever event loop asks")
def test_a_loop_that_ended_before_its_answer_leaves_the_next_one_alone(store: AnyStore) -> None:
    store.run(put(control("c1")))
    given_up = store.get(TENANT, CONTROL_PROFILES, "c1")
    given_up.send(None)
    given_up.close()
    assert asyncio.run(together(store, "c1", "c2"))[0] is not None


@pytest.mark.sqlite("reads the plan that SQLite makes")
@pytest.mark.parametrize("entity_set", [CONTROL_PROFILES, SECURE_SCORES])
def test_each_id_is_looked_up_in_the_key(store: SQLiteStore, entity_set: EntitySet) -> None:
    sql = f"EXPLAIN QUERY PLAN {entities_statement(entity_set).sql}"
    plan = [row[3] for row in store._reader.execute(sql, {"tenant_id": TENANT, "ids": "[]"})]
    assert plan[0].startswith("SCAN asked")
    assert plan[1].endswith("(tenant_id=? AND id=?)")
    assert len(plan) == 2
    sql = f"EXPLAIN QUERY PLAN {entity_statement(entity_set).sql}"
    (only,) = (row[3] for row in store._reader.execute(sql, {"tenant_id": TENANT, "id": "x"}))
    assert only.endswith("(tenant_id=? AND id=?)")
