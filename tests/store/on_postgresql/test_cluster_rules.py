"""What a table must be like to be spread over a cluster, read from the catalogue of the migrated schema.

A migration that makes a table otherwise fails here, long before it meets a cluster.
"""

from collections.abc import Iterator

import pytest

from stanchion.store.postgresql.placement import LOCAL, spread_tables
from tests.databases import Database, Databases

pytestmark = pytest.mark.postgres

# Citus adds the number of a piece to each name, and hashes what is too long then.
LONGEST_NAME = 50
_SPREAD = set(spread_tables())


@pytest.fixture(scope="module")
def schema(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with our schema and nothing else."""
    made = databases.postgresql.make()
    databases.postgresql.migrate(made)
    yield Database("postgresql", made.url, tmp_path_factory.mktemp("schema"), made.ask)
    databases.postgresql.drop(made)


def catalogue(schema: Database, sql: str) -> list[tuple[object, ...]]:
    return schema.execute(sql.replace("OURS", "relnamespace = CAST('public' AS regnamespace)"))


def test_every_table_is_spread_or_stays_for_a_reason(schema: Database) -> None:
    tables = {
        name
        for (name,) in catalogue(schema, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND OURS")
    }
    assert tables == _SPREAD | set(LOCAL)


def test_the_tenant_is_there_in_each_row_by_one_type_and_the_first_column(schema: Database) -> None:
    sql = """
        SELECT c.relname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
        WHERE c.relkind = 'r' AND a.attname = 'tenant_id' AND OURS
    """
    found = {str(name): (number, *kind) for name, number, *kind in catalogue(schema, sql)}
    assert {name: found[name] for name in _SPREAD} == dict.fromkeys(_SPREAD, (1, "text", True, "C"))


def test_every_key_and_unique_index_begins_with_the_tenant(schema: Database) -> None:
    sql = """
        SELECT t.relname, c.relname, i.indisprimary, i.indisunique,
        (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = i.indkey[0])
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
        WHERE t.relnamespace = CAST('public' AS regnamespace)
    """
    indexes = [row for row in catalogue(schema, sql) if row[0] in _SPREAD]
    assert {index for table, index, *_, first in indexes if first != "tenant_id"} == set()
    assert {table for table, _, primary, *_ in indexes if primary} == _SPREAD


def test_what_excludes_others_by_anything_but_a_key_is_not_there(schema: Database) -> None:
    assert catalogue(schema, "SELECT conname FROM pg_constraint WHERE contype = 'x'") == []


def test_a_reference_is_to_the_same_tenants_row_of_a_table_that_is_spread(schema: Database) -> None:
    sql = """
        SELECT n.conname, t.relname, p.relname, n.confdeltype, n.confupdtype,
        (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = n.conkey[1]),
        (SELECT attname FROM pg_attribute WHERE attrelid = p.oid AND attnum = n.confkey[1])
        FROM pg_constraint AS n JOIN pg_class AS t ON t.oid = n.conrelid JOIN pg_class AS p ON p.oid = n.confrelid
        WHERE n.contype = 'f' AND t.relnamespace = CAST('public' AS regnamespace)
    """
    references = catalogue(schema, sql)
    assert {table for _, table, *_ in references} == _SPREAD - {"tenants"}
    for name, table, parent, on_delete, on_update, own, theirs in references:
        assert {table, parent} <= _SPREAD, name
        assert (own, theirs) == ("tenant_id", "tenant_id"), name
        # RESTRICT, CASCADE and NO ACTION; a tenant is never renamed.
        assert on_delete in {b"r", b"c", b"a"}, name
        assert on_update == b"a", name


def test_every_name_is_short(schema: Database) -> None:
    sql = """
        SELECT relname FROM pg_class WHERE relkind IN ('r', 'i', 'S', 'v', 'm') AND OURS
        UNION SELECT conname FROM pg_constraint WHERE connamespace = CAST('public' AS regnamespace)
    """
    names = [str(name) for (name,) in catalogue(schema, sql)]
    assert [name for name in names if len(name) >= LONGEST_NAME] == []


@pytest.mark.parametrize(
    ("what", "sql"),
    [
        ("sequences", "SELECT relname FROM pg_class WHERE relkind = 'S' AND OURS"),
        (
            "columns with an identity, a default or an expression",
            (
                "SELECT attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
                "WHERE c.relkind = 'r' AND a.attnum > 0 AND (a.atthasdef OR a.attidentity <> '') AND OURS"
            ),
        ),
        (
            "triggers",
            (
                "SELECT tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid "
                "WHERE NOT t.tgisinternal AND OURS"
            ),
        ),
        ("rules and views", "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND OURS"),
        (
            "row policies",
            "SELECT relname FROM pg_class WHERE (relrowsecurity OR relforcerowsecurity) AND OURS",
        ),
        (
            "functions",
            "SELECT proname FROM pg_proc WHERE pronamespace = CAST('public' AS regnamespace)",
        ),
        (
            "checks",
            (
                "SELECT conname FROM pg_constraint WHERE contype = 'c' "
                "AND connamespace = CAST('public' AS regnamespace)"
            ),
        ),
    ],
)
def test_a_table_needs_nothing_that_a_cluster_refuses(schema: Database, what: str, sql: str) -> None:
    assert catalogue(schema, sql) == [], what
