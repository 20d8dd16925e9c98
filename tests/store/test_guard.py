"""The two guards of tenancy: the tree before it is compiled, the text after it was run."""

import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from sqlalchemy import (
    BindParameter,
    ClauseElement,
    bindparam,
    delete,
    exists,
    func,
    insert,
    join,
    literal_column,
    or_,
    select,
    tablesample,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects import sqlite

from stanchion.model import edm
from stanchion.model.edm import CONTROL_PROFILES, ENTITY_SETS, Collection, EntitySet, Primitive
from stanchion.odata.filter import Filter, parse_filter
from stanchion.odata.query import ListQuery, PropertyKey, default_order, total_order
from stanchion.store import (
    deltas,
    dictionaries,
    erasure,
    fleet,
    inspection,
    keeping,
    pages,
    purpose,
    reading,
    retention,
    rows,
    sampling,
    touched,
    verify,
    writing,
)
from stanchion.store.compile import Compiled, DialectName, compile_statement, upsert
from stanchion.store.conditions import conditions
from stanchion.store.expressions import FilterPlace
from stanchion.store.guard import UnscopedStatement
from stanchion.store.tables import ENTITY_TABLES, TENANT_OWNED, changes, meta, metadata, tenants, tombstones
from stanchion.store.transfer import contents
from tests.conftest import Statements
from tests.databases import AnyStore
from tests.store.statements import unscoped

# SQLAlchemy sees too that the planted INSERT lacks part of its key.
pytestmark = pytest.mark.filterwarnings("ignore:Column 'tombstones.tenant_id' is marked:Warning")

SCORES, DECISIONS = ENTITY_TABLES["secureScores"], ENTITY_TABLES["decisions"]
MINE, THEIRS = SCORES.alias("mine"), SCORES.alias("theirs")
TENANT: BindParameter[str] = bindparam("tenant_id")

UNSCOPED: dict[str, ClauseElement] = {
    "no predicate": select(SCORES.c.id),
    "another predicate": select(SCORES.c.id).where(SCORES.c.id == bindparam("id")),
    "a place for a filter": select(SCORES.c.id).where(FilterPlace()),
    "another parameter": select(SCORES.c.id).where(SCORES.c.tenant_id == bindparam("other")),
    "a list of tenants": select(SCORES.c.id).where(SCORES.c.tenant_id.in_(select(tenants.c.tenant_id))),
    "one table of a join": select(SCORES.c.id)
    .join_from(SCORES, DECISIONS, SCORES.c.id == DECISIONS.c.control_id)
    .where(SCORES.c.tenant_id == TENANT),
    "one alias of two": select(MINE.c.id, THEIRS.c.id).where(MINE.c.tenant_id == TENANT),
    "a subquery": select(meta.c.value).where(exists(select(SCORES.c.id).where(SCORES.c.id == meta.c.key))),
    "one part of a union": union_all(
        select(SCORES.c.id).where(SCORES.c.tenant_id == TENANT), select(tombstones.c.id)
    ),
    "a common table expression": select(select(SCORES.c.id).cte("all_scores").c.id),
    "an update": update(tenants).values(name=bindparam("new_name")),
    "a delete": delete(tombstones).where(tombstones.c.id == bindparam("id")),
    "an update from another table": update(tenants)
    .where(tenants.c.tenant_id == TENANT, SCORES.c.id == bindparam("id"))
    .values(name=SCORES.c.id),
    "a delete using another table": delete(tombstones).where(
        tombstones.c.tenant_id == TENANT, tombstones.c.id == SCORES.c.id
    ),
    "an alias of an alias": select(MINE.alias("again").c.id),
    "a sample": select(tablesample(SCORES, func.bernoulli(bindparam("share")), name="sample").c.id),
    "a join in brackets": select(meta.c.value).select_from(
        join(meta, join(SCORES, DECISIONS, SCORES.c.id == DECISIONS.c.control_id), SCORES.c.id == meta.c.key)
    ),
    "an insert": insert(tombstones).values(
        entity_set=bindparam("entity_set"), id=bindparam("id"), version=bindparam("version")
    ),
}

# What only the tree shows: the words are there, but they do not bind.
HIDDEN: dict[str, ClauseElement] = {
    "a move to another tenant": update(tombstones)
    .where(tombstones.c.tenant_id == TENANT)
    .values(tenant_id=bindparam("other")),
    "a move to another tenant, by a column": update(tombstones)
    .where(tombstones.c.tenant_id == TENANT)
    .values({tombstones.c.tenant_id: bindparam("other")}),
    "a move by an insert": sqlite.insert(tombstones).on_conflict_do_update(
        index_elements=["tenant_id", "entity_set", "id"], set_={"tenant_id": bindparam("other")}
    ),
    "an update of every column": update(tombstones).where(tombstones.c.tenant_id == TENANT),
    "one side of an or": select(SCORES.c.id).where(or_(SCORES.c.tenant_id == TENANT, SCORES.c.id == "x")),
    "a negation": select(SCORES.c.id).where(~(SCORES.c.tenant_id == TENANT)),
    "text": text("SELECT secure_scores.id FROM secure_scores WHERE secure_scores.tenant_id = :tenant_id"),
    "literal SQL": select(literal_column("(SELECT max(id) FROM decisions)")),
    "insert from select": insert(changes).from_select(
        ["tenant_id", "sequence"],
        select(changes.c.tenant_id, changes.c.sequence).where(changes.c.tenant_id == TENANT),
    ),
}


@pytest.mark.parametrize("statement", [*UNSCOPED.values(), *HIDDEN.values()], ids=[*UNSCOPED, *HIDDEN])
def test_a_statement_that_lacks_its_tenant_is_refused_before_it_is_compiled(statement: ClauseElement) -> None:
    with pytest.raises(UnscopedStatement):
        compile_statement(statement)


@pytest.mark.parametrize("statement", UNSCOPED.values(), ids=UNSCOPED)
def test_a_statement_that_lacks_its_tenant_is_seen_in_the_log(statement: ClauseElement) -> None:
    assert unscoped(str(statement.compile())) is not None


GOOD: list[ClauseElement] = [
    select(func.count()).select_from(SCORES).where(SCORES.c.tenant_id == TENANT),
    select(MINE.c.id, THEIRS.c.id).where(MINE.c.tenant_id == TENANT, THEIRS.c.tenant_id == TENANT),
    select(meta.c.value),
    insert(tombstones),
    upsert(SCORES),
    delete(tombstones).where(tombstones.c.tenant_id == TENANT, tombstones.c.id == bindparam("id")),
]


@pytest.mark.parametrize("statement", GOOD)
def test_a_statement_that_names_its_tenant_passes_both(statement: ClauseElement) -> None:
    assert unscoped(compile_statement(statement).sql) is None


def test_a_statement_for_the_fleet_says_why() -> None:
    compiled = compile_statement(select(tenants.c.tenant_id), fleet="operators list all tenants")
    assert compiled.sql.startswith("/* fleet: operators list all tenants */ SELECT")
    assert unscoped(compiled.sql) is None


def test_a_value_in_the_place_of_a_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="Values stand where parameters belong"):
        compile_statement(select(meta.c.value).where(meta.c.key == "epoch"))


def test_a_quoted_word_does_not_deceive_the_text_check() -> None:
    assert unscoped("SELECT id FROM decisions WHERE id = 'decisions.tenant_id = ?'") == "decisions"


def test_all_tables_but_the_stores_own_are_tenant_owned() -> None:
    assert set(metadata.tables) - TENANT_OWNED == {"meta", "clients", "issuers", "signing_keys"}


def queries(entity_set: EntitySet) -> Iterator[ListQuery]:
    """A first page and later ones, in the set's order and in one without a column, before and after nulls."""
    unindexed = PropertyKey(("remediation",), Primitive("Edm.String"), None, descending=True)
    for order in (default_order(entity_set), total_order(entity_set, (unindexed,))):
        first = ListQuery(entity_set, "beta", order)
        yield first
        yield replace(first, after=tuple("x" for _ in order))
        yield replace(first, after=(*(None for _ in order[1:]), "x"))


def filters(entity_set: EntitySet) -> Iterator[Filter]:
    """A filter of columns, one of the body, and one of a collection where the set has any."""
    texts = [
        "id eq 'tenants' or vendorInformation/vendor eq 'x'",
        "azureTenantId eq 'decisions.tenant_id = ?'",
    ]
    collections = [prop.name for prop in entity_set.type.properties if isinstance(prop.type, Collection)]
    texts += [f"{name}/any() and not {name}/any(x:x eq null)" for name in collections]
    for asked in texts if entity_set is not edm.DECISIONS else ["id eq 'x' and approver eq 'y'"]:
        yield parse_filter(asked, entity_set, aliases={})


def delta_statements(dialect: DialectName) -> Iterator[Compiled]:
    for entity_set in edm.GRAPH_SETS:
        yield deltas.written_statement(entity_set, dialect=dialect)
        yield deltas.written_statement(entity_set, limited=True, dialect=dialect)
        yield deltas.departed_statement(entity_set, dialect)
    yield deltas.gone_statement(dialect)


def fleet_statements(dialect: DialectName) -> Iterator[Compiled]:
    yield fleet.tenant_count_statement(dialect)
    yield fleet.count_statement(SCORES, dialect)
    yield fleet.providers_statement(dialect)
    yield fleet.silent_statement(dialect)
    yield fleet.silent_count_statement(dialect)


def transfer_statements(dialect: DialectName) -> Iterator[Compiled]:
    for table in contents.TENANT_TABLES:
        yield contents.rows_statement(table, dialect)
        yield contents.clear_statement(table, dialect)
    for table in contents.OWN_TABLES:
        yield contents.whole_statement(table, dialect)
        yield contents.clear_own_statement(table, dialect)
    yield contents.clear_statement(metadata.tables["dictionaries"], dialect)
    yield contents.whole_statement(tenants, dialect)
    yield purpose.unmark_statement(dialect)


def proving_statements(dialect: DialectName) -> Iterator[Compiled]:
    yield verify.chain_statement(dialect)
    yield verify.lost_details_statement(dialect)
    yield verify.tombstones_statement(dialect)
    yield verify.departures_statement(dialect)
    yield sampling.changes_statement(dialect)
    yield sampling.link_statement(dialect)
    yield sampling.tombstone_statement(dialect)


def dictionary_statements() -> Iterator[Compiled]:
    yield dictionaries.dictionary_statement()
    yield dictionaries.ids_statement()
    yield dictionaries.known_statement()
    yield dictionaries.upsert_statement()
    yield dictionaries.forget_statement()
    yield keeping.last_statement()
    yield keeping.named_statement()
    yield keeping.count_statement()
    yield keeping.scores_statement()


def removal_statements(dialect: DialectName) -> Iterator[Compiled]:
    for table in erasure.TABLES:
        yield erasure.count_statement(table, dialect)
        for further in (False, True):
            yield erasure.keys_statement(table, further=further, dialect=dialect)
            yield erasure.range_statement(table, further=further, dialect=dialect)
    for further in (False, True):
        yield erasure.blank_statement(changes, further=further, dialect=dialect)
    yield erasure.hashes_statement(dialect)
    yield erasure.details_statement(dialect)
    yield erasure.detail_statement(dialect)
    yield erasure.clear_clients_statement(dialect)
    yield erasure.clear_issuers_statement(dialect)
    yield retention.old_scores_statement(dialect)
    yield retention.old_count_statement(dialect)
    yield retention.old_changes_statement(dialect)
    yield retention.versions_statement(dialect)
    yield writing.tenant_row_statement(dialect)


def every_statement(dialect: DialectName) -> Iterator[Compiled]:
    for entity_set in ENTITY_SETS.values():
        yield reading.entities_statement(entity_set, dialect)
        yield reading.chunk_statement(entity_set, dialect)
        yield verify.bodies_statement(entity_set, dialect)
        yield sampling.entity_statement(entity_set, dialect)
        yield touched.touched_statement(entity_set, dialect)
        yield writing.delete_statement(entity_set, dialect)
        yield writing.upsert_statement(ENTITY_TABLES[entity_set.name], dialect)
        yield pages.count_statement(entity_set, dialect=dialect)
        for asked in filters(entity_set):
            yield pages.filtered_count_statement(entity_set, asked.tree, dialect=dialect)
        filtered = (
            ListQuery(entity_set, "beta", default_order(entity_set), filter=asked)
            for asked in filters(entity_set)
        )
        for query in (*queries(entity_set), *filtered):
            yield pages.page_statement(query, dialect=dialect)
            yield pages.joined_statement(query, dialect=dialect)
            yield pages.keys_statement(query, dialect=dialect)
            yield pages.plan_statement(query, dialect=dialect)
            yield pages.named_statement(query, dialect=dialect)
    for table in metadata.tables.values():
        yield writing.insert_statement(table, dialect)
    yield from transfer_statements(dialect)
    yield reading.history_statement(dialect)
    yield reading.latest_decision_statement(dialect)
    yield reading.ids_beside_statement(CONTROL_PROFILES, dialect)
    yield reading.ids_beside_statement(ENTITY_SETS["decisions"], dialect)
    yield reading.newest_score_statement(dialect)
    yield reading.head_statement(dialect)
    yield rows.tenant_statement(dialect)
    yield rows.tenants_statement(dialect)
    yield from (rows.clients_statement(dialect, of_tenant=each) for each in (False, True))
    yield rows.signing_keys_statement(dialect)
    yield rows.issuers_statement(dialect)
    yield from fleet_statements(dialect)
    yield from delta_statements(dialect)
    yield touched.decided_statement(dialect)
    yield touched.deleted_statement(dialect)
    yield from proving_statements(dialect)
    yield inspection.last_change_statement(dialect)
    yield from removal_statements(dialect)
    if dialect == "sqlite":
        yield from dictionary_statements()
    yield writing.head_statement(dialect)
    yield writing.forget_tombstones_statement(dialect)
    yield writing.revision_statement(dialect)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_statement_of_the_store_passes_both_guards_on_both_databases(dialect: DialectName) -> None:
    assert [compiled.sql for compiled in every_statement(dialect) if unscoped(compiled.sql)] == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_no_filter_names_a_table(dialect: DialectName) -> None:
    found = [
        conditions(each.tree, ENTITY_TABLES[entity_set.name], dialect)
        for entity_set in ENTITY_SETS.values()
        for each in filters(entity_set)
    ]
    tables = re.compile(rf"\b({'|'.join(metadata.tables)})\b(?!\.)")
    assert [sql for sql in found if tables.search(re.sub(r"'[^']*'", "?", sql))] == []


def test_a_planted_statement_is_seen_in_the_log_of_what_was_run(
    store: AnyStore, statements: Statements
) -> None:
    planted = "SELECT d.id FROM decisions AS d WHERE d.tenant_id IN ('one', 'd.tenant_id = ?')"
    with store.reading() as connection:
        connection.fetch(Compiled(planted, ()), {})
        assert unscoped(statements.ran.pop()) == "d"
