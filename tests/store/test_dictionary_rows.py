"""Rows kept plain, packed alone and packed after a dictionary, read as if they were one kind."""

import asyncio
import json
from contextlib import closing

import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject, dump_json
from stanchion.odata.delta import Changes, DeltaQuery
from stanchion.odata.query import IdKey, ListQuery, default_order, property_key, total_order
from stanchion.store import SQLiteStore
from stanchion.store.bodies import pack
from stanchion.store.compile import Compiled
from stanchion.store.connection import connect
from stanchion.store.verify import verify
from tests.databases import Database
from tests.store.commands import TENANT, put_all
from tests.store.filtering import PLENTY, asked, ids_found
from tests.store.long_scores import DAYS, everything, import_days, named, page, score_of_day

pytestmark = pytest.mark.sqlite("PostgreSQL packs what is long by itself")

_SIZES = "SELECT body_bytes(body) FROM secure_scores WHERE secure_scores.tenant_id = :tenant_id ORDER BY id"


@pytest.fixture
def days(store: SQLiteStore) -> list[JsonObject]:
    """Some days of scores, each imported by itself."""
    return import_days(store)


@pytest.fixture
def mixed(store: SQLiteStore, database: Database, days: list[JsonObject]) -> SQLiteStore:
    """A store whose rows are kept as each version did: plain, packed alone, and after a dictionary."""
    with closing(connect(database.path, busy_seconds=1)) as reader:
        bodies = [
            reader.body(
                database.execute("SELECT body FROM secure_scores WHERE id = $1", day["id"])[0][0], TENANT
            )
            for day in days[:4]
        ]
    for number, body in enumerate(bodies):
        kept = body if number % 2 else pack(body)
        database.execute("UPDATE secure_scores SET body = $1 WHERE id = $2", kept, days[number]["id"])
    assert list(named(database).values()).count(None) == 4
    return store


def test_rows_of_all_kinds_are_read_alike(mixed: SQLiteStore, days: list[JsonObject]) -> None:
    ids = [str(value["id"]) for value in days]
    listed = ListQuery(SECURE_SCORES, "v1.0", default_order(SECURE_SCORES))
    assert sorted(page(mixed, listed)) == ids
    for value in days:
        stored = asyncio.run(mixed.get(TENANT, SECURE_SCORES, str(value["id"])))
        assert stored is not None
        assert stored.value == value
    assert everything(mixed) == days
    changed = DeltaQuery(SECURE_SCORES, "v1.0", place=Changes(0, None, None))
    found = asyncio.run(mixed.delta(TENANT, changed, max_bytes=PLENTY))
    assert len(found.runs) == DAYS
    assert verify(mixed, TENANT, head=None).entities == DAYS


def test_a_page_in_pieces_has_rows_of_all_kinds(mixed: SQLiteStore, days: list[JsonObject]) -> None:
    query = ListQuery(SECURE_SCORES, "v1.0", (IdKey(),))

    async def whole() -> bytes:
        found = await mixed.page(TENANT, query, max_bytes=PLENTY, piece_bytes=1)
        pieces = [await mixed.piece(TENANT, query, ids) for ids in found.later]
        return b",".join(found.runs) + b"".join(pieces)

    assert json.loads(b"[%b]" % asyncio.run(whole())) == days
    with mixed.reading() as connection:
        told = connection.fetch(Compiled(_SIZES, ("tenant_id",)), {"tenant_id": TENANT})
    assert [size for (size,) in told] == [len(dump_json(day)) for day in days]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("azureTenantId eq 'x'", []),
        ("controlScores/any(c:c/score eq 4)", ["s4"]),
        ("controlScores/all(c:c/score lt 4)", ["s0", "s1", "s2", "s3"]),
        ("averageComparativeScores/any() or controlScores/any(c:c/score ge 3)", ["s3", "s4", "s5"]),
    ],
)
def test_a_filter_asks_bodies_of_all_kinds(mixed: SQLiteStore, text: str, found: list[str]) -> None:
    assert ids_found(mixed, asked(SECURE_SCORES, text)) == found


def test_an_order_by_what_is_in_bodies_asks_all_of_them(mixed: SQLiteStore) -> None:
    key = property_key(SECURE_SCORES, ("azureTenantId",), descending=True)
    order = total_order(SECURE_SCORES, (key,))
    assert sorted(page(mixed, ListQuery(SECURE_SCORES, "v1.0", order))) == [f"s{day}" for day in range(DAYS)]


def test_a_score_is_written_again_whatever_kind_its_row_is_of(mixed: SQLiteStore) -> None:
    for day in range(DAYS):
        mixed.run(put_all([{**score_of_day(day), "currentScore": 99}], SECURE_SCORES))
    assert [value["currentScore"] for value in everything(mixed)] == [99] * DAYS
    assert verify(mixed, TENANT, head=None).entities == DAYS


def test_a_reader_keeps_its_snapshot_while_a_body_asks_for_its_dictionary(
    store: SQLiteStore, days: list[JsonObject]
) -> None:
    with closing(connect(store.path, busy_seconds=1)) as reader, reader.snapshot():
        seen = "SELECT count(*) FROM secure_scores WHERE secure_scores.tenant_id = ?"
        assert reader.execute(seen, (TENANT,)).fetchone() == (DAYS,)
        store.run(put_all([score_of_day(DAYS)], SECURE_SCORES))
        asking = (
            "SELECT json_extract(body_json(body, tenant_id), '$.id') FROM secure_scores "
            "WHERE secure_scores.tenant_id = ? ORDER BY id"
        )
        assert [id for (id,) in reader.execute(asking, (TENANT,))] == [value["id"] for value in days]
