"""Writing the rows of a batch: the places of values, and many rows to a statement."""

import asyncio

import pytest

from stanchion.ledger.draft import Draft
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import CONTROL_PROFILES, ENTITY_SETS, EntitySet
from stanchion.model.json_text import dump_json
from stanchion.store.batch import Batch
from stanchion.store.compile import Compiled, repeated
from stanchion.store.tables import ENTITY_TABLES, change_details, changes, tenants, tombstones
from stanchion.store.verify import verify
from stanchion.store.writing import amend_statement, delete_statement, insert_statement, upsert_statement
from tests.conftest import Statements
from tests.databases import AnyStore, Database
from tests.store.commands import TENANT, Do, control, increment, put, put_all
from tests.store.gate import run_behind


@pytest.mark.parametrize("entity_set", ENTITY_SETS.values(), ids=lambda each: each.name)
def test_the_places_of_an_entitys_row_are_those_of_its_values(entity_set: EntitySet) -> None:
    columns = [column.name for column in entity_set.columns]
    upsert = upsert_statement(ENTITY_TABLES[entity_set.name])
    assert upsert.parameters == ("tenant_id", "id", "version", "dictionary", *columns, "body")
    assert amend_statement(entity_set).parameters == ("tenant_id", "id", "version", "body")
    assert delete_statement(entity_set).parameters == ("tenant_id", "id")


def test_the_places_of_other_rows_are_those_of_their_values() -> None:
    assert insert_statement(changes).parameters == (
        *("tenant_id", "sequence", "time_ticks", "command_id"),
        *("record", "hash"),
    )
    assert insert_statement(change_details).parameters == ("tenant_id", "sequence", "salt", "detail")
    assert insert_statement(tenants).parameters == (
        *("tenant_id", "name", "created_ticks"),
        *("sequence", "head_hash", "erased_ticks", "erased_sequence"),
    )
    assert upsert_statement(tombstones).parameters == ("tenant_id", "entity_set", "id", "version")


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 200])
def test_any_number_of_rows_is_written_whole(store: AnyStore, database: Database, count: int) -> None:
    store.run(put_all([control(f"c{number}") for number in range(count)], CONTROL_PROFILES))
    sql = "SELECT count(*), count(DISTINCT id) FROM secure_score_control_profiles WHERE tenant_id = $1"
    assert database.execute(sql, TENANT) == [(count, count)]
    verify(store, TENANT, head=None)


def test_the_rows_of_a_batch_go_in_by_few_statements(
    serving: AnyStore, database: Database, statements: Statements
) -> None:
    # The command that holds the writer meanwhile writes nothing.
    run_behind(serving, database, *(increment(f"c{number}") for number in range(64)))
    assert len([sql for sql in statements.ran if "INSERT INTO changes" in sql]) == 1


RANKED = "SELECT id, rank, version FROM secure_score_control_profiles WHERE tenant_id = $1 ORDER BY id"


def amend(control_id: str) -> Do[Stored]:
    def action(draft: Draft) -> Stored:
        draft.get(CONTROL_PROFILES, control_id)
        return draft.amend(
            CONTROL_PROFILES, control_id, dump_json(control(control_id, rank=7, note="amended"))
        )

    return Do(action)


def test_an_amendment_leaves_the_columns_and_moves_the_version(store: AnyStore, database: Database) -> None:
    store.run(put_all([control("c1", rank=7), control("c2", rank=8)], CONTROL_PROFILES))
    after = store.run(amend("c1"))
    rows = database.execute(RANKED, TENANT)
    assert rows == [("c1", 7, after.version), ("c2", 8, after.version - 1)]
    assert asyncio.run(store.get(TENANT, CONTROL_PROFILES, "c1")) == after
    verify(store, TENANT, head=None)


@pytest.mark.parametrize(
    "commands",
    [
        (put(control("c", rank=7)), amend("c"), amend("c")),
        (put(control("c", rank=1)), amend("c"), put(control("c", rank=7))),
        (
            put(control("c", rank=1)),
            Do(lambda draft: draft.delete(CONTROL_PROFILES, "c")),
            put(control("c", rank=7)),
            amend("c"),
        ),
    ],
    ids=["written and amended", "amended and written", "deleted, written and amended"],
)
@pytest.mark.parametrize("known", [False, True])
def test_what_a_batch_writes_whole_is_written_whole(
    serving: AnyStore, database: Database, commands: tuple[Do[object], ...], *, known: bool
) -> None:
    if known:
        serving.run(put(control("c", rank=2)))
    answers = run_behind(serving, database, *commands)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    (row,) = database.execute(RANKED, TENANT)
    assert row[:2] == ("c", 7)
    verify(serving, TENANT, head=None)


def test_only_an_insert_of_one_row_is_repeated() -> None:
    assert repeated(Compiled("INSERT INTO t (a, b) VALUES (?, ?)", ("a", "b")), 2).endswith("(?, ?), (?, ?)")
    with pytest.raises(ValueError, match="No INSERT"):
        repeated(Compiled("DELETE FROM t WHERE a = ?", ("a",)), 2)


def test_no_two_changes_share_a_salt(store: AnyStore) -> None:
    with store.reading() as connection:
        batch = Batch(connection, locks=False)
        for _ in range(200):
            batch.apply(Do(lambda draft: draft.put(CONTROL_PROFILES, control("a"))))
    salts = [change.salt for change in batch.fold(TENANT).written.changes]
    assert len(set(salts)) == 200
    assert {len(salt) for salt in salts} == {16}
