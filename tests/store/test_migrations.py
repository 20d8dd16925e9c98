"""The migrated schema and the models agree, on SQLite and on PostgreSQL."""

import asyncio
import logging
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias, TypeVar

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    Float,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    create_engine,
    insert,
    make_url,
    select,
)
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from stanchion.errors import OperatorError
from stanchion.store import SQLiteStore, migrate, revisions
from stanchion.store.postgresql.migrate import migrate_postgresql
from stanchion.store.postgresql.url import sqlalchemy_url
from stanchion.store.revisions import config
from stanchion.store.tables import ENTITY_TABLES, HEAD_REVISION, REVISIONS, TENANT_OWNED, metadata
from tests.store.commands import TENANT
from tests.store.conftest import closing_now
from tests.store.postgresql import server
from tests.store.test_guard import every_statement

T = TypeVar("T")

MAX_NAME = 50  # PostgreSQL cuts names at 63; Citus adds a number of its own.


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL database with our schema; one server for all tests."""
    with server() as url:
        asyncio.run(migrate_postgresql(url))
        yield url


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, metadata))


def test_the_revisions_named_are_those_that_exist() -> None:
    script = ScriptDirectory.from_config(config())
    assert tuple(revision.revision for revision in reversed(list(script.walk_revisions()))) == REVISIONS
    assert script.get_heads() == [HEAD_REVISION]


@pytest.mark.sqlite("its schema is read from the file")
@pytest.mark.sqlite("has a counterpart for PostgreSQL in this module")
def test_models_and_migrated_schema_agree_on_sqlite(store: SQLiteStore) -> None:
    engine = create_engine(f"sqlite:///{store.path}", poolclass=NullPool)
    with engine.connect() as connection:
        assert differences(connection) == []


@pytest.mark.sqlite("its schema is read from the file")
@pytest.mark.sqlite("has a counterpart for PostgreSQL in this module")
def test_keys_and_constraints_have_the_same_names_on_sqlite_as_in_the_models(store: SQLiteStore) -> None:
    sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name <> 'alembic_version'"
    # SQLite puts the name of a table that was made anew, and then renamed, in quotes.
    migrated = {
        re.sub(r'TABLE "(\w+)"', r"TABLE \1", re.sub(r"\s+", " ", row[0]))
        for row in store._reader.execute(sql)
    }
    with closing(sqlite3.connect(":memory:")) as made:
        engine = create_engine("sqlite://", creator=lambda: made)
        metadata.create_all(engine)
        assert {re.sub(r"\s+", " ", row[0]) for row in made.execute(sql)} == migrated
        engine.dispose()


@pytest.mark.sqlite("its schema is read from the file")
@pytest.mark.sqlite("has a counterpart for PostgreSQL in this module")
def test_migrating_again_changes_nothing(store: SQLiteStore) -> None:
    def schema() -> list[tuple[object, ...]]:
        return store._reader.execute("SELECT * FROM sqlite_schema").fetchall()

    before = schema()
    SQLiteStore.open(store.path).close_now()
    assert schema() == before


def test_a_migration_that_was_killed_left_an_empty_file_and_runs_again(path: Path) -> None:
    path.touch()
    SQLiteStore.open(path).close_now()


REBUILD = """
    with op.batch_alter_table("tenants", recreate="always") as tenants:
        tenants.add_column(sa.Column("note", sa.Text()))
"""
LOSE = """
    op.execute("DELETE FROM tenants")
"""


@pytest.fixture
def next_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Callable[[str], None]:
    """Add a revision with some body after the newest, as if it were ours."""
    caplog.set_level(logging.INFO, logger="stanchion.sql")  # Migrations alone read the rows of all tenants.
    folder = tmp_path / "migrations"
    shutil.copytree(revisions.MIGRATIONS, folder)
    monkeypatch.setattr(revisions, "MIGRATIONS", folder)
    monkeypatch.setattr(migrate, "REVISIONS", (*REVISIONS, "next"))
    monkeypatch.setattr(migrate, "HEAD_REVISION", "next")

    def write(body: str) -> None:
        names = f'revision = "next"\ndown_revision = "{HEAD_REVISION}"\n'
        head = f"import sqlalchemy as sa\nfrom alembic import op\n{names}"
        (folder / "versions" / "next.py").write_text(f"{head}def upgrade():{body}")

    return write


def test_a_table_on_which_others_depend_can_be_made_anew(
    path: Path, template_file: Path, next_revision: Callable[[str], None]
) -> None:
    shutil.copy(template_file, path)
    next_revision(REBUILD)
    with closing_now(SQLiteStore.open(path)) as store:
        assert [row.name for row in store.tenants()] == ["Alder Quay", "Brinewood"]
        assert store._writer.execute("PRAGMA foreign_keys").fetchall() == [(1,)]
        with pytest.raises(sqlite3.IntegrityError):
            store._writer.execute("/* fleet: test */ DELETE FROM tenants")


def test_a_migration_that_loses_rows_on_which_others_depend_is_taken_back(
    path: Path, template_file: Path, next_revision: Callable[[str], None]
) -> None:
    shutil.copy(template_file, path)
    next_revision(LOSE)
    with pytest.raises(OperatorError, match="without those of tenants"):
        SQLiteStore.open(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM tenants").fetchall() == [(3,)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD_REVISION,)]


FORMER = [revision for revision in REVISIONS if revision != HEAD_REVISION]
Rows: TypeAlias = dict[str, list[dict[str, object]]]


def make_former(connection: Connection, revision: str) -> Rows:
    """Make a database as an earlier release left it, with a row in each table; return the rows."""
    command.upgrade(config(connection), revision)
    former = MetaData()
    former.reflect(connection)
    for table in former.sorted_tables:
        if table.name != "alembic_version":
            connection.execute(insert(table), {column.name: something(column) for column in table.c})
    return rows_of(connection)


def something(column: Column[object]) -> object:
    match column.type:
        case Text():
            return TENANT if column.name == "tenant_id" else f"é {column.name}"
        case LargeBinary():
            return b"bytes"
        case Boolean():
            return True
        case Double() | Float():
            return 1.5
        case _:
            return 7


def rows_of(connection: Connection) -> Rows:
    present = MetaData()
    present.reflect(connection)
    return {
        table.name: [dict(row._mapping) for row in connection.execute(select(table))]
        for table in present.sorted_tables
        if table.name != "alembic_version"
    }


def assert_kept(former: Rows, present: Rows) -> None:
    """Assert that every row is there, with nothing in the columns that are new, beside those of a new store."""
    assert set(present) == set(metadata.tables)
    for table, rows in present.items():
        names = {column.name for column in metadata.tables[table].columns}
        kept = [
            {name: value for name, value in row.items() if name in names} for row in former.get(table, [])
        ]
        expected = [{**dict.fromkeys(names), **row} for row in kept]
        assert [row for row in rows if row in expected] == expected, table


@pytest.mark.parametrize("revision", FORMER)
def test_a_store_of_an_earlier_release_keeps_its_rows_on_sqlite(path: Path, revision: str) -> None:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        former = make_former(connection, revision)
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        migrate.migrate_sqlite(opened, path=path)
    with engine.connect() as connection:
        assert_kept(former, rows_of(connection))
        assert differences(connection) == []
    SQLiteStore.open(path).close_now()


@pytest.mark.postgres
@pytest.mark.parametrize("revision", FORMER)
def test_a_database_of_an_earlier_release_keeps_its_rows_on_postgresql(
    postgresql: str, revision: str
) -> None:
    name = f"former_{revision}"
    asyncio.run(fetch(postgresql, f"CREATE DATABASE {name}"))
    url = make_url(postgresql).set(database=name).render_as_string(hide_password=False)

    async def run(work: Callable[[Connection], T]) -> T:
        engine = create_async_engine(sqlalchemy_url(url), poolclass=NullPool)
        async with engine.begin() as connection:
            return await connection.run_sync(work)

    former = asyncio.run(run(lambda connection: make_former(connection, revision)))
    asyncio.run(migrate_postgresql(url, facts=False))
    assert_kept(former, asyncio.run(run(rows_of)))
    assert asyncio.run(run(differences)) == []


@pytest.mark.postgres
def test_models_and_migrated_schema_agree_on_postgresql(postgresql: str) -> None:
    async def compare() -> list[object]:
        engine = create_async_engine(sqlalchemy_url(postgresql), poolclass=NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(differences)

    assert asyncio.run(compare()) == []


async def fetch(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


@pytest.mark.postgres
def test_text_compares_by_code_point_on_postgresql(postgresql: str) -> None:
    sql = """
        SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    """
    columns = asyncio.run(fetch(postgresql, sql))
    texts = {(table, name): collation for table, name, kind, collation in columns if kind == "text"}
    assert len(texts) > 40
    assert {place: collation for place, collation in texts.items() if collation != "C"} == {}
    assert {kind for _, _, kind, _ in columns} == {
        "text",
        "bigint",
        "integer",
        "double precision",
        "boolean",
        "bytea",
    }


@pytest.mark.postgres
def test_migrating_postgresql_again_changes_nothing(postgresql: str) -> None:
    asyncio.run(migrate_postgresql(postgresql))
    assert asyncio.run(fetch(postgresql, "SELECT version_num FROM alembic_version")) == [(HEAD_REVISION,)]


@pytest.mark.postgres
def test_bodies_of_some_kilobytes_lie_in_their_rows_as_they_are_on_postgresql(postgresql: str) -> None:
    sql = "SELECT relname FROM pg_class WHERE 'toast_tuple_target=4080' = ANY (reloptions)"
    found = {name for (name,) in asyncio.run(fetch(postgresql, sql))}
    assert found == {*(table.name for table in ENTITY_TABLES.values()), "change_details"}


@pytest.mark.postgres
def test_postgresql_accepts_every_statement_of_the_store(postgresql: str) -> None:
    async def prepare() -> None:
        connection = await asyncpg.connect(postgresql)
        try:
            for compiled in every_statement("postgresql"):
                prepared = await connection.prepare(compiled.sql)
                assert len(prepared.get_parameters()) == len(compiled.parameters)
        finally:
            await connection.close()

    asyncio.run(prepare())


@pytest.mark.parametrize("table", sorted(TENANT_OWNED))
def test_every_key_of_a_tenant_owned_table_begins_with_the_tenant(table: str) -> None:
    described = metadata.tables[table]
    keys = [described.primary_key.columns, *(index.columns for index in described.indexes)]
    for constraint in described.constraints:
        match constraint:
            case UniqueConstraint():
                keys.append(constraint.columns)
            case ForeignKeyConstraint():
                keys.append(constraint.columns)
                assert next(iter(constraint.elements)).column.name == "tenant_id"
                assert constraint.ondelete == "RESTRICT"
            case _:
                pass
    assert {next(iter(key)).name for key in keys} == {"tenant_id"}
    assert not described.c.tenant_id.nullable


def test_every_constraint_and_index_has_a_short_name() -> None:
    tables = metadata.tables.values()
    names = [str(constraint.name) for table in tables for constraint in table.constraints]
    names += [str(index.name) for table in tables for index in table.indexes]
    assert [name for name in names if name == "None" or len(name) >= MAX_NAME] == []
    assert len(set(names)) == len(names)
