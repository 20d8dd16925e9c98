"""Bringing a database up to date beside others who do the same: one at a time, all or nothing."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import asyncpg
import pytest
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from stanchion.errors import OperatorError
from stanchion.store.compile import DialectName
from stanchion.store.migrate import Migrated
from stanchion.store.postgresql.url import sqlalchemy_url
from stanchion.store.revisions import config
from stanchion.store.schema import migrate, rehearse
from stanchion.store.tables import HEAD_REVISION
from tests.databases import Database, Databases
from tests.serving.process import STANCHION, clean_environment

_FORMER = "0003"


@pytest.fixture
def empty(databases: Databases, dialect: DialectName, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    with databases.new(dialect, tmp_path) as database:
        yield database


@pytest.fixture
def postgresql(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """A database without tables on PostgreSQL."""
    with databases.new("postgresql", tmp_path) as database:
        yield database


@pytest.fixture
def former(postgresql: Database) -> Database:
    """A database on PostgreSQL of an earlier schema."""

    async def make() -> None:
        engine = create_async_engine(sqlalchemy_url(postgresql.url), poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.run_sync(lambda opened: command.upgrade(config(opened), _FORMER))
        await engine.dispose()

    asyncio.run(make())
    return postgresql


@contextmanager
def locked(database: Database, table: str) -> Iterator[None]:
    """Hold a lock on a table for the block, as a transaction of a server does."""
    release, held = Event(), Event()

    async def hold() -> None:
        connection = await asyncpg.connect(database.url)
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
            held.set()
            await asyncio.to_thread(release.wait)
        await connection.close()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(lambda: asyncio.run(hold()))
        assert held.wait(30)
        try:
            yield
        finally:
            release.set()
            holding.result(30)


def revision(database: Database) -> str:
    (row,) = database.execute("SELECT version_num FROM alembic_version")
    return str(row[0])


def test_migrating_tells_from_where_to_where(empty: Database) -> None:
    assert migrate(empty.url) == Migrated(None, HEAD_REVISION)
    assert migrate(empty.url) == Migrated(HEAD_REVISION, HEAD_REVISION)


def test_a_rehearsal_gives_the_sql_and_leaves_nothing(empty: Database) -> None:
    migrated, sql = rehearse(empty.url, patience_seconds=5)

    assert migrated == Migrated(None, HEAD_REVISION)
    assert any(statement.startswith("CREATE TABLE tenants") for statement in sql)
    assert any(HEAD_REVISION in statement for statement in sql)
    assert migrate(empty.url).former is None


def test_of_a_database_that_is_up_to_date_there_is_nothing_to_rehearse(empty: Database) -> None:
    migrate(empty.url)

    assert rehearse(empty.url, patience_seconds=5) == (Migrated(HEAD_REVISION, HEAD_REVISION), [])


def test_a_newer_schema_is_refused(empty: Database) -> None:
    migrate(empty.url)
    empty.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(OperatorError, match="newer Stanchion"):
        migrate(empty.url)
    with pytest.raises(OperatorError, match="newer Stanchion"):
        rehearse(empty.url, patience_seconds=5)


@pytest.mark.postgres
def test_the_sql_of_a_rehearsal_begins_at_the_present_schema(former: Database) -> None:
    migrated, sql = rehearse(former.url, patience_seconds=5)

    assert migrated == Migrated(_FORMER, HEAD_REVISION)
    assert not any(statement.startswith("CREATE TABLE tenants") for statement in sql)
    assert revision(former) == _FORMER


@pytest.mark.postgres
def test_of_two_that_migrate_at_once_the_second_finds_nothing_to_do(postgresql: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        migrated = list(pool.map(migrate, [postgresql.url] * 4))

    assert sorted(each.former or "" for each in migrated) == ["", *[HEAD_REVISION] * 3]
    assert postgresql.execute("SELECT count(*) FROM changes") == [(1,)]


@pytest.mark.postgres
def test_it_waits_no_longer_than_it_was_told_and_changes_nothing(former: Database) -> None:
    with locked(former, "clients"), pytest.raises(OperatorError, match="--timeout"):
        migrate(former.url, patience_seconds=0.2)
    assert revision(former) == _FORMER

    assert migrate(former.url).former == _FORMER


@pytest.mark.postgres
def test_what_is_killed_in_the_middle_leaves_nothing(former: Database) -> None:
    with locked(former, "clients"):
        process = subprocess.Popen(
            [*STANCHION, "migrate", "--database", former.url],
            env=clean_environment(),
            stderr=subprocess.DEVNULL,
        )
        _wait_for_lock(former)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
    end = time.monotonic() + 30
    while _others(former) and time.monotonic() < end:
        time.sleep(0.05)

    assert revision(former) == _FORMER
    assert former.execute("SELECT to_regclass('_alembic_tmp_clients') IS NULL") == [(True,)]
    assert migrate(former.url).former == _FORMER


def _wait_for_lock(database: Database) -> None:
    """Wait until somebody waits for a lock on a table, in the middle of a migration."""
    asked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
    end = time.monotonic() + 60
    while database.execute(asked) == [(0,)]:
        assert time.monotonic() < end, "Nobody waited."
        time.sleep(0.05)


def _others(database: Database) -> int:
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    (row,) = database.execute(asked)
    return int(row[0])
