"""The erasure of a tenant: all that was kept of it goes, some rows at a time, and the hashes of its changes stay.

- It runs between two changes. The first one closes the tenant, so that nobody reads or writes it any more; the last
  one says that it is erased, and how many changes went, with a digest of their hashes. A run that was stopped between
  the two is ended by another one.
- Of a change its hash stays. What it said goes, for it names who wrote and what: the record, its time and command.
  So whoever noted a head can still prove that it is of this chain, and who kept a record, that it was in it.
- Each portion is a transaction of its own with the tenant's head locked, whose key ranges follow each other.
"""

from collections.abc import Mapping
from contextlib import closing
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    LargeBinary,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
    tuple_,
    update,
)

from stanchion.errors import OperatorError
from stanchion.ledger.changes import decode_record
from stanchion.store.bodies import unpack
from stanchion.store.compile import Compiled, DialectName, compile_for_rows, compile_statement
from stanchion.store.reading import read_end
from stanchion.store.rows import STORE_CHAIN, read_issuers
from stanchion.store.session import Connection
from stanchion.store.tables import (
    ENTITY_TABLES,
    change_details,
    changes,
    clients,
    departures,
    dictionaries,
    issuers,
    tombstones,
)
from stanchion.store.writing import grow_directory_revision

NOTHING = b""
"""The record of a change that was erased."""

# The changes come last: a verification meanwhile still knows what they said of what is there.
TABLES = (*ENTITY_TABLES.values(), tombstones, departures, dictionaries, change_details, changes)

_HASHES_AT_ONCE = 4096
# SQLAlchemy would add an OFFSET of its own, as a value, to every LIMIT on SQLite.
_AT_ONCE: ColumnElement[int] = literal_column("0")


class Place(NamedTuple):
    """How far an erasure came: the tables that are left, and the last key of the first of them that went."""

    tables: tuple[Table, ...] = TABLES
    after: tuple[object, ...] | None = None


class ErasedChanges(NamedTuple):
    """The changes of which only hashes are left: how many, and the SHA-256 of those hashes one after the other."""

    changes: int
    hashes: str


def count_rows(connection: Connection, tenant_id: str) -> dict[str, int]:
    """Return how many rows of a tenant there are, by table."""
    tables = (*TABLES, clients)
    parameters = {"tenant_id": tenant_id}
    return {
        table.name: int(connection.fetch(count_statement(table, connection.dialect), parameters)[0][0])
        for table in tables
    }


def take_away(
    connection: Connection, place: Place, *, tenant_id: str, closed_ticks: int, rows: int
) -> tuple[int, Place]:
    """Take away at most so many rows of one table, in the transaction that is open; return how many, and the place.

    No tables are left in that place at the end. Raises OperatorError where the tenant is not being erased since then.
    """
    require_under_way(connection, tenant_id, closed_ticks=closed_ticks)
    if not place.tables:
        return 0, place
    table = place.tables[0]
    columns = _key(table)
    first = {f"after_{name}": value for name, value in zip(columns, place.after or (), strict=False)}
    first["tenant_id"] = tenant_id
    dialect = connection.dialect
    keys = connection.fetch(
        keys_statement(table, further=place.after is not None, dialect=dialect), {**first, "limit": rows}
    )
    if not keys:
        return 0, Place(place.tables[1:])
    last = tuple(keys[-1])
    upto = {f"last_{name}": value for name, value in zip(columns, last, strict=True)}
    further = place.after is not None
    statement = blank_statement if table is changes else range_statement
    parameters = {**first, **upto, **({"nothing": NOTHING, "zero": 0} if table is changes else {})}
    connection.fetch(statement(table, further=further, dialect=dialect), parameters)
    return len(keys), Place(place.tables, last)


def forget_trust(connection: Connection, tenant_id: str, *, closed_ticks: int) -> int:
    """Take away the apps of a tenant, and issuers that speak for nobody any more; return how many apps there were.

    It runs in the transaction that is open.
    """
    require_under_way(connection, tenant_id, closed_ticks=closed_ticks)
    dialect, parameters = connection.dialect, {"tenant_id": tenant_id}
    apps = int(connection.fetch(count_statement(clients, dialect), parameters)[0][0])
    connection.fetch(clear_clients_statement(dialect), parameters)
    connection.fetch(clear_issuers_statement(dialect), {"no_tenants": "[]"})
    grow_directory_revision(connection)
    return apps


def forget_told(connection: Connection, tenant_id: str) -> None:
    """Take away what the store's own chain tells of issuers of this tenant that are gone.

    It runs in the transaction that is open, after `forget_trust`.
    """
    read_end(connection, tenant_id=STORE_CHAIN, lock=True)
    told = [(STORE_CHAIN, sequence) for sequence in _told_of_trust(connection, tenant_id)]
    if told:
        connection.write_rows(detail_statement(connection.dialect), told)


def erased_changes(connection: Connection, tenant_id: str) -> ErasedChanges:
    """Return the number of a tenant's changes up to now, and the digest of their hashes."""
    digest, count = sha256(), 0
    with closing(
        connection.chunks(
            hashes_statement(connection.dialect), {"tenant_id": tenant_id}, rows=_HASHES_AT_ONCE
        )
    ) as chunks:
        for rows in chunks:
            count += len(rows)
            for (each,) in rows:
                digest.update(each)
    return ErasedChanges(count, digest.hexdigest())


def require_under_way(connection: Connection, tenant_id: str, *, closed_ticks: int) -> None:
    """Raise OperatorError unless the tenant is being erased since then; nobody adds it before the transaction ends.

    Whoever was held up for so long that the tenant is there again, and erased again, has passed by what came since.
    """
    end = read_end(connection, tenant_id=tenant_id, lock=True)
    if end is None or end.erased_ticks != closed_ticks or end.erased_sequence == end.head.sequence:
        raise OperatorError(
            f"The tenant {tenant_id} is not being erased: somebody else has ended it meanwhile."
        )


def _told_of_trust(connection: Connection, tenant_id: str) -> list[int]:
    """Return the changes of the store's own chain whose details tell of issuers of this tenant that are gone."""
    found, left = [], {issuer.issuer_id for issuer in read_issuers(connection)}
    for sequence, record, detail in connection.fetch(
        details_statement(connection.dialect), {"tenant_id": STORE_CHAIN}
    ):
        if decode_record(record).operation.startswith("issuer."):
            told = msgspec.json.decode(unpack(detail))
            # Others that such a one spoke for went before, for else it would be there.
            mine = isinstance(told, Mapping) and tenant_id in told.get("tenants", ())
            if mine and told.get("id") not in left:
                found.append(int(sequence))
    return found


def _key(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key if column.name != "tenant_id")


def _bounds(table: Table, *, further: bool) -> list[ColumnElement[bool]]:
    """Return the predicates of a portion: after the last one, if there was one, and up to its last key."""
    key = _values(table)
    bounds: list[ColumnElement[bool]] = [key <= _values(table, bound="last")]
    if further:
        bounds.append(key > _values(table, bound="after"))
    return bounds


def _values(table: Table, *, bound: str | None = None) -> ColumnElement[Any]:
    def value(name: str) -> ColumnElement[Any] | BindParameter[Any]:
        return table.c[name] if bound is None else bindparam(f"{bound}_{name}", type_=table.c[name].type)

    values = [value(name) for name in _key(table)]
    return values[0] if len(values) == 1 else tuple_(*values)


@lru_cache
def keys_statement(table: Table, *, further: bool = True, dialect: DialectName = "sqlite") -> Compiled:
    """Some keys of a tenant's rows in their order, from a key on if `further`."""
    statement = select(*(table.c[name] for name in _key(table)))
    statement = statement.where(table.c.tenant_id == bindparam("tenant_id"))
    if further:
        statement = statement.where(_values(table) > _values(table, bound="after"))
    ordered = statement.order_by(*(table.c[name] for name in _key(table)))
    return compile_statement(ordered.limit(bindparam("limit")).offset(_AT_ONCE), dialect)


@lru_cache
def range_statement(table: Table, *, further: bool = True, dialect: DialectName = "sqlite") -> Compiled:
    """A tenant's rows of a range of keys go."""
    statement = delete(table).where(table.c.tenant_id == bindparam("tenant_id"))
    return compile_statement(statement.where(*_bounds(table, further=further)), dialect)


@lru_cache
def blank_statement(table: Table, *, further: bool = True, dialect: DialectName = "sqlite") -> Compiled:
    """Of a tenant's changes of a range the hash stays; a command is named by its place alone."""
    statement = (
        update(table)
        .where(table.c.tenant_id == bindparam("tenant_id"), *_bounds(table, further=further))
        .values(
            record=bindparam("nothing", type_=LargeBinary()),
            time_ticks=bindparam("zero"),
            command_id=cast(table.c.sequence, Text),
        )
    )
    return compile_statement(statement, dialect)


@lru_cache
def count_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """How many rows a tenant has in a table."""
    statement = select(func.count()).select_from(table).where(table.c.tenant_id == bindparam("tenant_id"))
    return compile_statement(statement, dialect)


@lru_cache
def hashes_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The hashes of all changes of a tenant, the first one first."""
    statement = select(changes.c.hash).where(changes.c.tenant_id == bindparam("tenant_id"))
    return compile_statement(statement.order_by(changes.c.sequence), dialect)


@lru_cache
def details_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The changes of a tenant that still have their details."""
    mine = select(change_details).where(change_details.c.tenant_id == bindparam("tenant_id")).subquery("mine")
    statement = (
        select(changes.c.sequence, changes.c.record, mine.c.detail)
        .join_from(changes, mine, changes.c.sequence == mine.c.sequence)
        .where(changes.c.tenant_id == bindparam("tenant_id"))
    )
    return compile_statement(statement, dialect)


@lru_cache
def detail_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The detail and salt of a change go."""
    statement = delete(change_details).where(
        change_details.c.tenant_id == bindparam("tenant_id"),
        change_details.c.sequence == bindparam("sequence"),
    )
    return compile_for_rows(statement, dialect)


@lru_cache
def clear_clients_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The apps of a tenant go."""
    return compile_statement(delete(clients).where(clients.c.tenant_id == bindparam("tenant_id")), dialect)


@lru_cache
def clear_issuers_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The issuers go that speak for no tenant."""
    return compile_statement(delete(issuers).where(issuers.c.tenant_ids == bindparam("no_tenants")), dialect)
