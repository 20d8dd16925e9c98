"""The heads of all chains together, as a server is watched: how many tenants there are, and when the newest changed.

Of each tenant only the change at its head is looked at, by key, so that it costs microseconds a tenant however long
the chains are. The store's own chain, and
those of erased tenants, count as none.
"""

from functools import lru_cache

import msgspec
from sqlalchemy import and_, bindparam, func, select

from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.rows import STORE_CHAIN
from stanchion.store.session import Connection
from stanchion.store.tables import changes, tenants


class ChainHeads(msgspec.Struct, frozen=True):
    """What the heads of all tenants say together; `newest_ticks` is None before the first change of any."""

    tenants: int
    newest_ticks: int | None


def read_chain_heads(connection: Connection) -> ChainHeads:
    """Return what the heads of all tenants say together."""
    ((number, newest_ticks),) = connection.fetch(
        chain_heads_statement(connection.dialect), {"store_chain": STORE_CHAIN}
    )
    return ChainHeads(number, newest_ticks)


@lru_cache
def chain_heads_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The number of tenants, and the time of the newest change of any."""
    head = and_(changes.c.tenant_id == tenants.c.tenant_id, changes.c.sequence == tenants.c.sequence)
    statement = (
        select(func.count(), func.max(changes.c.time_ticks))
        .select_from(tenants.outerjoin(changes, head))
        .where(tenants.c.tenant_id != bindparam("store_chain"), tenants.c.erased_ticks.is_(None))
    )
    return compile_statement(statement, dialect, fleet="operators watch all chains")
