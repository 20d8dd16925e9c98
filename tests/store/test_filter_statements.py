"""How filters are asked: what is compiled, kept and refused."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, EntitySet
from stanchion.model.instant import format_instant
from stanchion.model.json_text import JsonObject
from stanchion.odata.filter.tree import Column, Comparison, Entity, Member, Parameter
from stanchion.odata.query import ListQuery, default_order
from stanchion.store import pages, terms
from stanchion.store.compile import DialectName
from stanchion.store.expressions import filled
from stanchion.store.kept_statements import statement_counts
from stanchion.store.members import member
from stanchion.store.pages import FILTERS_KEPT, filtered_count_statement, page_statement
from stanchion.store.tables import ENTITY_TABLES
from stanchion.store.terms import LONGEST_KEPT, TERMS_KEPT, term
from tests.databases import DIALECTS, AnyStore
from tests.store.commands import OTHER_TENANT, TENANT, control, put_all
from tests.store.filtering import asked, ids_found, ids_of
from tests.store.scores import score_of


@pytest.mark.parametrize("dialect", DIALECTS)
def test_literals_are_parameters_and_nothing_else(dialect: DialectName) -> None:
    text = "title eq 'needle' and contains(remediation,'needle') and rank in (7777) and threats/any(t:t eq 'needle')"
    compiled = page_statement(asked(CONTROL_PROFILES, text), dialect=dialect)
    assert "needle" not in compiled.sql
    assert "7777" not in compiled.sql
    assert {f"filter_{number}" for number in range(4)} <= set(compiled.parameters)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_of_a_filter_of_a_new_shape_nothing_is_compiled(dialect: DialectName) -> None:
    kept = pages._unfilled_statement.cache_info
    page_statement(asked(CONTROL_PROFILES, "rank gt 21"), dialect=dialect)
    before = kept().misses
    one, two = (
        page_statement(asked(CONTROL_PROFILES, text), dialect=dialect).sql
        for text in ("rank lt 21", "21 eq rank")
    )
    assert one != two
    assert kept().misses == before


def test_a_filter_of_a_new_shape_counts_as_one_statement_that_was_not_there() -> None:
    page_statement(asked(CONTROL_PROFILES, "rank gt 22"))
    known = statement_counts()
    page_statement(asked(CONTROL_PROFILES, "rank gt 1 and not (rank gt 22) and rank gt 1"))
    hits, misses, kept = (now - before for now, before in zip(statement_counts(), known, strict=True))
    assert (hits, misses, kept) in {(0, 1, 1), (0, 1, 0)}


def test_what_is_no_statement_of_the_store_is_not_counted() -> None:
    known = statement_counts()
    for second in range(50):
        format_instant(second * 10_000_000)
    assert statement_counts() == known


@pytest.mark.parametrize("dialect", DIALECTS)
def test_parameters_of_a_filter_come_after_those_of_its_statement(dialect: DialectName) -> None:
    text = (
        "remediation eq 'b' and not endswith(title,'a') and lastModifiedDateTime lt now() and rank in (1,2)"
    )
    query = replace(asked(CONTROL_PROFILES, text), after=("a",), provider="x")
    plain = page_statement(replace(query, filter=None), dialect=dialect)
    filtered = page_statement(query, dialect=dialect)
    own = len(plain.parameters)
    assert filtered.parameters[:own] == plain.parameters
    assert set(filtered.parameters[own:]) == {"filter_0", "filter_1", "filter_2", "filter_now"}
    if dialect == "postgresql":
        places = {int(place) for place in re.findall(r"\$(\d+)", filtered.sql)}
        assert places == set(range(1, own + 5))


def test_a_long_term_is_not_kept() -> None:
    table = ENTITY_TABLES[CONTROL_PROFILES.name]
    for count, is_kept in ((1, True), (60, False)):
        text = " or ".join(f"c/name{number} eq 1" for number in range(count))
        asked_for = asked(CONTROL_PROFILES, f"complianceInformation/any(c:{text})").filter
        assert asked_for is not None
        found = term(asked_for.tree, table, "sqlite")
        assert (len(found.alone) <= LONGEST_KEPT) is is_kept
        assert (term(asked_for.tree, table, "sqlite") is found) is is_kept


def test_so_many_terms_are_kept_and_no_more() -> None:
    for number in range(TERMS_KEPT + 2):
        page_statement(asked(CONTROL_PROFILES, f"complianceInformation/any(c:c/kept{number} eq 1)"))
    assert 0 < len(terms._terms) <= TERMS_KEPT


def test_a_column_is_one_of_the_table() -> None:
    tree = Comparison("eq", Column("title = title OR title", "Edm.String"), Parameter(0, "Edm.String"))
    with pytest.raises(KeyError):
        filtered_count_statement(CONTROL_PROFILES, tree)


@pytest.mark.parametrize("sql", ["SELECT 1", "(@filter) AND (@filter)"])
def test_a_condition_goes_into_one_place(sql: str) -> None:
    with pytest.raises(ValueError, match="one place for a filter"):
        filled(sql, "1")


def test_what_must_hold_besides_a_condition_holds_of_every_row() -> None:
    assert filled("SELECT 1 WHERE tenant_id = :t AND (@filter)", "0 OR 1").endswith(":t AND (0 OR 1)")


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


def test_a_filter_keeps_to_its_tenant_and_to_the_caller_s_provider(store: AnyStore) -> None:
    rows: list[JsonObject] = [
        control("m", rank=1),
        control("p", rank=1, vendorInformation={"provider": "Prowler", "vendor": "Prowler"}),
    ]
    store.run(put_all(rows, CONTROL_PROFILES))
    store.run(put_all([control("t", rank=1)], CONTROL_PROFILES, tenant_id=OTHER_TENANT))
    query = replace(asked(CONTROL_PROFILES, "rank eq 1 or true"), count=True)
    assert ids_found(store, query) == ["m", "p"]
    limited = replace(query, provider="PROWLER")
    page = asyncio.run(store.page(TENANT, limited, max_bytes=10**9))
    assert (ids_of(page), page.count) == (["p"], 1)
    assert asyncio.run(store.count(TENANT, limited)) == 1


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
def test_what_is_usual_may_nest_to_the_limit(store: AnyStore, before: str, inner: str, after: str) -> None:
    levels = 20 // (before.count("(") + before.count("not") + before.count("-"))
    # A calculation and the comparison around it are a chain of one link more.
    levels -= "add" in before
    whole = before * levels + inner + after * levels
    ids_found(store, asked(CONTROL_PROFILES, whole if "eq" in whole else f"{whole} ne null"))


@pytest.mark.parametrize(
    ("entity_set", "text", "ids"),
    [
        (SECURE_SCORES, "controlScores/any(c:c/controlName eq 'c1999')", ["s0"]),
        (SECURE_SCORES, "azureTenantId eq null", []),
    ],
)
def test_compressed_bodies_are_filtered_too(
    store: AnyStore, entity_set: EntitySet, text: str, ids: Sequence[str]
) -> None:
    store.run(put_all([score_of(0, controls=2000)], entity_set))
    assert ids_found(store, asked(entity_set, text)) == ids
