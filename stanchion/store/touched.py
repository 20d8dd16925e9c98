"""What was written to a tenant since a version: the keys whose values may have changed.

Every write leaves its version, on the entity or on the tombstone in its place; the index by version finds them.
A decision changes what is known of its control; one that moves to another control leaves with the control's
own id, which is written too.
"""

from collections.abc import Iterator
from functools import lru_cache

from sqlalchemy import bindparam, select

from stanchion.ledger.working_set import (
    BesideKey,
    EntityKey,
    HistoryKey,
    Key,
    LatestDecisionKey,
    ids_beside_which,
)
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, ENTITY_SETS, EntitySet
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.session import Connection
from stanchion.store.tables import ENTITY_TABLES, tombstones


def read_touched(connection: Connection, *, tenant_id: str, since: int) -> Iterator[Key]:
    """Give every key of a tenant that a change after `since` may have given another value."""
    parameters, dialect = {"tenant_id": tenant_id, "since": since}, connection.dialect
    for name, entity_set in ENTITY_SETS.items():
        for (id,) in connection.fetch(touched_statement(entity_set, dialect), parameters):
            yield from _keys(name, id)
    for name, id in connection.fetch(deleted_statement(dialect), parameters):
        yield from _keys(name, id)
    for (control_id,) in connection.fetch(decided_statement(dialect), parameters):
        yield from _about_control(control_id)


def _keys(entity_set: str, id: str) -> Iterator[Key]:
    yield EntityKey(entity_set, id)
    if entity_set == CONTROL_PROFILES.name:
        yield from _about_control(id)


def _about_control(control_id: str) -> Iterator[Key]:
    yield HistoryKey(control_id)
    yield LatestDecisionKey(control_id)
    yield from map(BesideKey, ids_beside_which(control_id))


@lru_cache
def touched_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """The ids of the entities of a set that were written after a version."""
    table = ENTITY_TABLES[entity_set.name]
    statement = select(table.c.id).where(
        table.c.tenant_id == bindparam("tenant_id"), table.c.version > bindparam("since")
    )
    return compile_statement(statement, dialect)


@lru_cache
def decided_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The controls about which a decision was written after a version."""
    table = ENTITY_TABLES[DECISIONS.name]
    statement = select(table.c.control_id).where(
        table.c.tenant_id == bindparam("tenant_id"), table.c.version > bindparam("since")
    )
    return compile_statement(statement, dialect)


@lru_cache
def deleted_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The set and id of each entity that was deleted after a version."""
    statement = select(tombstones.c.entity_set, tombstones.c.id).where(
        tombstones.c.tenant_id == bindparam("tenant_id"), tombstones.c.version > bindparam("since")
    )
    return compile_statement(statement, dialect)
