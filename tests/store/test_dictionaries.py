"""Dictionaries: which scores are packed after which, and what is kept comes back."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stanchion.errors import ServiceUnavailable
from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject
from stanchion.store import SQLiteStore
from stanchion.store.bodies import NAMING
from stanchion.store.connection import SQLiteConnection, connect
from stanchion.store.dictionaries import DictionaryFault
from stanchion.store.keeping import scores_statement
from stanchion.store.verify import verify
from tests.conftest import Statements
from tests.databases import Database
from tests.store.commands import OTHER_TENANT, TENANT, control, delete, put, put_all
from tests.store.long_scores import DAYS, dictionaries, everything, import_days, named, score_of_day

pytestmark = pytest.mark.sqlite("PostgreSQL packs what is long by itself")


@pytest.fixture
def days(store: SQLiteStore) -> list[JsonObject]:
    """Some days of scores, each imported by itself."""
    return import_days(store)


def test_days_of_a_provider_name_one_dictionary_and_take_a_fraction(
    store: SQLiteStore, database: Database, days: list[JsonObject]
) -> None:
    assert everything(store) == days
    (id,) = dictionaries(database)
    assert set(named(database).values()) == {bytes.fromhex(id)}
    sizes = database.execute("SELECT length(body) FROM secure_scores WHERE id <> $1", days[0]["id"])
    assert max(size for (size,) in sizes) < 600


def test_scores_of_one_batch_are_packed_after_the_first_of_them(
    store: SQLiteStore, database: Database
) -> None:
    values = [score_of_day(day) for day in range(DAYS)]
    store.run(put_all(values, SECURE_SCORES))
    assert everything(store) == values
    assert len(dictionaries(database)) == 1
    assert None not in named(database).values()


def test_a_served_store_packs_alike(serving: SQLiteStore, database: Database) -> None:
    async def main() -> None:
        for day in range(DAYS):
            await serving.submit(put_all([score_of_day(day)], SECURE_SCORES))

    asyncio.run(main())
    assert everything(serving) == [score_of_day(day) for day in range(DAYS)]
    assert len(dictionaries(database)) == 1


def test_vendors_and_providers_have_dictionaries_of_their_own(store: SQLiteStore, database: Database) -> None:
    for day in range(2):
        for provider in ("SecureScore", "securescore", "ScubaGear", None):
            store.run(put_all([score_of_day(day, provider=provider, id=f"{provider}{day}")], SECURE_SCORES))
    found = named(database)
    assert found["SecureScore0"] == found["SecureScore1"] == found["securescore0"] == found["securescore1"]
    assert found["ScubaGear0"] == found["ScubaGear1"]
    assert found["None0"] == found["None1"]
    assert len(set(found.values())) == len(dictionaries(database)) == 3


def test_a_tenant_has_dictionaries_of_its_own(store: SQLiteStore, database: Database) -> None:
    for tenant in (TENANT, OTHER_TENANT):
        store.run(put_all([score_of_day(0), score_of_day(1)], SECURE_SCORES, tenant_id=tenant))
    owners = database.execute("SELECT tenant_id FROM dictionaries ORDER BY tenant_id")
    assert owners == [(TENANT,), (OTHER_TENANT,)]
    assert len(set(dictionaries(database))) == 2


def test_a_body_of_another_tenant_cannot_be_read(
    store: SQLiteStore, database: Database, days: list[JsonObject]
) -> None:
    store.run(put_all(days, SECURE_SCORES, tenant_id=OTHER_TENANT))
    database.execute(
        "UPDATE secure_scores SET body = (SELECT body FROM secure_scores WHERE tenant_id = $1 AND id = 's3') "
        "WHERE tenant_id = $2 AND id = 's3'",
        OTHER_TENANT,
        TENANT,
    )
    with pytest.raises(ServiceUnavailable, match=r"its dictionary .* is missing"):
        asyncio.run(store.get(TENANT, SECURE_SCORES, "s3"))


def test_what_is_short_or_no_score_needs_no_dictionary(store: SQLiteStore, database: Database) -> None:
    store.run(put(control("long", remediation="long " * 5000)))
    store.run(put_all([{**score_of_day(0), "controlScores": []}], SECURE_SCORES))
    assert dictionaries(database) == []


def test_a_score_takes_the_place_of_the_dictionary_when_texts_have_changed(
    store: SQLiteStore, database: Database, days: list[JsonObject]
) -> None:
    later = [score_of_day(day, edition=1) for day in range(DAYS, 2 * DAYS)]
    for value in later:
        store.run(put_all([value], SECURE_SCORES))
    found = named(database)
    before, after = ({found[str(value["id"])] for value in some} for some in (days, later))
    assert len(before) == len(after) == 1
    assert before != after
    assert len(dictionaries(database)) == 2


def test_scores_with_nothing_in_common_get_few_dictionaries(
    store: SQLiteStore, database: Database, statements: Statements
) -> None:
    values = [score_of_day(day, edition=day) for day in range(40)]
    for some in (values[:1], values[1:20], values[20:]):
        store.run(put_all(some, SECURE_SCORES))
    assert len(dictionaries(database)) == 8 + 40 // 16
    counts = [sql for sql in statements.ran if sql.startswith(scores_statement().sql.partition("=")[0])]
    # The first import, of one score, has no need to know how many there are.
    assert len(counts) == 2
    assert sorted(everything(store), key=repr) == sorted(values, key=repr)
    verify(store, TENANT, head=None)


def test_dictionaries_go_with_the_last_score_that_names_them(
    store: SQLiteStore, database: Database, days: list[JsonObject]
) -> None:
    store.run(put_all([score_of_day(DAYS, edition=1)], SECURE_SCORES))
    assert len(dictionaries(database)) == 2
    for value in days:
        assert len(dictionaries(database)) == 2
        store.run(delete(str(value["id"]), SECURE_SCORES))
    assert len(dictionaries(database)) == 1
    assert everything(store) == [score_of_day(DAYS, edition=1)]


def test_what_another_process_took_away_meanwhile_is_written_again(
    store: SQLiteStore, database: Database, days: list[JsonObject]
) -> None:
    with closing(connect(database.path, busy_seconds=1, writes=True)) as other:
        keeper = other.keeper(TENANT)
        kept = keeper.keep(_body(store, "s3"), source=("Microsoft", "SecureScore"))
        database.execute("DELETE FROM dictionaries")
        other.begin(patience_seconds=1)
        keeper.write()
        other.commit()
    assert isinstance(kept, bytes)
    assert kept.startswith(NAMING)
    assert everything(store) == days


def test_two_that_begin_the_same_dictionary_write_it_once(store: SQLiteStore, database: Database) -> None:
    store.run(put_all([score_of_day(0)], SECURE_SCORES))
    body = _body(store, "s0")
    database.execute("DELETE FROM secure_scores")
    database.execute("DELETE FROM dictionaries")
    with (
        closing(connect(database.path, busy_seconds=1, writes=True)) as one,
        closing(connect(database.path, busy_seconds=1, writes=True)) as two,
    ):
        keepers = [(each, each.keeper(TENANT)) for each in (one, two)]
        kept = {keeper.keep(body, source=("a", "b")) for _, keeper in keepers}
        for connection, keeper in keepers:
            connection.begin(patience_seconds=1)
            keeper.write()
            connection.commit()
        assert len(kept) == len(dictionaries(database)) == 1
        assert {two.body(each, TENANT) for each in kept} == {body}


def _body(store: SQLiteStore, id: str) -> bytes:
    found = asyncio.run(store.get(TENANT, SECURE_SCORES, id))
    assert found is not None
    return found.body


@pytest.fixture
def keeping(database: Database) -> Iterator[SQLiteConnection]:
    """A connection in a transaction that is never committed."""
    with closing(connect(database.path, busy_seconds=1, writes=True)) as connection:
        connection.begin(patience_seconds=1)
        yield connection


TEXTS = st.lists(st.sampled_from([b"alpha ", b"beta ", b"\x00\xff", b"\x28\xb5\x2f\xfd", NAMING]), max_size=4)
BODIES = st.builds(
    lambda head, times, tail: b'{"' + b"".join(head) * times + tail,
    TEXTS,
    st.sampled_from([0, 1, 300, 3000]),
    st.binary(max_size=20),
)


@given(
    bodies=st.lists(
        st.tuples(BODIES, st.none() | st.tuples(st.none() | st.just("V"), st.sampled_from(["a", "A", "b"]))),
        max_size=12,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_comes_back(
    keeping: SQLiteConnection, bodies: list[tuple[bytes, tuple[str | None, str | None] | None]]
) -> None:
    keeper = keeping.keeper(TENANT)
    kept = [keeper.keep(body, source=source) for body, source in bodies]
    keeper.write()
    assert keeping.bodies(kept, TENANT) == [body for body, _ in bodies]
    assert [keeping.body(one, TENANT) for one in kept] == [body for body, _ in bodies]


@given(st.binary(max_size=64))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_name_of_no_dictionary_is_a_fault(keeping: SQLiteConnection, rest: bytes) -> None:
    with pytest.raises(DictionaryFault, match="is missing"):
        keeping.body(NAMING + rest, TENANT)


@pytest.mark.parametrize(("count", "length", "known"), [(50, 5000, 32), (12, 700_000, 5)])
def test_a_connection_has_few_dictionaries_in_memory(
    keeping: SQLiteConnection, count: int, length: int, known: int
) -> None:
    kept = {}
    for number in range(count):
        body = b'{"n":"' + b"%08d" % number * (length // 8)
        keeper = keeping.keeper(TENANT if number % 2 else OTHER_TENANT)
        keeper._may_begin = lambda: True  # type: ignore[method-assign] # However many there are.
        kept[body] = (keeper.keep(body, source=("v", str(number))), keeper)
        keeper.write()
    for body, (one, keeper) in kept.items():
        assert keeping.body(one, keeper._tenant_id) == body
    assert len(keeping._dictionaries._known) == known
    assert keeping._dictionaries._bytes <= 4 * 1024 * 1024


def test_a_connection_is_let_go_of_with_its_functions(database: Database) -> None:
    connection = connect(database.path, busy_seconds=1)
    held = weakref.ref(connection)
    connection.close()
    del connection
    gc.collect()
    assert held() is None
