"""What changed in a set, read from a database: entities by version and id, and what is gone.

- Every row of an entity has the version of the change that wrote it last, so each comes once, as it is now. The many
  of one import are told apart by their ids.
- What is gone has a tombstone; for who may see one provider only, what is not that provider's any more is gone too.
- A round ends with the head that its first page saw, so that it ends however fast others write.
- Where nothing changed, two statements look into an index and find nothing.
"""

from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from heapq import merge
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace
from sqlalchemy import Select, bindparam, exists, literal_column, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from stanchion.model.edm import EntitySet
from stanchion.model.text import folded
from stanchion.odata.delta import Changes, DeltaQuery, Everything
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.contract import DeltaPage
from stanchion.store.page_reading import ROWS_AT_ONCE, read_page
from stanchion.store.pages import SHAPES_KEPT, is_of_provider
from stanchion.store.reading import read_end
from stanchion.store.session import Connection
from stanchion.store.tables import ENTITY_TABLES, departures, tombstones

_Parameters: TypeAlias = "dict[str, str | int]"
# SQLAlchemy would add an OFFSET of its own, as a value, to every LIMIT on SQLite.
_AT_ONCE: ColumnElement[int] = literal_column("0")


class _Written(NamedTuple):
    """A change of one entity, in the order of (version, id); without a body it is gone."""

    version: int
    id: str
    body: bytes | None


def read_delta(connection: Connection, query: DeltaQuery, *, tenant_id: str, max_bytes: int) -> DeltaPage:
    """Return a page of a round: at least one row if there is any, at most `max_bytes` beyond that.

    It runs several statements, which are to see the same state of the database.
    """
    end = read_end(connection, tenant_id=tenant_id)
    head = end.head.sequence if end is not None else 0
    page = _read_page(connection, query, tenant_id=tenant_id, max_bytes=max_bytes, head=head)
    begins = end.erased_sequence if end is not None else None
    return page if begins is None else replace(page, begins=begins)


def _read_page(
    connection: Connection, query: DeltaQuery, *, tenant_id: str, max_bytes: int, head: int
) -> DeltaPage:
    match query.place:
        case None if query.latest:
            return DeltaPage((), (), head=head, until=head)
        case None:
            return _read_entities(
                connection, query, None, tenant_id=tenant_id, max_bytes=max_bytes, head=head, until=head
            )
        case Everything(until, after):
            return _read_entities(
                connection, query, after, tenant_id=tenant_id, max_bytes=max_bytes, head=head, until=until
            )
        case Changes() as place:
            return _read_changes(
                connection, query, place, tenant_id=tenant_id, max_bytes=max_bytes, head=head
            )


def _read_entities(
    connection: Connection,
    query: DeltaQuery,
    after: str | None,
    *,
    tenant_id: str,
    max_bytes: int,
    head: int,
    until: int,
) -> DeltaPage:
    page = read_page(connection, query.entities(after), tenant_id=tenant_id, max_bytes=max_bytes)
    following = None if page.last_key is None else Everything(until, str(page.last_key[0]))
    return DeltaPage(page.runs, (), head=head, until=until, next=following)


def _read_changes(
    connection: Connection,
    query: DeltaQuery,
    place: Changes,
    *,
    tenant_id: str,
    max_bytes: int,
    head: int,
) -> DeltaPage:
    until = head if place.until is None else place.until
    # No id is empty: all of the next version come after this.
    version, after = (place.version + 1, "") if place.after is None else (place.version, place.after)
    parameters: _Parameters = {
        "tenant_id": tenant_id,
        "version": version,
        "after": after,
        "until": until,
        # One row more than the page tells whether there is another page.
        "limit": query.page_size + 1,
    }
    if query.provider is not None:
        parameters["provider"] = folded(query.provider)
    written, cut = _read_written(connection, query, parameters, max_bytes=max_bytes)
    gone = _read_gone(connection, query, parameters)
    if cut:
        gone = [one for one in gone if one < written[-1]]
    rows = list(merge(written, gone))
    taken = rows[: query.page_size]
    following = None
    if cut or len(rows) > len(taken):
        following = Changes(taken[-1].version, taken[-1].id, until)
    bodies = tuple(one.body for one in taken if one.body is not None)
    removed = tuple(one.id for one in taken if one.body is None)
    return DeltaPage(bodies, removed, head=head, until=until, next=following)


def _read_written(
    connection: Connection, query: DeltaQuery, parameters: _Parameters, *, max_bytes: int
) -> tuple[list[_Written], bool]:
    """Return the entities written, and whether there are more than their bytes allow."""
    limited = query.provider is not None
    statement = written_statement(query.entity_set, limited=limited, dialect=connection.dialect)
    found: list[_Written] = []
    size = 0
    with closing(connection.chunks(statement, parameters, rows=ROWS_AT_ONCE)) as chunks:
        for rows in chunks:
            bodies = connection.bodies([body for _, _, body in rows], str(parameters["tenant_id"]))
            for (version, id, _), body in zip(rows, bodies, strict=True):
                size += len(body)
                if found and size > max_bytes:
                    return found, True
                found.append(_Written(version, id, body))
    return found, False


def _read_gone(connection: Connection, query: DeltaQuery, parameters: _Parameters) -> Sequence[_Written]:
    dialect = connection.dialect
    statement = gone_statement(dialect)
    if query.provider is not None:
        statement = departed_statement(query.entity_set, dialect)
    rows = connection.fetch(statement, {**parameters, "entity_set": query.entity_set.name})
    return [_Written(version, id, None) for version, id in rows]


@lru_cache(maxsize=SHAPES_KEPT)
def written_statement(
    entity_set: EntitySet, *, limited: bool = False, dialect: DialectName = "sqlite"
) -> Compiled:
    """The entities of a set written by the changes after one and up to another, those of one provider if limited."""
    table = ENTITY_TABLES[entity_set.name]
    statement = select(table.c.version, table.c.id, table.c.body)
    statement = statement.where(table.c.tenant_id == bindparam("tenant_id"))
    if limited:
        statement = statement.where(is_of_provider(table))
    return compile_statement(_in_order(statement, table.c.version, table.c.id), dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def gone_statement(dialect: DialectName = "sqlite") -> Compiled:
    """What was deleted from a set by those changes."""
    statement = select(tombstones.c.version, tombstones.c.id).where(
        tombstones.c.tenant_id == bindparam("tenant_id"), tombstones.c.entity_set == bindparam("entity_set")
    )
    return compile_statement(_in_order(statement, tombstones.c.version, tombstones.c.id), dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def departed_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """What of a set those changes took from a provider, and is not that provider's again."""
    table = ENTITY_TABLES[entity_set.name]
    of_tenant = departures.c.tenant_id == bindparam("tenant_id")
    # The guard judges each SELECT by itself: the inner one names the outer one's table, and so its tenant too.
    again = select(table.c.id).where(
        table.c.tenant_id == bindparam("tenant_id"),
        of_tenant,
        table.c.id == departures.c.id,
        is_of_provider(table),
    )
    statement = select(departures.c.version, departures.c.id).where(
        of_tenant,
        departures.c.entity_set == bindparam("entity_set"),
        departures.c.provider == bindparam("provider"),
        ~exists(again),
    )
    return compile_statement(_in_order(statement, departures.c.version, departures.c.id), dialect)


def _in_order(
    statement: Select[int, str] | Select[int, str, bytes],
    version: ColumnElement[int],
    id: ColumnElement[str],
) -> Select[int, str] | Select[int, str, bytes]:
    place = tuple_(bindparam("version"), bindparam("after"))
    return (
        statement.where(tuple_(version, id) > place, version <= bindparam("until"))
        .order_by(version, id)
        .limit(bindparam("limit"))
        .offset(_AT_ONCE)
    )
