"""The schema on PostgreSQL: the same chain of migrations, run over asyncpg.

- One at a time: an advisory lock lets the second of two wait, which then finds nothing to do.
- All of it is one transaction, so that a migration that fails or is killed has left nothing.
- On a cluster new tables are spread as the others are, and the locks of other nodes are waited for no longer.
- It waits for locks only so long: whatever waits behind it, a server's requests too, waits as well.
- What must be there before anybody serves is made here too, by whoever may make tables: the facts of the store.
"""

from contextlib import suppress

import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import greenlet_spawn

from stanchion.errors import OperatorError, StanchionError
from stanchion.store.meta import store_facts
from stanchion.store.migrate import Migrated, known_revision
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.distribute import spread_new_tables
from stanchion.store.postgresql.failures import FAILURES, code_of, for_operator
from stanchion.store.postgresql.opening import Access, schema_revision
from stanchion.store.revisions import rehearse, upgrade
from stanchion.store.tables import HEAD_REVISION

PATIENCE_SECONDS = 60.0
# Any number that no other program uses: the bytes of "stanchio".
LOCK = int.from_bytes(b"stanchio")
LOCK_NOT_AVAILABLE = "55P03"


async def migrate_postgresql(
    url: str, *, patience_seconds: float = PATIENCE_SECONDS, facts: bool = True
) -> Migrated:
    """Bring the PostgreSQL database at a `postgresql://` URL to the present schema, in one transaction.

    It is made a store where it was empty, unless its `facts` come from elsewhere. Raises OperatorError for one that
    cannot be reached or refuses, or where others hold locks for `patience_seconds`; the URL, which may hold a
    password, is not repeated.
    """
    return await _migrate(Access(url), patience_seconds=patience_seconds, facts=facts, sql=None)


async def rehearse_postgresql(
    url: str, *, patience_seconds: float = PATIENCE_SECONDS
) -> tuple[Migrated, list[str]]:
    """Return what `migrate_postgresql` would do, and the SQL that it would run: it is run, and taken back.

    Raises OperatorError like that.
    """
    sql: list[str] = []
    migrated = await _migrate(Access(url), patience_seconds=patience_seconds, facts=False, sql=sql)
    return migrated, sql


async def _migrate(
    access: Access, *, patience_seconds: float, facts: bool, sql: list[str] | None
) -> Migrated:
    try:
        connection = await access.connector()()
        try:
            former = await schema_revision(connection.driver, name=access.name)
            if former != HEAD_REVISION:
                former = await _upgrade(access, patience_seconds=patience_seconds, sql=sql)
            if facts:
                await _make_facts(connection, name=access.name, patience_seconds=patience_seconds)
        finally:
            await connection.driver.close()
    except SQLAlchemyError as error:
        raise _refusal(error, access, patience_seconds=patience_seconds) from error
    except FAILURES as error:
        raise for_operator(error, database=access.name) from error
    return Migrated(former, HEAD_REVISION)


async def _upgrade(access: Access, *, patience_seconds: float, sql: list[str] | None) -> str | None:
    """Upgrade, and return the former revision; with a list of SQL, fill it and take everything back."""

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return (await access.connector()()).driver

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            # The first is for Citus, whose other nodes would wait for ever; elsewhere it means nothing.
            await connection.execute(text("SET LOCAL citus.propagate_set_commands = 'local'"))
            milliseconds = max(1, round(patience_seconds * 1000))
            await connection.execute(text(f"SET LOCAL lock_timeout = {milliseconds}"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            former = await connection.run_sync(lambda locked: _run(locked, sql, name=access.name))
            await _spread(connection, sql, name=access.name)
            if sql is None:
                await connection.commit()
            return former
    finally:
        await engine.dispose()


async def _spread(connection: AsyncConnection, sql: list[str] | None, *, name: str) -> None:
    """Let new tables lie where the others do, in the transaction that made them."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101 (the engine was made of such)
    ran = await spread_new_tables(driver, name=name)
    if sql is not None:
        sql += ran


def _run(connection: Connection, sql: list[str] | None, *, name: str) -> str | None:
    # Another process may have migrated while this one waited for the lock.
    there = connection.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar()
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if there else None
    former = known_revision(found, name=f"The {name}")
    if former != HEAD_REVISION:
        if sql is None:
            upgrade(connection)
        else:
            sql += rehearse(connection)
    return former


async def _make_facts(connection: PostgresConnection, *, name: str, patience_seconds: float) -> None:
    """Make a store of an empty database, or find it one; of two that do so at once, the second fails at first."""
    with suppress(StanchionError, *FAILURES):
        await greenlet_spawn(store_facts, connection, name=name, patience_seconds=patience_seconds)
        return
    await greenlet_spawn(store_facts, connection, name=name, patience_seconds=patience_seconds)


def _refusal(error: SQLAlchemyError, access: Access, *, patience_seconds: float) -> OperatorError:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if code_of(cause) == LOCK_NOT_AVAILABLE:
        return OperatorError(
            f"The {access.name} is being migrated or used by others for more than {patience_seconds:g} seconds; "
            "nothing was changed. Stop the servers, or wait longer by --timeout."
        )
    reason = str(cause).partition("\n")[0].removeprefix("<class 'asyncpg.exceptions.").strip()
    return OperatorError(f"The {access.name} cannot be migrated: {reason}; nothing was changed.")
