"""What is read from a database: entities, pages, histories and heads of chains.

Every function runs one statement, a list in chunks as many as it has; none begins or ends a transaction.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select

from stanchion.ledger.changes import Head
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, SECURE_SCORES, EntitySet
from stanchion.model.text import folded
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.expressions import AnyOf, LookedUp
from stanchion.store.pages import SHAPES_KEPT
from stanchion.store.session import Connection
from stanchion.store.tables import ENTITY_TABLES, tenants

# An export holds this many rows at a time: some 5 MB of the largest scores seen.
_CHUNK_ROWS = 100

# SQLAlchemy would add an OFFSET of its own, as a value, to every LIMIT on SQLite.
_AT_ONCE: ColumnElement[int] = literal_column("0")


class ChainEnd(NamedTuple):
    """Where a tenant's chain ends; since when the tenant is erased, and which change said last that it is."""

    head: Head
    erased_ticks: int | None
    erased_sequence: int | None


def read_entities(
    connection: Connection, entity_set: EntitySet, *, tenant_id: str, ids: Iterable[str]
) -> dict[str, Stored]:
    """Return those of the entities that exist, by id; long bodies are not in memory twice but for some at a time."""
    wanted, found = list(ids), dict[str, Stored]()
    statement = entities_statement(entity_set, connection.dialect)
    for start in range(0, len(wanted), _CHUNK_ROWS):
        some = connection.array(wanted[start : start + _CHUNK_ROWS])
        for id, version, body in connection.fetch(statement, {"tenant_id": tenant_id, "ids": some}):
            found[id] = Stored(id, version, connection.body(body, tenant_id))
    return found


def read_entity(
    connection: Connection, entity_set: EntitySet, *, tenant_id: str, id: str
) -> dict[str, Stored]:
    """Return one entity by its id, if it exists; for a single one this costs two thirds of `read_entities`."""
    parameters = {"tenant_id": tenant_id, "id": id}
    rows = connection.fetch(entity_statement(entity_set, connection.dialect), parameters)
    return {id: Stored(id, version, connection.body(body, tenant_id)) for id, version, body in rows}


def read_chunks(connection: Connection, entity_set: EntitySet, *, tenant_id: str) -> Iterator[Stored]:
    """Give every entity of a set by id, some at a time."""
    after, statement = "", chunk_statement(entity_set, connection.dialect)
    while True:
        parameters = {"tenant_id": tenant_id, "after": after, "limit": _CHUNK_ROWS}
        rows = connection.fetch(statement, parameters)
        for id, version, body in rows:
            yield Stored(id, version, connection.body(body, tenant_id))
        if len(rows) < _CHUNK_ROWS:
            return
        after = rows[-1][0]


def read_histories(
    connection: Connection, *, tenant_id: str, control_ids: Iterable[str]
) -> Mapping[str, tuple[Stored, ...]]:
    """Return the decisions about each control that has any, by version, those of one change by id."""
    histories: dict[str, list[Stored]] = {}
    parameters = {"tenant_id": tenant_id, "control_ids": connection.array(control_ids)}
    for control_id, id, version, body in connection.fetch(history_statement(connection.dialect), parameters):
        histories.setdefault(control_id, []).append(Stored(id, version, connection.body(body, tenant_id)))
    return {control_id: tuple(entries) for control_id, entries in histories.items()}


def read_latest_decisions(
    connection: Connection, *, tenant_id: str, control_ids: Iterable[str]
) -> Mapping[str, Stored]:
    """Return the decision that stands about each control that has any, by control id."""
    parameters = {"tenant_id": tenant_id, "control_ids": connection.array(control_ids), "place": 1}
    rows = connection.fetch(latest_decision_statement(connection.dialect), parameters)
    return {
        control_id: Stored(id, version, connection.body(body, tenant_id))
        for control_id, id, version, body in rows
    }


def read_ids_beside(connection: Connection, *, tenant_id: str, control_id: str) -> frozenset[str]:
    """Return the ids of controls, and of those decided about, that are this one with `@` and something behind."""
    # In the order of code points A comes right after @.
    parameters = {"tenant_id": tenant_id, "first": f"{control_id}@", "end": f"{control_id}A"}
    statements = (ids_beside_statement(each, connection.dialect) for each in (CONTROL_PROFILES, DECISIONS))
    return frozenset(id for each in statements for (id,) in connection.fetch(each, parameters))


def read_newest_score_id(connection: Connection, *, tenant_id: str, vendor: str, provider: str) -> str | None:
    """Return the id of the newest score of a provider, the names matched without regard to A-Z case."""
    parameters = {
        "tenant_id": tenant_id,
        "vendor": folded(vendor),
        "provider": folded(provider),
        "limit": 1,
    }
    rows = connection.fetch(newest_score_statement(connection.dialect), parameters)
    return rows[0][0] if rows else None


def read_head(connection: Connection, *, tenant_id: str, lock: bool = False) -> Head | None:
    """Return the head of a tenant's chain, or None for a tenant that nobody added.

    With `lock` nobody else writes to the tenant until the transaction ends; SQLite lets one write anyway.
    """
    end = read_end(connection, tenant_id=tenant_id, lock=lock)
    return end.head if end is not None else None


def read_end(connection: Connection, *, tenant_id: str, lock: bool = False) -> ChainEnd | None:
    """Return what `read_head` does, and whether the tenant is erased."""
    rows = connection.fetch(head_statement(connection.dialect, lock=lock), {"tenant_id": tenant_id})
    if not rows:
        return None
    sequence, digest, erased_ticks, erased_sequence = rows[0]
    return ChainEnd(Head(sequence, digest), erased_ticks, erased_sequence)


@lru_cache(maxsize=SHAPES_KEPT)
def entities_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """Entities by an array of ids."""
    id_column = ENTITY_TABLES[entity_set.name].c.id
    if dialect != "sqlite":
        return compile_statement(_rows(entity_set).where(AnyOf(id_column, "ids")), dialect)
    # SQLite would first make a table of the array. Joined with it, each id is looked up as it is read: a fifth less.
    asked = func.json_each(bindparam("ids")).table_valued("value", name="asked")
    looked_up = LookedUp(asked, id_column.table, onclause=id_column == asked.c.value)
    return compile_statement(_rows(entity_set).select_from(looked_up), dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def entity_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """One entity by its id."""
    id_column = ENTITY_TABLES[entity_set.name].c.id
    return compile_statement(_rows(entity_set).where(id_column == bindparam("id")), dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def chunk_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """The entities whose ids follow one, by id."""
    id_column = ENTITY_TABLES[entity_set.name].c.id
    statement = _rows(entity_set).where(id_column > bindparam("after")).order_by(id_column)
    return compile_statement(statement.limit(bindparam("limit")).offset(_AT_ONCE), dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def history_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The decisions about an array of controls, oldest first."""
    table = ENTITY_TABLES[DECISIONS.name]
    statement = (
        select(table.c.control_id, table.c.id, table.c.version, table.c.body)
        .where(table.c.tenant_id == bindparam("tenant_id"), AnyOf(table.c.control_id, "control_ids"))
        .order_by(table.c.version, table.c.id)
    )
    return compile_statement(statement, dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def latest_decision_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The decision that stands about each control of an array: the last by time, version and id."""
    table = ENTITY_TABLES[DECISIONS.name]
    entry = table.alias("entry")
    place = func.row_number().over(
        partition_by=entry.c.control_id,
        order_by=(
            entry.c.updated_date_time.desc().nulls_last(),
            entry.c.version.desc(),
            entry.c.id.desc(),
        ),
    )
    # Ranked in the index alone, so that a long history costs little; only the bodies that stand are read.
    ranked = (
        select(entry.c.id, place.label("place"))
        .where(entry.c.tenant_id == bindparam("tenant_id"), AnyOf(entry.c.control_id, "control_ids"))
        .subquery()
    )
    statement = (
        select(table.c.control_id, table.c.id, table.c.version, table.c.body)
        .join_from(ranked, table, table.c.id == ranked.c.id)
        .where(table.c.tenant_id == bindparam("tenant_id"), ranked.c.place == bindparam("place"))
    )
    return compile_statement(statement, dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def ids_beside_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """The ids of controls in a range: of the controls themselves, or of those that decisions are about."""
    table = ENTITY_TABLES[entity_set.name]
    control_id = table.c.control_id if entity_set is DECISIONS else table.c.id
    statement = select(control_id).where(
        table.c.tenant_id == bindparam("tenant_id"),
        control_id >= bindparam("first"),
        control_id < bindparam("end"),
    )
    return compile_statement(statement, dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def newest_score_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The newest score of a vendor and provider, both given in lower case."""
    table = ENTITY_TABLES[SECURE_SCORES.name]
    statement = (
        select(table.c.id)
        .where(
            table.c.tenant_id == bindparam("tenant_id"),
            func.lower(table.c.vendor_information_vendor) == bindparam("vendor"),
            func.lower(table.c.vendor_information_provider) == bindparam("provider"),
        )
        .order_by(table.c.created_date_time.desc().nulls_last(), table.c.id)
        .limit(bindparam("limit"))
        .offset(_AT_ONCE)
    )
    return compile_statement(statement, dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def head_statement(dialect: DialectName = "sqlite", *, lock: bool = False) -> Compiled:
    """The head of a tenant's chain, locked for the transaction where the database locks rows."""
    erased = (tenants.c.erased_ticks, tenants.c.erased_sequence)
    statement = select(tenants.c.sequence, tenants.c.head_hash, *erased)
    statement = statement.where(tenants.c.tenant_id == bindparam("tenant_id"))
    return compile_statement(statement.with_for_update() if lock else statement, dialect)


def _rows(entity_set: EntitySet) -> Select[str, int, bytes]:
    table = ENTITY_TABLES[entity_set.name]
    return select(table.c.id, table.c.version, table.c.body).where(
        table.c.tenant_id == bindparam("tenant_id")
    )
