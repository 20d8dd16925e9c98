"""Opening a PostgreSQL database: what is refused, in one sentence without a password, and what is set."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from stanchion.errors import OperatorError
from stanchion.store import PostgresStore
from stanchion.store.postgresql.opening import Access
from stanchion.store.postgresql.url import connect_arguments, is_postgresql, shown_database
from tests.databases import Database, Databases

on_a_server = [
    pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="module"),
    pytest.mark.postgres,
]


def with_mark(test: Callable[..., None]) -> Callable[..., None]:
    for mark in on_a_server:
        test = mark(test)
    return test


def refusal(url: str) -> str:
    with pytest.raises(OperatorError) as refused:
        PostgresStore.open(url)
    assert "\n" not in refused.value.message
    return refused.value.message


def other(url: str, *, database: str | None = None, username: str | None = None) -> str:
    return make_url(url).set(database=database, username=username).render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("postgresql://localhost/stanchion", True),
        ("postgres://localhost/stanchion", True),
        ("sqlite:///stanchion.db", False),
        ("stanchion.db", False),
        ("postgresql", False),
    ],
)
def test_a_database_of_postgresql_is_known_by_its_scheme(database: str, *, expected: bool) -> None:
    assert is_postgresql(database) is expected


@pytest.mark.parametrize(
    ("url", "arguments"),
    [
        (
            "postgresql://u:p@h:55/db",
            {"host": "h", "port": 55, "user": "u", "password": "p", "database": "db"},
        ),
        ("postgresql://u@/db?host=/run/pg", {"host": "/run/pg", "user": "u", "database": "db"}),
        ("postgresql://h/db?sslmode=verify-full", {"host": "h", "database": "db", "ssl": "verify-full"}),
        ("postgresql://u:p%40x@[::1]/db", {"host": "::1", "user": "u", "password": "p@x", "database": "db"}),
    ],
)
def test_a_url_says_how_to_connect(url: str, arguments: dict[str, object]) -> None:
    assert connect_arguments(url) == arguments


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://h/db?options=-csynchronous_commit=off", "parameter 'options'; allowed are host,"),
        ("postgresql://h/db?synchronous_commit=off", "parameter 'synchronous_commit'; allowed are host,"),
        ("postgresql://u:secret@h:port/db", "The PostgreSQL URL cannot be read"),
    ],
)
def test_a_url_that_asks_for_what_is_not_allowed_is_refused(url: str, message: str) -> None:
    told = refusal(url)
    assert message in told
    assert "secret" not in told


def test_what_is_shown_of_a_database_has_no_password() -> None:
    assert shown_database("postgresql://u:secret@h:55/db") == "PostgreSQL database db on h:55"


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    told = refusal(f"postgresql://u:secret@/db?host={tmp_path}")
    assert told.startswith(f"The PostgreSQL database db on {tmp_path} cannot be used: it cannot be reached: ")
    assert "secret" not in told


def test_an_authority_whose_certificate_is_not_here_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    told = refusal("postgresql://u:secret@localhost:1/db?sslmode=verify-full")
    assert told.endswith("name its file by PGSSLROOTCERT, or copy it to ~/.postgresql/root.crt.")
    assert "secret" not in told


@with_mark
def test_a_user_who_may_not_read_the_tables_is_told(database: Database) -> None:
    name = "reads_nothing_here"
    database.execute(f"CREATE ROLE {name} LOGIN")
    try:
        assert "permission denied for table alembic_version; the owner of the tables can GRANT it" in refusal(
            other(database.url, username=name)
        )
    finally:
        database.execute(f"DROP ROLE {name}")


@with_mark
def test_a_database_that_is_not_there_is_told(url: str) -> None:
    assert "there is no such database; `createdb` makes it" in refusal(other(url, database="nowhere"))


@with_mark
def test_a_user_who_is_not_there_is_told(url: str) -> None:
    assert "cannot be used: " in refusal(other(url, username="nobody_here"))


@pytest.mark.postgres
def test_an_empty_database_is_refused_naming_migrate(databases: Databases, tmp_path: Path) -> None:
    with databases.new("postgresql", tmp_path) as empty:
        assert "has no schema yet; `stanchion migrate` makes it." in refusal(empty.url)


@with_mark
@pytest.mark.parametrize(
    ("revision", "message"),
    [
        (
            "0002",
            "has the schema 0002 of an older Stanchion, and .* is needed; `stanchion migrate` brings it",
        ),
        ("9999", r"was made by a newer Stanchion \(schema 9999; this one knows "),
    ],
)
def test_another_schema_is_refused(database: Database, revision: str, message: str) -> None:
    database.execute("UPDATE alembic_version SET version_num = $1", revision)
    with pytest.raises(OperatorError, match=message):
        PostgresStore.open(database.url)


@with_mark
def test_another_encoding_is_refused(database: Database) -> None:
    name = "in_another_encoding"
    database.execute(
        f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    try:
        assert "has the encoding LATIN1; UTF8 is needed" in refusal(other(database.url, database=name))
    finally:
        database.execute(f"DROP DATABASE {name}")


@with_mark
def test_a_database_that_can_only_be_read_is_refused(database: Database) -> None:
    name = make_url(database.url).database
    database.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        assert "it can only be read, as a standby can; name the primary" in refusal(database.url)
    finally:
        database.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@with_mark
@pytest.mark.parametrize(("default", "expected"), [("off", "on"), ("local", "local"), ("on", "on")])
def test_a_commit_that_returned_is_on_the_disk(database: Database, default: str, expected: str) -> None:
    name = make_url(database.url).database
    database.execute(f"ALTER DATABASE {name} SET synchronous_commit = {default}")

    async def shown() -> object:
        connection = await Access(database.url).connector()()
        try:
            return await connection.driver.fetchval("SHOW synchronous_commit")
        finally:
            await connection.driver.close()

    try:
        assert asyncio.run(shown()) == expected
    finally:
        database.execute(f"ALTER DATABASE {name} RESET synchronous_commit")


@with_mark
def test_a_servers_statements_end_by_themselves(url: str) -> None:
    async def stopped() -> None:
        connection = await Access(url, 0.1).connector()()
        try:
            with pytest.raises(asyncpg.QueryCanceledError):
                await connection.driver.fetchval("SELECT pg_sleep(5)")
        finally:
            await connection.driver.close()

    asyncio.run(stopped())
