"""The heads of all chains are read together, on each database: one statement, however long the chains are."""

import pytest

from stanchion.store.chain_heads import ChainHeads
from tests.conftest import Statements
from tests.databases import AnyStore, Database
from tests.store.commands import OTHER_TENANT, TENANT, control, put

pytestmark = pytest.mark.anyio


def newest(database: Database) -> int | None:
    """Return the time of the newest change of a tenant, by looking at all of them."""
    tenants = (TENANT, OTHER_TENANT)
    sql = "SELECT max(time_ticks) FROM changes WHERE tenant_id IN ($1, $2)"
    found: int | None = database.execute(sql, *tenants)[0][0]
    return found


async def test_the_newest_change_is_that_of_any_tenant(serving: AnyStore, database: Database) -> None:
    try:
        assert await serving.chain_heads() == ChainHeads(2, newest(database))
        for tenant_id in (OTHER_TENANT, TENANT):
            before = newest(database)
            await serving.submit(put(control("c1"), tenant_id=tenant_id))
            heads = await serving.chain_heads()
            assert heads == ChainHeads(2, newest(database))
            assert (heads.newest_ticks or 0) > (before or 0)
    finally:
        await serving.close()


async def test_one_statement_reads_them(serving: AnyStore, statements: Statements) -> None:
    try:
        await serving.chain_heads()
        (sql,) = [sql for sql in statements.ran if "max(" in sql]
        assert sql.startswith("/* fleet: operators watch all chains */ SELECT count(*)")
    finally:
        await serving.close()


async def test_a_store_without_tenants_has_no_newest_change(serving: AnyStore, database: Database) -> None:
    try:
        database.execute("DELETE FROM changes WHERE tenant_id IN ($1, $2)", TENANT, OTHER_TENANT)
        database.execute("DELETE FROM tenants WHERE tenant_id IN ($1, $2)", TENANT, OTHER_TENANT)
        assert await serving.chain_heads() == ChainHeads(0, None)
    finally:
        await serving.close()
