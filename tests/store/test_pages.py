"""Lists: order, keyset paging, limits of a page, and the deadline."""

import asyncio
from collections.abc import Sequence
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from stanchion.errors import ServiceUnavailable
from stanchion.model.check import column_values
from stanchion.model.edm import CONTROL_PROFILES, ENTITY_SETS, GRAPH_SETS, SECURE_SCORES, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.odata.query import (
    IdKey,
    KeyValue,
    ListQuery,
    MicrosoftFirst,
    OrderKey,
    PropertyKey,
    default_order,
    property_key,
    total_order,
)
from stanchion.store import Page, SQLiteStore
from stanchion.store.connection import connect
from stanchion.store.deadline import Deadline
from stanchion.store.pages import (
    count_statement,
    joined_statement,
    keys_statement,
    page_parameters,
    page_statement,
)
from tests.conftest import Statements
from tests.databases import AnyStore
from tests.store.commands import OTHER_TENANT, TENANT, control, delete, put, put_all, score
from tests.store.filtering import PLENTY, ids_of


def query(entity_set: EntitySet = CONTROL_PROFILES, *order: OrderKey, top: int | None = None) -> ListQuery:
    return ListQuery(entity_set, "v1.0", total_order(entity_set, order), top=top)


def page(store: AnyStore, asked: ListQuery, *, max_bytes: int = PLENTY, tenant_id: str = TENANT) -> Page:
    return asyncio.run(store.page(tenant_id, asked, max_bytes=max_bytes))


def walk(store: AnyStore, asked: ListQuery) -> list[str]:
    """Read page after page and return all ids."""
    ids, after = [], asked.after
    while True:
        found = page(store, replace(asked, after=after))
        ids += ids_of(found)
        if found.last_key is None:
            return ids
        after = found.last_key


def by(name: str, *, descending: bool = False, entity_set: EntitySet = CONTROL_PROFILES) -> PropertyKey:
    return property_key(entity_set, tuple(name.split("/")), descending=descending)


def test_scores_come_newest_first_then_microsofts_then_by_provider_then_id(store: AnyStore) -> None:
    values = [
        score("m1", "2026-01-01T00:00:00Z"),
        score("p1", "2026-01-01T00:00:00Z", provider="Prowler", vendor="Prowler"),
        score("a1", "2026-01-01T00:00:00Z", provider="Azure", vendor="Microsoft"),
        score("m2", "2026-01-02T00:00:00+00:00"),
        score("m0", "2026-01-01T00:00:00.0000000Z"),
        score("timeless", None),
    ]
    store.run(put_all(values, SECURE_SCORES))
    assert walk(store, query(SECURE_SCORES, top=2)) == ["m2", "m0", "m1", "a1", "p1", "timeless"]


@pytest.mark.parametrize(("descending", "expected"), [(False, ["n", "a", "b"]), (True, ["b", "a", "n"])])
@pytest.mark.parametrize("name", ["title", "remediation", "vendorInformation/subProvider"])
def test_null_is_lower_than_any_value(
    store: AnyStore,
    name: str,
    *,
    descending: bool,
    expected: list[str],
) -> None:
    first, *rest = name.split("/")

    def member(value: str) -> JsonObject:
        return {first: {rest[0]: value} if rest else value}

    values = [
        control("b", **member("B")),
        control("n", **{first: None}),
        control("a", **member("A")),
    ]
    store.run(put_all(values, CONTROL_PROFILES))
    assert walk(store, query(CONTROL_PROFILES, by(name, descending=descending), top=1)) == expected


def test_text_compares_by_code_point(store: AnyStore) -> None:
    titles = ["a", "B", "é", "Z", "\U0001d4b3", "\uffff"]
    store.run(put_all([control(f"c{i}", title=title) for i, title in enumerate(titles)], CONTROL_PROFILES))
    ids = walk(store, query(CONTROL_PROFILES, by("title"), top=4))
    assert [titles[int(id[1:])] for id in ids] == sorted(titles)


def test_booleans_come_back_as_booleans_in_the_last_key(store: AnyStore) -> None:
    store.run(put_all([control("c1", deprecated=True), control("c2", deprecated=None)], CONTROL_PROFILES))
    asked = query(CONTROL_PROFILES, by("deprecated", descending=True), top=1)
    assert page(store, asked).last_key == (True, "c1")
    assert walk(store, asked) == ["c1", "c2"]


def test_a_full_page_that_is_the_last_has_no_last_key(store: AnyStore) -> None:
    store.run(put_all([control("c1"), control("c2")], CONTROL_PROFILES))
    assert page(store, query(top=2)).last_key is None
    assert page(store, query(top=1)).last_key == ("c1",)


def test_a_page_of_no_rows_leads_nowhere(store: AnyStore) -> None:
    store.run(put(control("c1")))
    assert page(store, query(top=0)) == Page((), None, None)


def test_a_page_ends_before_it_grows_too_large_but_has_one_row(store: AnyStore) -> None:
    store.run(put_all([control(f"c{i}", remediation="x" * 10_000) for i in range(5)], CONTROL_PROFILES))
    assert ids_of(page(store, query(), max_bytes=25_000)) == ["c0", "c1"]
    tiny = page(store, query(), max_bytes=1)
    assert (ids_of(tiny), tiny.last_key) == (["c0"], ("c0",))


@pytest.mark.parametrize("large", [[], [0], [2], [4], [0, 1, 2, 3, 4]])
@pytest.mark.parametrize("top", [1, 2, 5, 9])
def test_bodies_kept_packed_and_plain_ones_come_in_one_order(
    store: AnyStore, large: list[int], top: int
) -> None:
    bodies = [
        control(f"c{i}", remediation="x" * (10_000 if i in large else 10), title="ü, }") for i in range(5)
    ]
    store.run(put_all(bodies, CONTROL_PROFILES))
    assert walk(store, query(top=top)) == [f"c{i}" for i in range(5)]
    assert walk(store, query(CONTROL_PROFILES, by("remediation", descending=True), top=top))[
        : len(large)
    ] == [f"c{i}" for i in large]


def test_a_page_of_plain_bodies_is_one_run_that_no_row_was_made_for(
    store: AnyStore, statements: Statements
) -> None:
    store.run(put_all([control(f"c{i}") for i in range(50)], CONTROL_PROFILES))
    statements.ran.clear()
    found = page(store, query(top=40))
    ids = ids_of(found)
    assert (len(found.runs), len(ids), found.last_key) == (1, 40, (ids[-1],))
    assert sum("group_concat" in sql or "string_agg" in sql for sql in statements.ran) == 1


@pytest.mark.sqlite("reads the plan that SQLite makes")
def test_a_later_page_in_the_order_of_ids_begins_where_the_index_leads(store: SQLiteStore) -> None:
    later = replace(query(top=2), after=("c2",))
    parameters = page_parameters(later, tenant_id=TENANT, limit=2, skip=0)
    for statement in (page_statement(later), joined_statement(later), keys_statement(later)):
        plan = store._reader.execute(f"EXPLAIN QUERY PLAN {statement.sql}", parameters).fetchall()
        assert any("tenant_id=? AND id>?" in row[3] for row in plan), plan


def test_plain_bodies_beyond_the_limit_of_a_page_are_left_for_the_next(store: AnyStore) -> None:
    store.run(put_all([control(f"c{i}", remediation="x" * 2000) for i in range(5)], CONTROL_PROFILES))
    found = page(store, query(), max_bytes=5000)
    assert (ids_of(found), found.last_key) == (["c0", "c1"], ("c1",))


def test_skip_leaves_out_the_first_rows(store: AnyStore) -> None:
    store.run(put_all([control(f"c{i}") for i in range(5)], CONTROL_PROFILES))
    found = page(store, replace(query(top=2), skip=2))
    assert ids_of(found) == ["c2", "c3"]
    assert page(store, replace(query(), skip=9)).runs == ()


def test_the_count_is_that_of_all_rows_and_only_when_asked(store: AnyStore) -> None:
    store.run(put_all([control(f"c{i}") for i in range(5)], CONTROL_PROFILES))
    assert page(store, replace(query(top=2), count=True, after=("c3",))).count == 5
    assert page(store, query(top=2)).count is None
    assert page(store, replace(query(), count=True), tenant_id=OTHER_TENANT) == Page((), None, 0)


def test_a_row_written_meanwhile_moves_no_other(store: AnyStore) -> None:
    store.run(put_all([control(f"c{i}") for i in range(4)], CONTROL_PROFILES))
    first = page(store, query(top=2))
    store.run(put(control("b")))
    rest = page(store, replace(query(top=2), after=first.last_key))
    assert ids_of(first, rest) == ["c0", "c1", "c2", "c3"]


def test_pages_read_at_once_agree(store: AnyStore) -> None:
    store.run(put_all([control(f"c{i}") for i in range(50)], CONTROL_PROFILES))

    async def together() -> list[Page]:
        return await asyncio.gather(*(store.page(TENANT, query(), max_bytes=PLENTY) for _ in range(40)))

    pages = asyncio.run(together())
    assert all(each == pages[0] for each in pages)


@pytest.mark.sqlite("is about how SQLite is stopped")
def test_a_query_over_its_deadline_is_stopped(store: SQLiteStore) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with closing(connect(store.path, busy_seconds=1)) as reader:
        stopped = pytest.raises(ServiceUnavailable, match=r"longer than 0\.05 seconds")
        with stopped, Deadline(reader).after(0.05):
            reader.execute(endless).fetchall()
        assert reader.execute("SELECT 1").fetchall() == [(1,)]


_text = st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=3)
_number = st.none() | st.integers(-2, 2)
_instant = st.none() | st.sampled_from(
    ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-01-01T00:00Z"]
)
_controls = st.lists(
    st.fixed_dictionaries(
        {
            "title": _text,
            "remediation": _text,
            "rank": _number,
            "maxScore": _number,
            "deprecated": st.none() | st.booleans(),
            "lastModifiedDateTime": _instant,
        }
    ),
    max_size=8,
)
_orders = st.lists(
    st.builds(
        by,
        st.sampled_from(["title", "remediation", "rank", "maxScore", "deprecated", "lastModifiedDateTime"]),
        descending=st.booleans(),
    ),
    max_size=3,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=_controls, order=_orders, top=st.integers(1, 3))
def test_paging_visits_each_row_once_in_the_order_asked(
    store: AnyStore, members: list[dict[str, JsonValue]], order: list[OrderKey], top: int
) -> None:
    with store.snapshot(TENANT) as moment:
        old = [stored.id for stored in moment.entities(CONTROL_PROFILES)]
    values = [control(f"c{i}", **each) for i, each in enumerate(members)]
    for id in old:
        store.run(delete(id))
    store.run(put_all(values, CONTROL_PROFILES))
    asked = query(CONTROL_PROFILES, *order, top=top)
    assert walk(store, asked) == [str(value["id"]) for value in expected(values, asked.order)]


def expected(values: Sequence[JsonObject], order: Sequence[OrderKey]) -> list[JsonObject]:
    """Sort in Python: by the last key first, because sorting is stable."""
    result = list(values)
    for key in reversed(order):

        def place(value: JsonObject, key: OrderKey = key) -> tuple[bool, KeyValue]:
            found = order_value(value, key)
            return (found is not None, found if found is not None else 0)

        result.sort(key=place, reverse=not isinstance(key, MicrosoftFirst) and key.descending)
    return result


def order_value(value: JsonObject, key: OrderKey) -> KeyValue:
    match key:
        case IdKey():
            return str(value["id"])
        case MicrosoftFirst():
            return 0
        case PropertyKey(path, _, None):
            found = value[path[0]]
            assert found is None or isinstance(found, str)
            return found
        case PropertyKey(_, _, column):
            assert column is not None
            return column_values(CONTROL_PROFILES, value)[column]


@pytest.mark.parametrize("name", ENTITY_SETS)
def test_lists_are_spelled_for_postgresql_too(name: str) -> None:
    entity_set = ENTITY_SETS[name]
    first = ListQuery(entity_set, "beta", default_order(entity_set))
    after = replace(first, after=tuple("x" for _ in first.order))
    compiled = page_statement(after, dialect="postgresql")
    assert "$1" in compiled.sql
    assert set(compiled.parameters) >= {"tenant_id", "limit", "skip", "key_0"}
    assert count_statement(entity_set, dialect="postgresql").parameters == ("tenant_id",)


def test_a_statement_is_compiled_once_for_its_shape() -> None:
    one, two = query(GRAPH_SETS[0], top=5), query(GRAPH_SETS[0], top=7)
    assert page_statement(one) is page_statement(two)
    assert page_statement(replace(one, after=(None, 0, "x", "y"))) is not page_statement(
        replace(one, after=(1, 0, "x", "y"))
    )


@pytest.mark.sqlite("reads the plan that SQLite makes")
def test_the_newest_scores_are_read_from_the_index(store: SQLiteStore) -> None:
    plan = store._reader.execute(
        "EXPLAIN QUERY PLAN " + page_statement(query(SECURE_SCORES)).sql,
        {"tenant_id": "", "limit": 1, "skip": 0},
    ).fetchall()
    assert any("ix_secure_scores_created" in row[3] for row in plan)
