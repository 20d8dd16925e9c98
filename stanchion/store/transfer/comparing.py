"""Whether two databases hold the same: every row of a tenant, value by value, and what no tenant owns."""

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain, zip_longest

from sqlalchemy import Table

from stanchion.errors import OperatorError
from stanchion.store.session import Connection
from stanchion.store.transfer.contents import OWN_TABLES, TENANT_TABLES, Row, key_of, tenant_rows
from stanchion.store.transfer.copying import own_rows


def require_same_tenant(source: Connection, target: Connection, tenant_id: str) -> int:
    """Return how many rows of a tenant were compared; raises OperatorError for the first that differs.

    Bodies are compared as JSON text, byte by byte, versions and columns as they are.
    """
    return sum(_compared(source, target, table, tenant_id) for table in TENANT_TABLES)


def require_same_own(source: Connection, target: Connection) -> int:
    """Return how many rows were compared that no tenant owns; raises OperatorError where any differs."""
    mine, theirs = own_rows(source), own_rows(target)
    for table in OWN_TABLES:
        for row, copy in zip_longest(mine[table.name], theirs[table.name]):
            if row != copy:
                raise _difference(table, row, copy)
    return sum(map(len, mine.values()))


def _compared(source: Connection, target: Connection, table: Table, tenant_id: str) -> int:
    count = 0
    with (
        closing(tenant_rows(source, table, tenant_id=tenant_id)) as mine,
        closing(tenant_rows(target, table, tenant_id=tenant_id)) as theirs,
    ):
        for row, copy in zip_longest(_flat(mine), _flat(theirs)):
            if row != copy:
                raise _difference(table, row, copy, of=f" of {tenant_id}")
            count += 1
    return count


def _flat(chunks: Generator[list[Row]]) -> Iterator[Row]:
    return chain.from_iterable(chunks)


def _difference(table: Table, row: Row | None, copy: Row | None, *, of: str = "") -> OperatorError:
    fault = "is missing" if copy is None else "differs"
    if row is None:
        fault = "is there, and not in the source"
    return OperatorError(f"In the copy, {table.name} {key_of(table, row or copy or ())}{of} {fault}.")
