"""How SQLite answers filters: by which index, how often it reads a body, and when it is stopped."""

import sqlite3
from contextlib import closing

import pytest

from stanchion.errors import ServiceUnavailable
from stanchion.model.edm import SECURE_SCORES
from stanchion.odata.query import ListQuery, property_key, total_order
from stanchion.store import SQLiteStore
from stanchion.store.bodies import document_of, pack
from stanchion.store.compile import Compiled
from stanchion.store.connection import SQLiteConnection, connect
from stanchion.store.deadline import Deadline
from stanchion.store.page_reading import read_page
from stanchion.store.pages import filtered_count_statement, page_parameters
from tests.store.commands import TENANT, put_all
from tests.store.filtering import PLENTY, asked, ids_of
from tests.store.scores import score_of

pytestmark = pytest.mark.sqlite("reads the plan that SQLite makes, and counts its calls of our functions")

SCORES = [score_of(number, controls=number) for number in range(10)]


def parameters(connection: SQLiteConnection, query: ListQuery) -> dict[str, object]:
    """Return the parameters of a query's first page."""
    return page_parameters(
        query, tenant_id=TENANT, limit=query.page_size, skip=query.skip, array=connection.array
    )


def ids_on(connection: SQLiteConnection, query: ListQuery) -> list[str]:
    """Return the ids that a connection finds."""
    return ids_of(read_page(connection, query, tenant_id=TENANT, max_bytes=PLENTY))


def plan(store: SQLiteStore, compiled: Compiled, query: ListQuery) -> str:
    rows = store._reader.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", parameters(store._reader, query))
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("createdDateTime ge 2026-01-01T00:00:00Z", "created_date_time>?"),
        ("createdDateTime lt 2026-01-01", "created_date_time<?"),
        ("createdDateTime eq 2026-01-01 and currentScore gt 5", "created_date_time=?"),
        ("not (createdDateTime ne 2026-01-01)", "created_date_time=?"),
        ("2026-01-01 le createdDateTime", "created_date_time>?"),
        ("id eq 'a'", "id=?"),
        ("id in ('a','b')", "id=?"),
    ],
)
def test_a_comparison_of_a_column_with_a_literal_is_answered_by_its_index(
    store: SQLiteStore, text: str, search: str
) -> None:
    query = asked(SECURE_SCORES, text)
    assert query.filter is not None
    counting = filtered_count_statement(SECURE_SCORES, query.filter.tree)
    assert search in plan(store, counting, query)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("currentScore gt 5", 0),
        ("azureTenantId eq 'x'", 10),
        ("azureTenantId ne 'x' and azureTenantId ne 'y' and controlScores/any(c:c/score gt 3)", 10),
        ("azureTenantId eq 'x' or azureTenantId eq 'y' or controlScores/any(c:c/controlName eq 'z')", 10),
        ("createdDateTime lt 2026-01-04 and controlScores/any(c:c/controlName eq 'z' or c/score lt 0)", 3),
        ("controlScores/any(c:c/score gt 3) and id in ('s7','s8')", 2),
        ("id eq 's1' and (azureTenantId eq 'x' or currentScore gt 100)", 1),
    ],
)
def test_a_body_is_read_once_for_each_row_that_its_columns_leave(
    store: SQLiteStore, text: str, reads: int
) -> None:
    store.run(put_all(SCORES, SECURE_SCORES))
    read = bodies_read(store._reader)
    ids_on(store._reader, asked(SECURE_SCORES, text))
    assert len(read) == reads


def test_a_filter_is_asked_once_for_each_row_of_a_full_page(store: SQLiteStore) -> None:
    store.run(put_all([*SCORES, score_of(10, controls=2000)], SECURE_SCORES))
    read = bodies_read(store._reader)
    query = asked(SECURE_SCORES, "azureTenantId ne 'x'", top=5)
    page = read_page(store._reader, query, tenant_id=TENANT, max_bytes=10**9)
    assert (ids_of(page), page.last_key) == (["s0", "s1", "s10", "s2", "s3"], ("s3",))
    # One row more tells that there is another page.
    assert len(read) == 6


@pytest.mark.parametrize("kept", ["text", 5, b"\x28\xb5\x2f\xfd", b"\xff{}"])
def test_a_body_that_is_none_is_refused_by_what_reads_it(store: SQLiteStore, kept: object) -> None:
    with pytest.raises(sqlite3.OperationalError):
        store._reader.execute(f"SELECT {document_of('?1', '?2')}", (kept, TENANT)).fetchall()


@pytest.mark.parametrize("body", [b"{}", b'{"id":"\xc3\xa9"}', b'{"id":"' + b"long" * 2000 + b'"}'])
def test_the_document_of_a_body_is_its_text_be_it_packed_or_not(store: SQLiteStore, body: bytes) -> None:
    read = bodies_read(store._reader)
    ((text,),) = store._reader.execute(f"SELECT {document_of('?1', '?2')}", (pack(body), TENANT)).fetchall()
    assert text == body.decode()
    assert len(read) == (pack(body) != body)


def test_an_order_of_what_is_in_bodies_reads_each_of_them_once(store: SQLiteStore) -> None:
    store.run(put_all(SCORES, SECURE_SCORES))
    read = bodies_read(store._reader)
    by_tenant = property_key(SECURE_SCORES, ("azureTenantId",), descending=True)
    query = ListQuery(SECURE_SCORES, "v1.0", total_order(SECURE_SCORES, (by_tenant,)), top=3)
    page = read_page(store._reader, query, tenant_id=TENANT, max_bytes=10**9)
    assert ids_of(page) == ["s9", "s8", "s7"]
    assert len(read) == len(SCORES)


def bodies_read(connection: SQLiteConnection) -> list[bytes]:
    """Return the bodies, as they are kept, that filters will have asked for their JSON."""
    read: list[bytes] = []

    def noting(kept: bytes, tenant_id: str) -> str:
        read.append(kept)
        return connection.document(kept, tenant_id)

    connection.create_function("body_json", 2, noting, deterministic=True)
    return read


def test_a_filter_over_its_deadline_is_stopped(store: SQLiteStore) -> None:
    large = [score_of(number, controls=3000) for number in range(10)]
    store.run(put_all(large, SECURE_SCORES))
    text = " or ".join(["controlScores/any(c:c/controlName eq c/description)"] * 50)
    with closing(connect(store.path, busy_seconds=1)) as reader:
        read = bodies_read(reader)
        with (
            pytest.raises(ServiceUnavailable, match=r"longer than 0\.05 seconds"),
            Deadline(reader).after(0.05),
        ):
            ids_on(reader, asked(SECURE_SCORES, text))
        # Each takes some times as long.
        assert len(read) < len(large)
