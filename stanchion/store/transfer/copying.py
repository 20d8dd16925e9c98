"""Rows of a store brought to another database: a tenant's since a change, and what no tenant owns.

- Since a change means: what was written after it is written over, what was deleted after it goes. Since 0 that is
  everything, so that a first copy and one that catches up are the same.
- All runs inside the transaction that is open at the target, and reads one state of the source.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from stanchion.model.edm import ENTITY_SETS
from stanchion.store.purpose import KEY as PURPOSE
from stanchion.store.rows import STORE_CHAIN
from stanchion.store.sampling import link_statement
from stanchion.store.session import Connection
from stanchion.store.tables import ENTITY_TABLES, dictionaries, meta, tenants, tombstones
from stanchion.store.transfer.contents import (
    OWN_TABLES,
    TENANT_TABLES,
    Row,
    all_rows,
    clear_own_statement,
    clear_statement,
    tenant_rows,
    write_rows,
)
from stanchion.store.writing import delete_statement, forget_tombstones_statement

Advance: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


class TenantHead(NamedTuple):
    """A tenant as its row has it: who it is, and where its chain ends."""

    tenant_id: str
    name: str
    created_ticks: int
    sequence: int
    head_hash: bytes
    erased_ticks: int | None = None
    erased_sequence: int | None = None

    def was_erased_since(self, sequence: int) -> bool:
        """Say whether an erasure after a change took away what that left: nothing is left by which to follow it."""
        return self.erased_ticks is not None or (self.erased_sequence or 0) > sequence

    @property
    def head(self) -> str:
        """The head as `verify --head` takes it."""
        return f"{self.sequence}:{self.head_hash.hex()}"


def tenant_heads(connection: Connection) -> list[TenantHead]:
    """Return every tenant by id, with the store's own chain, which comes first."""
    found = [TenantHead(*row) for row in all_rows(connection, tenants)]  # type: ignore[arg-type] # As the columns are.
    return sorted(found, key=lambda each: (each.tenant_id != STORE_CHAIN, each.tenant_id))


def continues(source: Connection, known: TenantHead) -> bool:
    """Say whether the chain of the source has a head that is known from elsewhere."""
    if known.sequence == 0:
        return True
    parameters = {"tenant_id": known.tenant_id, "sequence": known.sequence}
    found = source.fetch(link_statement(source.dialect), parameters)
    return bool(found) and bytes(found[0][0]) == known.head_hash


def copy_tenant(source: Connection, target: Connection, tenant: TenantHead, *, since: int) -> None:
    """Bring what was written to a tenant after a change; the target has all that was written before."""
    write_rows(target, tenants, [tenant])
    # The tombstones of what is there again go first, so that those which come are not taken away.
    for table in TENANT_TABLES:
        for rows in tenant_rows(source, table, tenant_id=tenant.tenant_id, since=since):
            if since:
                _clear_way(target, table.name, rows, tenant_id=tenant.tenant_id)
            write_rows(target, table, rows)


def clear_tenant(target: Connection, tenant_id: str) -> None:
    """Take a tenant away, with all that is its own."""
    for table in (*reversed(TENANT_TABLES), dictionaries, tenants):
        target.fetch(clear_statement(table, target.dialect), {"tenant_id": tenant_id})


def own_rows(connection: Connection) -> dict[str, list[Row]]:
    """Return what no tenant owns, by table; what the database is for is no part of it."""
    rows = {table.name: all_rows(connection, table) for table in OWN_TABLES}
    rows[meta.name] = [row for row in rows[meta.name] if row[0] != PURPOSE]
    return rows


def replace_own(target: Connection, rows: dict[str, list[Row]]) -> None:
    """Put what no tenant owns in place of what the target has; it is then no longer of a purpose."""
    for table in OWN_TABLES:
        target.fetch(clear_own_statement(table, target.dialect), {})
        write_rows(target, table, rows[table.name])


def _clear_way(target: Connection, table: str, rows: Sequence[Row], *, tenant_id: str) -> None:
    """Let entities take the place of their tombstones, and tombstones that of their entities."""
    for entity_set in ENTITY_SETS.values():
        if table == ENTITY_TABLES[entity_set.name].name:
            _forget_tombstones(target, entity_set.name, (str(row[1]) for row in rows), tenant_id=tenant_id)
        elif table == tombstones.name:
            gone = [(tenant_id, row[2]) for row in rows if row[1] == entity_set.name]
            if gone:
                target.write_rows(delete_statement(entity_set, target.dialect), gone)


def _forget_tombstones(target: Connection, entity_set: str, ids: Iterable[str], *, tenant_id: str) -> None:
    parameters = {"tenant_id": tenant_id, "entity_set": entity_set, "ids": target.array(ids)}
    target.fetch(forget_tombstones_statement(target.dialect), parameters)
