"""Writing what a fold leaves: the changes, the entities, the rows, and the new head of the chain.

- What takes long, compressing bodies and reading columns out of them, is `packed` beforehand and needs no lock.
- Rows of a kind go in together, some to a statement: the driver lets other threads run before and after each
  statement, and getting back to work costs more than the row. Values are by place, as the parameters stand.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple, TypeAlias, cast

from sqlalchemy import Integer, Table, Text, bindparam, delete, insert, update
from sqlalchemy import cast as casted

from stanchion.ledger.changes import Change, Head
from stanchion.ledger.fold import Written
from stanchion.ledger.working_set import EntityKey, Row, RowKey, Stored
from stanchion.model.check import ColumnValue, column_value
from stanchion.model.edm import DECISIONS, ENTITY_SETS, SECURE_SCORES, EntitySet
from stanchion.store.bodies import pack
from stanchion.store.compile import Compiled, DialectName, compile_for_rows, compile_statement, upsert
from stanchion.store.expressions import AnyOf
from stanchion.store.rows import DIRECTORY_TABLES, key_column, writable_table
from stanchion.store.session import Connection, Keeper, Source
from stanchion.store.tables import (
    ENTITY_TABLES,
    change_details,
    changes,
    departures,
    meta,
    tenants,
    tombstones,
)


class PackedEntity(NamedTuple):
    """An entity as its row has it, whatever its version; `columns` is None where they stay as they are."""

    columns: tuple[ColumnValue, ...] | None  # in the order of the set's columns
    body: object  # as the database keeps it


Packed: TypeAlias = Mapping[EntityKey, PackedEntity]
_Values: TypeAlias = "tuple[object, ...]"
_SCORES = ENTITY_TABLES[SECURE_SCORES.name]


def packed(
    entities: Mapping[EntityKey, Stored | None],
    *,
    keeper: Keeper,
    amended: AbstractSet[EntityKey] = frozenset(),
) -> Packed:
    """Return the entities that are there after a batch as their rows will have them."""
    return {
        key: PackedEntity(None, keeper.keep(stored.body))
        if key in amended
        else _packed(key, stored, keeper=keeper)
        for key, stored in entities.items()
        if stored is not None
    }


def write(
    connection: Connection,
    written: Written,
    packs: Packed,
    *,
    tenant_id: str,
    head: Head,
    keeper: Keeper,
) -> None:
    """Write one tenant's part of a batch, inside the transaction that is open.

    `packs` has every entity that is written, as `keeper` made it.
    """
    if not written.changes:
        return
    if written.new_tenant:
        row = written.rows[RowKey(tenants.name, tenant_id)]
        _insert_tenant(connection, row, tenant_id=tenant_id, head=head)
    else:
        _move_head(connection, tenant_id=tenant_id, head=head)
        if (renewed := written.rows.get(RowKey(tenants.name, tenant_id))) is not None:
            _write_tenant(connection, renewed, tenant_id=tenant_id)
    _insert_changes(connection, written.changes)
    keeper.write()
    for entity_set in ENTITY_SETS.values():
        mine = {key: stored for key, stored in written.entities.items() if key.entity_set == entity_set.name}
        if mine:
            _put(connection, entity_set, mine, packs, tenant_id=tenant_id)
            _delete(connection, entity_set, mine, written, tenant_id=tenant_id)
            if entity_set is SECURE_SCORES and None in mine.values():
                keeper.forget()
    if written.departures:
        gone: list[_Values] = [
            (tenant_id, key.entity_set, provider, key.id, version)
            for (key, provider), version in written.departures.items()
        ]
        connection.write_rows(upsert_statement(departures, connection.dialect), gone)
    _write_rows(connection, written.rows)


def source_of(table: Table, row: Mapping[str, object]) -> Source | None:
    """Return whose score a row by names of columns is; None of any other entity."""
    if table is not _SCORES:
        return None
    vendor, provider = row["vendor_information_vendor"], row["vendor_information_provider"]
    return cast("str | None", vendor), cast("str | None", provider)


def _packed(key: EntityKey, stored: Stored, *, keeper: Keeper) -> PackedEntity:
    columns, value = ENTITY_SETS[key.entity_set].columns, stored.value
    stored.drop_value()  # Nothing asks for it after this.
    values = tuple([column_value(column, value) for column in columns])
    if key.entity_set != SECURE_SCORES.name:
        return PackedEntity(values, keeper.keep(stored.body))
    row = dict(zip((column.name for column in columns), values, strict=True))
    return PackedEntity(values, keeper.keep(stored.body, source=source_of(_SCORES, row)))


def _insert_tenant(connection: Connection, row: Row, *, tenant_id: str, head: Head) -> None:
    values = (tenant_id, row["name"], row["created_ticks"], head.sequence, head.hash, None, None)
    connection.write_rows(insert_statement(tenants, connection.dialect), [values])


def _write_tenant(connection: Connection, row: Row, *, tenant_id: str) -> None:
    names = ("name", "created_ticks", "erased_ticks", "erased_sequence")
    parameters = {"tenant_id": tenant_id, **{f"new_{name}": row[name] for name in names}}
    connection.fetch(tenant_row_statement(connection.dialect), parameters)


def _move_head(connection: Connection, *, tenant_id: str, head: Head) -> None:
    parameters = {"tenant_id": tenant_id, "new_sequence": head.sequence, "new_hash": head.hash}
    connection.fetch(head_statement(connection.dialect), parameters)


def _insert_changes(connection: Connection, written: Sequence[Change]) -> None:
    links: list[_Values] = [
        (each.tenant_id, each.sequence, each.time_ticks, each.command_id, each.record, each.hash)
        for each in written
    ]
    details: list[_Values] = [
        (each.tenant_id, each.sequence, each.salt, pack(each.detail)) for each in written
    ]
    connection.write_rows(insert_statement(changes, connection.dialect), links)
    connection.write_rows(insert_statement(change_details, connection.dialect), details)


def _put(
    connection: Connection,
    entity_set: EntitySet,
    entities: Mapping[EntityKey, Stored | None],
    packs: Packed,
    *,
    tenant_id: str,
) -> None:
    whole: list[_Values] = []
    amendments: list[_Values] = []
    for key, stored in entities.items():
        if stored is not None:
            columns, body = packs[key]
            if columns is None:
                amendments.append((tenant_id, key.id, stored.version, body))
            else:
                whole.append((tenant_id, key.id, stored.version, None, *columns, body))
    if amendments:
        connection.write_rows(amend_statement(entity_set, connection.dialect), amendments)
    if whole:
        table = ENTITY_TABLES[entity_set.name]
        connection.write_rows(upsert_statement(table, connection.dialect), whole)
        # What is amended is there, and has no tombstone; a decision is never deleted.
        if entity_set is not DECISIONS:
            ids = connection.array(str(values[1]) for values in whole)
            parameters = {"tenant_id": tenant_id, "entity_set": entity_set.name, "ids": ids}
            connection.fetch(forget_tombstones_statement(connection.dialect), parameters)


def _delete(
    connection: Connection,
    entity_set: EntitySet,
    entities: Mapping[EntityKey, Stored | None],
    written: Written,
    *,
    tenant_id: str,
) -> None:
    gone = [key for key, stored in entities.items() if stored is None]
    if gone:
        ids = [(tenant_id, key.id) for key in gone]
        connection.write_rows(delete_statement(entity_set, connection.dialect), ids)
        graves: list[_Values] = [
            (tenant_id, entity_set.name, key.id, written.deleted_versions[key]) for key in gone
        ]
        connection.write_rows(upsert_statement(tombstones, connection.dialect), graves)


def _write_rows(connection: Connection, rows: Mapping[RowKey, Row]) -> None:
    for key, row in rows.items():
        table = writable_table(key)
        if table is not tenants:
            statement = upsert_statement(table, connection.dialect)
            whole = {key_column(table): key.key, **row}
            connection.write_rows(statement, [tuple(whole[name] for name in statement.parameters)])
    if any(key.table in DIRECTORY_TABLES for key in rows):
        grow_directory_revision(connection)


def grow_directory_revision(connection: Connection) -> None:
    """Have servers read their directory again, from the COMMIT of the transaction that is open."""
    connection.fetch(revision_statement(connection.dialect), {"key": "directory_revision", "one": 1})


@lru_cache
def insert_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """A new row, whole."""
    return compile_for_rows(insert(table), dialect)


@lru_cache
def upsert_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """A row, whole, new or not."""
    return compile_for_rows(upsert(table, dialect), dialect)


@lru_cache
def amend_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """The version and body of a row that is there."""
    return compile_for_rows(
        upsert(ENTITY_TABLES[entity_set.name], dialect, only=("version", "body")), dialect
    )


@lru_cache
def head_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The head of a tenant's chain moves on."""
    statement = (
        update(tenants)
        .where(tenants.c.tenant_id == bindparam("tenant_id"))
        .values(sequence=bindparam("new_sequence"), head_hash=bindparam("new_hash"))
    )
    return compile_statement(statement, dialect)


@lru_cache
def tenant_row_statement(dialect: DialectName = "sqlite") -> Compiled:
    """A tenant that is there gets another row: it is erased, or added again."""
    names = ("name", "created_ticks", "erased_ticks", "erased_sequence")
    statement = (
        update(tenants)
        .where(tenants.c.tenant_id == bindparam("tenant_id"))
        .values({name: bindparam(f"new_{name}") for name in names})
    )
    return compile_statement(statement, dialect)


@lru_cache
def delete_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """An entity goes."""
    table = ENTITY_TABLES[entity_set.name]
    statement = delete(table).where(
        table.c.tenant_id == bindparam("tenant_id"), table.c.id == bindparam("id")
    )
    return compile_for_rows(statement, dialect)


@lru_cache
def forget_tombstones_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The tombstones of entities go, because the entities are there again."""
    statement = delete(tombstones).where(
        tombstones.c.tenant_id == bindparam("tenant_id"),
        tombstones.c.entity_set == bindparam("entity_set"),
        AnyOf(tombstones.c.id, "ids"),
    )
    return compile_statement(statement, dialect)


@lru_cache
def revision_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The directory's revision grows by one."""
    grown = casted(meta.c.value, Integer) + casted(bindparam("one"), Integer)
    statement = update(meta).where(meta.c.key == bindparam("key")).values(value=casted(grown, Text))
    return compile_statement(statement, dialect)
