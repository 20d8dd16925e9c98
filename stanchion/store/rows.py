"""Rows of the tables that hold no entities: tenants, clients, issuers, keys, facts of the store.

They are few and read by key; administration writes them through commands, as `Row` values by `RowKey`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Column, Table, bindparam, select

from stanchion.ledger.working_set import Row, RowKey, RowValue, TableKey
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.session import Connection
from stanchion.store.tables import clients, issuers, meta, signing_keys, tenants

STORE_CHAIN = "00000000-0000-0000-0000-000000000000"
"""The tenant whose chain records acts that belong to no tenant; not listed, and no token may name it."""

# A change to any of these is a new directory revision.
DIRECTORY_TABLES = frozenset({clients.name, issuers.name, signing_keys.name, tenants.name})
_WRITABLE = {table.name: table for table in (clients, issuers, signing_keys, meta, tenants)}


@dataclass(frozen=True)
class TenantRow:
    """A tenant that somebody added; from `erased_ticks` on nobody is shown it."""

    tenant_id: str
    name: str
    created_ticks: int
    erased_ticks: int | None = None
    erased_sequence: int | None = None


@dataclass(frozen=True)
class ClientRow:
    """An application of the built-in issuer; `permissions`, `secrets` and `certificates` are JSON arrays.

    No tokens that it got before `tokens_from_ticks` count.
    """

    client_id: str
    tenant_id: str
    name: str
    permissions: str
    provider: str | None
    fleet: int
    secrets: str
    created_ticks: int
    revoked_ticks: int | None
    certificates: str | None = None
    tokens_from_ticks: int | None = None


@dataclass(frozen=True)
class SigningKeyRow:
    """A key of the built-in issuer; its private part is sealed, its public part a JWK as JSON."""

    kid: str
    algorithm: str
    public_jwk: str
    sealed_private_key: bytes
    created_ticks: int
    retired_ticks: int | None


@dataclass(frozen=True)
class IssuerRow:
    """An issuer besides our own; `audiences` and `tenant_ids` are JSON arrays."""

    issuer_id: str
    issuer: str
    audiences: str
    tenant_ids: str
    fleet_home: int
    keys_url: str
    discovered: int
    created_ticks: int
    removed_ticks: int | None


def read_tenant(connection: Connection, tenant_id: str) -> TenantRow | None:
    """Return a tenant, or None for one that is not there or erased; the store's own chain is none."""
    rows = connection.fetch(tenant_statement(connection.dialect), {"tenant_id": tenant_id})
    found = TenantRow(*rows[0]) if rows and tenant_id != STORE_CHAIN else None
    return found if found is not None and found.erased_ticks is None else None


def read_tenants(connection: Connection) -> list[TenantRow]:
    """Return every tenant by id; the store's own chain, and what is erased, left out."""
    return [row for row in _all_tenants(connection) if row.erased_ticks is None]


def read_erased_tenants(connection: Connection) -> list[TenantRow]:
    """Return every tenant that is erased, by id."""
    return [row for row in _all_tenants(connection) if row.erased_ticks is not None]


def read_client(connection: Connection, client_id: str) -> ClientRow | None:
    """Return an application, or None; revoked ones too."""
    rows = connection.fetch(row_statement(clients, connection.dialect), {"key": client_id})
    return ClientRow(*rows[0]) if rows else None


def read_clients(connection: Connection, tenant_id: str | None) -> list[ClientRow]:
    """Return the applications of a tenant, or of all, the oldest first."""
    statement = clients_statement(connection.dialect, of_tenant=tenant_id is not None)
    parameters = {} if tenant_id is None else {"tenant_id": tenant_id}
    return [ClientRow(*row) for row in connection.fetch(statement, parameters)]


def read_signing_keys(connection: Connection) -> list[SigningKeyRow]:
    """Return every signing key, the oldest first."""
    rows = connection.fetch(signing_keys_statement(connection.dialect), {})
    return [SigningKeyRow(*row) for row in rows]


def read_issuers(connection: Connection) -> list[IssuerRow]:
    """Return every issuer besides our own, removed ones too, the oldest first."""
    return [IssuerRow(*row) for row in connection.fetch(issuers_statement(connection.dialect), {})]


def read_meta(connection: Connection, key: str) -> str | None:
    """Return a fact of the store, or None."""
    rows = connection.fetch(row_statement(meta, connection.dialect), {"key": key})
    return cast("str", rows[0][1]) if rows else None


def read_directory_revision(connection: Connection) -> int:
    """Return the number that grows with each write to the directory."""
    return int(read_meta(connection, "directory_revision") or 0)


def read_row(connection: Connection, key: RowKey) -> Row | None:
    """Return the row that a command asks for, or None."""
    table = writable_table(key)
    if table is tenants:
        tenant = connection.fetch(tenant_statement(connection.dialect), {"tenant_id": key.key})
        return asdict(TenantRow(*tenant[0])) if tenant else None
    rows: Sequence[Sequence[RowValue]] = connection.fetch(
        row_statement(table, connection.dialect), {"key": key.key}
    )
    return dict(zip(table.columns.keys(), rows[0], strict=True)) if rows else None


def read_table(connection: Connection, key: TableKey) -> dict[RowKey, Row]:
    """Return every row of the table that a command asks for; only signing keys and issuers are so few."""
    if key.table == signing_keys.name:
        return {RowKey(key.table, row.kid): asdict(row) for row in read_signing_keys(connection)}
    if key.table == issuers.name:
        return {RowKey(key.table, row.issuer_id): asdict(row) for row in read_issuers(connection)}
    raise KeyError(key.table)


def _all_tenants(connection: Connection) -> list[TenantRow]:
    rows = (TenantRow(*row) for row in connection.fetch(tenants_statement(connection.dialect), {}))
    return [row for row in rows if row.tenant_id != STORE_CHAIN]


def _tenant_columns() -> list[Column[Any]]:
    return [tenants.c[each.name] for each in fields(TenantRow)]


def writable_table(key: RowKey) -> Table:
    """Return the table of a row; raises KeyError for a table whose rows commands may not write."""
    return _WRITABLE[key.table]


def key_column(table: Table) -> str:
    """Return the name of the one column of a table's primary key."""
    return next(iter(table.primary_key)).name


@lru_cache
def tenant_statement(dialect: DialectName = "sqlite") -> Compiled:
    """One tenant."""
    statement = select(*_tenant_columns())
    return compile_statement(statement.where(tenants.c.tenant_id == bindparam("tenant_id")), dialect)


@lru_cache
def tenants_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Every tenant, by id."""
    statement = select(*_tenant_columns())
    return compile_statement(
        statement.order_by(tenants.c.tenant_id), dialect, fleet="operators list all tenants"
    )


@lru_cache
def clients_statement(dialect: DialectName = "sqlite", *, of_tenant: bool) -> Compiled:
    """Every application, or those of a tenant, the oldest first."""
    statement = select(clients).order_by(clients.c.created_ticks, clients.c.client_id)
    if of_tenant:
        statement = statement.where(clients.c.tenant_id == bindparam("tenant_id"))
    return compile_statement(statement, dialect)


@lru_cache
def signing_keys_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Every signing key, the oldest first."""
    statement = select(signing_keys).order_by(signing_keys.c.created_ticks, signing_keys.c.kid)
    return compile_statement(statement, dialect)


@lru_cache
def issuers_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Every issuer besides our own, the oldest first."""
    statement = select(issuers).order_by(issuers.c.created_ticks, issuers.c.issuer_id)
    return compile_statement(statement, dialect)


@lru_cache
def row_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """One row of a table that no tenant owns, by its primary key."""
    return compile_statement(select(table).where(table.c[key_column(table)] == bindparam("key")), dialect)
