"""How filters are asked: what is compiled, kept, read and stopped."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing

import pytest
from msgspec.structs import replace

from stanchion.errors import BadRequest, ServiceUnavailable
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.odata.filter.tree import Entity, Member
from stanchion.odata.query import ListQuery, default_order, property_key, total_order
from stanchion.store import SQLiteStore, pages
from stanchion.store.bodies import body_json, document_of, pack
from stanchion.store.compile import Compiled, DialectName
from stanchion.store.connection import connect
from stanchion.store.deadline import Deadline
from stanchion.store.members import member
from stanchion.store.page_reading import read_page
from stanchion.store.pages import FILTERS_KEPT, filtered_count_statement, page_statement
from tests.store.commands import OTHER_TENANT, TENANT, control, put_all, score
from tests.store.filtering import asked, ids_on_sqlite, parameters
from tests.store.test_pages import ids_of


def found(store: SQLiteStore, query: ListQuery) -> list[str]:
    return ids_of(asyncio.run(store.page(TENANT, query, max_bytes=10**9)))


def plan(store: SQLiteStore, compiled: Compiled, query: ListQuery) -> str:
    rows = store._reader.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", parameters(query))
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


def score_of(number: int, *, controls: int) -> JsonObject:
    scores: list[JsonValue] = [{"controlName": f"c{place}", "score": place} for place in range(controls)]
    # Long enough to be kept packed: reading a plain one is not seen from here.
    packed: JsonObject = {"enabledServices": ["long" * 2000], "controlScores": scores}
    return {**score(f"s{number}", f"2026-01-{number + 1:02}T00:00:00Z"), **packed}


SCORES = [score_of(number, controls=number) for number in range(10)]


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
    ids_on_sqlite(store._reader, asked(SECURE_SCORES, text))
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
        store._reader.execute(f"SELECT {document_of('?1')}", (kept,)).fetchall()


@pytest.mark.parametrize("body", [b"{}", b'{"id":"\xc3\xa9"}', b'{"id":"' + b"long" * 2000 + b'"}'])
def test_the_document_of_a_body_is_its_text_be_it_packed_or_not(store: SQLiteStore, body: bytes) -> None:
    read = bodies_read(store._reader)
    ((text,),) = store._reader.execute(f"SELECT {document_of('?1')}", (pack(body),)).fetchall()
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


def bodies_read(connection: sqlite3.Connection) -> list[bytes]:
    """Return the bodies, as they are kept, that filters will have asked for their JSON."""
    read: list[bytes] = []

    def noting(kept: bytes) -> str:
        read.append(kept)
        return body_json(kept)

    connection.create_function("body_json", 1, noting, deterministic=True)
    return read


DIALECTS: tuple[DialectName, ...] = ("sqlite", "postgresql")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_literals_are_parameters_and_nothing_else(dialect: DialectName) -> None:
    text = "title eq 'needle' and contains(remediation,'needle') and rank in (7777) and threats/any(t:t eq 'needle')"
    compiled = page_statement(asked(CONTROL_PROFILES, text), dialect=dialect)
    assert "needle" not in compiled.sql
    assert "7777" not in compiled.sql
    assert {f"filter_{number}" for number in range(4)} <= set(compiled.parameters)


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a b", "a.b", "", "a\\", "a}"])
def test_a_member_is_named_by_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a member"):
        member(Member(Entity(), (name,), "Edm.String"))


def test_a_statement_is_compiled_once_for_the_shape_of_its_filter() -> None:
    one, two = (
        asked(CONTROL_PROFILES, f"title eq '{word}' and rank gt {n}") for word, n in (("a", 1), ("b", 2))
    )
    assert page_statement(one) is page_statement(replace(two, top=3))
    assert page_statement(one) is not page_statement(asked(CONTROL_PROFILES, "title ne 'a' and rank gt 1"))


def test_filters_without_end_push_out_nothing_but_filters() -> None:
    plain = ListQuery(CONTROL_PROFILES, "beta", default_order(CONTROL_PROFILES))
    kept = page_statement(plain)
    for number in range(FILTERS_KEPT + 20):
        page_statement(asked(CONTROL_PROFILES, f"complianceInformation/any(c:c/name{number} eq 1)"))
    assert pages._filtered_statement.cache_info().currsize == FILTERS_KEPT
    assert page_statement(plain) is kept


def test_a_filter_keeps_to_its_tenant_and_to_the_caller_s_provider(store: SQLiteStore) -> None:
    rows: list[JsonObject] = [
        control("m", rank=1),
        control("p", rank=1, vendorInformation={"provider": "Prowler", "vendor": "Prowler"}),
    ]
    store.run(put_all(rows, CONTROL_PROFILES))
    store.run(put_all([control("t", rank=1)], CONTROL_PROFILES, tenant_id=OTHER_TENANT))
    query = replace(asked(CONTROL_PROFILES, "rank eq 1 or true"), count=True)
    assert found(store, query) == ["m", "p"]
    limited = replace(query, provider="PROWLER")
    page = asyncio.run(store.page(TENANT, limited, max_bytes=10**9))
    assert (ids_of(page), page.count) == (["p"], 1)
    assert asyncio.run(store.count(TENANT, limited)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "substring(" * 19 + "title" + ",1)" * 19 + " eq 'a'",
        "rank" + " mod 2" * 19 + " eq 1",
        "complianceInformation/any(a:"
        + "".join(f"a{i or ''}/x/any(a{i + 1}:" for i in range(18))
        + "true"
        + ")" * 19,
    ],
)
def test_a_filter_that_nests_deeper_than_sqlite_follows_is_refused(store: SQLiteStore, text: str) -> None:
    with pytest.raises(BadRequest, match="nests deeper than the database can follow") as refusal:
        found(store, asked(CONTROL_PROFILES, text))
    assert refusal.value.target == "$filter"


NESTS: list[tuple[str, str, str]] = [
    ("not (", "title eq 'a'", ")"),
    ("(rank eq 1 or (maxScore eq 2 and ", "remediation eq 'a'", "))"),
    ("(deprecated and not (remediation eq 'a' or ", "remediation eq 'b'", "))"),
    ("tolower(", "remediation", ")"),
    ("trim(", "title", ")"),
    ("concat(title,", "title", ")"),
    ("-(", "rank", ")"),
    ("(1 add ", "rank", ")"),
]


@pytest.mark.parametrize(("before", "inner", "after"), NESTS)
def test_what_is_usual_may_nest_to_the_limit(store: SQLiteStore, before: str, inner: str, after: str) -> None:
    levels = 20 // (before.count("(") + before.count("not") + before.count("-"))
    # A calculation and the comparison around it are a chain of one link more.
    levels -= "add" in before
    whole = before * levels + inner + after * levels
    found(store, asked(CONTROL_PROFILES, whole if "eq" in whole else f"{whole} ne null"))


def test_a_filter_over_its_deadline_is_stopped(store: SQLiteStore) -> None:
    store.run(put_all([score_of(number, controls=3000) for number in range(10)], SECURE_SCORES))
    text = " or ".join(["controlScores/any(c:c/controlName eq c/description)"] * 50)
    with closing(connect(store.path, busy_seconds=1)) as reader:
        began = time.monotonic()
        with (
            pytest.raises(ServiceUnavailable, match=r"longer than 0\.05 seconds"),
            Deadline(reader).after(0.05),
        ):
            ids_on_sqlite(reader, asked(SECURE_SCORES, text))
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("entity_set", "text", "ids"),
    [
        (SECURE_SCORES, "controlScores/any(c:c/controlName eq 'c1999')", ["s0"]),
        (SECURE_SCORES, "azureTenantId eq null", []),
    ],
)
def test_compressed_bodies_are_filtered_too(
    store: SQLiteStore, entity_set: EntitySet, text: str, ids: Sequence[str]
) -> None:
    store.run(put_all([score_of(0, controls=2000)], entity_set))
    assert found(store, asked(entity_set, text)) == ids
