"""What a whole store is made of: its tables in the order in which their rows may go in, and how rows are read.

- A row is read as values that mean the same on every database: bodies as their JSON, truth values as such. What
  was read from one database can be written to another, and compared with what another one has.
- Every tenant-owned table has a version in each row: the change that wrote it. That of dictionaries is no part of
  what a tenant has, but of how one database keeps it.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from sqlalchemy import Boolean, ColumnElement, Double, Select, Table, bindparam, delete, select
from sqlalchemy.types import TypeEngine

from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.session import Connection
from stanchion.store.tables import (
    ENTITY_TABLES,
    TENANT_OWNED,
    change_details,
    changes,
    clients,
    dictionaries,
    issuers,
    meta,
    metadata,
    signing_keys,
    tenants,
)
from stanchion.store.writing import source_of, upsert_statement

Row: TypeAlias = tuple[object, ...]

# Of no tenant; the facts of the store come last, because they make a store of a database.
OWN_TABLES = (clients, issuers, signing_keys, meta)
# Tenants themselves are read and written apart from what is theirs.
TENANT_TABLES: tuple[Table, ...] = tuple(
    table
    for table in metadata.sorted_tables
    if table.name in TENANT_OWNED and table not in {tenants, dictionaries}
)
# A body may have some megabytes; these many are in memory on either side.
_BODIES_AT_ONCE = 32
_ROWS_AT_ONCE = 512

_ENTITY_TABLES = frozenset(ENTITY_TABLES.values())
_VERSIONS = MappingProxyType({changes: "sequence", change_details: "sequence"})
_CASTS: Mapping[type[TypeEngine[object]], Callable[[object], object]] = MappingProxyType(
    {Boolean: bool, Double: float}  # type: ignore[dict-item] # What is in such a column can be cast.
)


def tenant_rows(
    connection: Connection, table: Table, *, tenant_id: str, since: int = 0
) -> Generator[list[Row]]:
    """Give the rows of a tenant by primary key, some at a time; only those written after change `since`."""
    versioned = version_column(table) is not None
    statement = rows_statement(table, connection.dialect)
    parameters = {"tenant_id": tenant_id, **({"since": since} if versioned else {})}
    at_once = _BODIES_AT_ONCE if table in _ENTITY_TABLES else _ROWS_AT_ONCE
    read = reader(table, connection, tenant_id=tenant_id)
    with closing(connection.chunks(statement, parameters, rows=at_once)) as chunks:
        for chunk in chunks:
            yield [read(row) for row in chunk]


def all_rows(connection: Connection, table: Table) -> list[Row]:
    """Return every row of a table that no tenant owns, or of that of tenants, by primary key."""
    read = reader(table, connection, tenant_id="")
    return [read(row) for row in connection.fetch(whole_statement(table, connection.dialect), {})]


def write_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows as they were read, those of one tenant, whether they are there already or not."""
    statement = upsert_statement(table, connection.dialect)
    names = table.columns.keys()
    places = [names.index(name) for name in statement.parameters]
    body = places.index(names.index("body")) if table in _ENTITY_TABLES else None
    kept: list[list[object]] = [[row[place] for place in places] for row in rows]
    if body is not None and rows:
        keeper = connection.keeper(str(rows[0][0]))
        for row, whole in zip(kept, rows, strict=True):
            content = row[body]
            assert isinstance(content, bytes)  # noqa: S101 (`reader` made it)
            row[body] = keeper.keep(content, source=source_of(table, dict(zip(names, whole, strict=True))))
        keeper.write()
    if kept:
        connection.write_rows(statement, kept)


def reader(table: Table, connection: Connection, *, tenant_id: str) -> Callable[[Sequence[object]], Row]:
    """Return what makes a row of a table mean the same on every database; bodies are those of a tenant."""

    def body(kept: object) -> bytes:
        return connection.body(kept, tenant_id)

    casts = [_cast(table, column.name, column.type, body) for column in table.columns]
    if not any(casts):
        return tuple
    return lambda row: tuple(
        value if cast is None or value is None else cast(value)
        for cast, value in zip(casts, row, strict=True)
    )


def version_column(table: Table) -> str | None:
    """Return the name of the column with the change that wrote a row, None where there is none."""
    return None if table is dictionaries else _VERSIONS.get(table, "version")


def key_of(table: Table, row: Row) -> str:
    """Return the primary key of a row for people, without its tenant."""
    names = table.columns.keys()
    keys = [row[names.index(column.name)] for column in table.primary_key if column.name != "tenant_id"]
    return "/".join(map(str, keys))


@lru_cache
def rows_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """The rows of a tenant that were written after a change."""
    version = version_column(table)
    statement = select(table).where(table.c.tenant_id == bindparam("tenant_id"))
    if version is not None:
        statement = statement.where(table.c[version] > bindparam("since"))
    return compile_statement(statement.order_by(*_key(table)), dialect)


@lru_cache
def whole_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """Every row of a table, whoever it belongs to."""
    statement: Select[*tuple[object, ...]] = select(table).order_by(*_key(table))
    reason = "a whole store is copied" if table.name in TENANT_OWNED else None
    return compile_statement(statement, dialect, fleet=reason)


@lru_cache
def clear_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """All that a tenant has in a table goes."""
    return compile_statement(delete(table).where(table.c.tenant_id == bindparam("tenant_id")), dialect)


@lru_cache
def clear_own_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """All of a table goes that no tenant owns."""
    return compile_statement(delete(table), dialect)


def _key(table: Table) -> list[ColumnElement[object]]:
    return [column for column in table.primary_key if column.name != "tenant_id" or table is tenants]


def _cast(
    table: Table, name: str, kind: TypeEngine[object], body: Callable[[object], object]
) -> Callable[[object], object] | None:
    if name == "body" and table in _ENTITY_TABLES:
        return body
    return next((cast for each, cast in _CASTS.items() if isinstance(kind, each)), None)
