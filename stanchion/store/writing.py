"""Writing what a fold leaves: the changes, the entities, the rows, and the new head of the chain."""

import sqlite3
from collections.abc import Iterable, Mapping
from functools import lru_cache

from sqlalchemy import Integer, Table, Text, bindparam, cast, delete, insert, update

from stanchion.ledger.changes import Change, Head
from stanchion.ledger.fold import Written
from stanchion.ledger.working_set import Row, RowKey, Stored
from stanchion.model.check import ColumnValue, column_values
from stanchion.model.edm import ENTITY_SETS, EntitySet
from stanchion.store.bodies import pack
from stanchion.store.compile import Compiled, DialectName, compile_statement, upsert
from stanchion.store.rows import DIRECTORY_TABLES, key_column, writable_table
from stanchion.store.tables import ENTITY_TABLES, change_details, changes, meta, tenants, tombstones


def write(connection: sqlite3.Connection, written: Written, *, tenant_id: str, head: Head) -> None:
    """Write one tenant's part of a batch, inside the transaction that is open."""
    if not written.changes:
        return
    if written.new_tenant:
        row = written.rows[RowKey(tenants.name, tenant_id)]
        _insert_tenant(connection, row, tenant_id=tenant_id, head=head)
    else:
        _move_head(connection, tenant_id=tenant_id, head=head)
    _insert_changes(connection, written.changes)
    _write_entities(connection, written, tenant_id=tenant_id)
    _write_rows(connection, written.rows)


def _insert_tenant(connection: sqlite3.Connection, row: Row, *, tenant_id: str, head: Head) -> None:
    parameters = {
        "tenant_id": tenant_id,
        "name": row["name"],
        "created_ticks": row["created_ticks"],
        "sequence": head.sequence,
        "head_hash": head.hash,
    }
    connection.execute(insert_statement(tenants).sql, parameters)


def _move_head(connection: sqlite3.Connection, *, tenant_id: str, head: Head) -> None:
    parameters = {"tenant_id": tenant_id, "new_sequence": head.sequence, "new_hash": head.hash}
    connection.execute(head_statement().sql, parameters)


def _insert_changes(connection: sqlite3.Connection, written: Iterable[Change]) -> None:
    links, details = [], []
    for change in written:
        key = {"tenant_id": change.tenant_id, "sequence": change.sequence}
        links.append(
            {
                **key,
                "time_ticks": change.time_ticks,
                "command_id": change.command_id,
                "record": change.record,
                "hash": change.hash,
            }
        )
        details.append({**key, "salt": change.salt, "detail": pack(change.detail)})
    connection.executemany(insert_statement(changes).sql, links)
    connection.executemany(insert_statement(change_details).sql, details)


def _write_entities(connection: sqlite3.Connection, written: Written, *, tenant_id: str) -> None:
    for entity_set in ENTITY_SETS.values():
        mine = {key: stored for key, stored in written.entities.items() if key.entity_set == entity_set.name}
        put = [stored for stored in mine.values() if stored is not None]
        graves = [
            {
                "tenant_id": tenant_id,
                "entity_set": entity_set.name,
                "id": key.id,
                "version": written.deleted_versions[key],
                "provider": _provider(entity_set, written.deleted[key]),
            }
            for key, stored in mine.items()
            if stored is None
        ]
        if put:
            _put(connection, entity_set, tenant_id=tenant_id, entities=put)
        if graves:
            connection.executemany(delete_statement(entity_set).sql, graves)
            connection.executemany(upsert_statement(tombstones).sql, graves)


def _provider(entity_set: EntitySet, deleted: Stored | None) -> ColumnValue:
    if deleted is None:
        return None
    return column_values(entity_set, deleted.value).get("vendor_information_provider")


def _put(
    connection: sqlite3.Connection, entity_set: EntitySet, *, tenant_id: str, entities: Iterable[Stored]
) -> None:
    rows = [
        {
            "tenant_id": tenant_id,
            "id": stored.id,
            "version": stored.version,
            "dictionary": None,
            "body": pack(stored.body),
            **column_values(entity_set, stored.value),
        }
        for stored in entities
    ]
    graves = [{"tenant_id": tenant_id, "entity_set": entity_set.name, "id": row["id"]} for row in rows]
    connection.executemany(upsert_statement(ENTITY_TABLES[entity_set.name]).sql, rows)
    connection.executemany(forget_tombstone_statement().sql, graves)


def _write_rows(connection: sqlite3.Connection, rows: Mapping[RowKey, Row]) -> None:
    for key, row in rows.items():
        table = writable_table(key)
        if table is not tenants:
            connection.execute(upsert_statement(table).sql, {key_column(table): key.key, **row})
    if any(key.table in DIRECTORY_TABLES for key in rows):
        connection.execute(revision_statement().sql, {"key": "directory_revision", "one": 1})


@lru_cache
def insert_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """A new row, whole."""
    return compile_statement(insert(table), dialect)


@lru_cache
def upsert_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """A row, whole, new or not."""
    return compile_statement(upsert(table, dialect), dialect)


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
def delete_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """An entity goes."""
    table = ENTITY_TABLES[entity_set.name]
    statement = delete(table).where(
        table.c.tenant_id == bindparam("tenant_id"), table.c.id == bindparam("id")
    )
    return compile_statement(statement, dialect)


@lru_cache
def forget_tombstone_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The tombstone of an entity goes, because the entity is there again."""
    statement = delete(tombstones).where(
        tombstones.c.tenant_id == bindparam("tenant_id"),
        tombstones.c.entity_set == bindparam("entity_set"),
        tombstones.c.id == bindparam("id"),
    )
    return compile_statement(statement, dialect)


@lru_cache
def revision_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The directory's revision grows by one."""
    grown = cast(meta.c.value, Integer) + cast(bindparam("one"), Integer)
    statement = update(meta).where(meta.c.key == bindparam("key")).values(value=cast(grown, Text))
    return compile_statement(statement, dialect)
