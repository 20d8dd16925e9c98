"""What a page of a list is read from a database.

- Bodies that are kept plain come in one value: a row each would cost several times as much.
- Where one of them is packed, or all are more than the page may hold, they are read row by row. So are those that a
  filter finds by what is in them: to ask for it may cost more than all else, and is done once for each row.
- What is more than a piece is planned: where the page ends is told by the lengths of the bodies, which are read
  later, by their ids and a piece at a time. So is what is in an order of what is in bodies, for the database sorts
  all rows, and is not to carry their bodies.
"""

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import closing
from itertools import accumulate

from msgspec.structs import replace

from stanchion.odata.query import KeyValue, ListQuery
from stanchion.store.bodies import NO_TEXT
from stanchion.store.contract import Page
from stanchion.store.page_plan import Ids, Room, read_plan
from stanchion.store.pages import (
    count_parameters,
    count_statement,
    filtered_count_statement,
    filters_bodies,
    joined_statement,
    keys_statement,
    last_key,
    named_statement,
    page_parameters,
    page_statement,
    sorts_bodies,
)
from stanchion.store.session import Connection

# Of the largest bodies, this many more than the page may hold are in memory at worst.
ROWS_AT_ONCE = 16


def read_page(
    connection: Connection,
    query: ListQuery,
    *,
    tenant_id: str,
    max_bytes: int,
    piece_bytes: int | None = None,
) -> Page:
    """Return a page without a count: at least one body if there is any, at most `max_bytes` beyond that.

    Of more than `piece_bytes`, the rest is left to be read by its ids. It runs several statements, which are to see
    the same state of the database.
    """
    if query.page_size == 0:
        return Page((), None)
    room = Room(query.page_size, max_bytes, max_bytes if piece_bytes is None else piece_bytes)
    if sorts_bodies(query.order):
        return _read_planned(connection, query, room, tenant_id=tenant_id)
    dialect = connection.dialect
    if query.filter is not None and filters_bodies(query.entity_set, query.filter.tree, dialect=dialect):
        return _read_bodies(connection, query, room, tenant_id=tenant_id)
    parameters = page_parameters(
        query, tenant_id=tenant_id, limit=query.page_size, skip=query.skip, array=connection.array
    )
    ((count, joined),) = connection.fetch(joined_statement(query, dialect=dialect), parameters)
    if count == 0:
        return Page((), None)
    if isinstance(joined, str):
        joined = joined.encode()
    if NO_TEXT[dialect] in joined or len(joined) > max_bytes:
        return _read_bodies(connection, query, room, tenant_id=tenant_id)
    if count < query.page_size:
        return Page((joined,), None)
    place = query.skip + count - 1
    return Page((joined,), _read_last_key(connection, query, {**parameters, "limit": 2, "skip": place}))


def read_piece(connection: Connection, query: ListQuery, ids: Ids, *, tenant_id: str) -> bytes:
    """Return the bodies of some ids in their order, those that the query has still, each after a comma."""
    # They are together while they are at hand: elsewhere it takes twice as long.
    return b",".join((b"", *_read_named(connection, query, ids, tenant_id=tenant_id)))


def read_count(connection: Connection, query: ListQuery, *, tenant_id: str) -> int:
    """Return how many entities the query asks for, its paging left aside."""
    limited, dialect = query.provider is not None, connection.dialect
    if query.filter is None:
        statement = count_statement(query.entity_set, limited=limited, dialect=dialect)
    else:
        statement = filtered_count_statement(
            query.entity_set, query.filter.tree, limited=limited, dialect=dialect
        )
    parameters = count_parameters(query, tenant_id=tenant_id, array=connection.array)
    ((count,),) = connection.fetch(statement, parameters)
    return int(count)


def _read_named(connection: Connection, query: ListQuery, ids: Ids, *, tenant_id: str) -> list[bytes]:
    parameters = {**count_parameters(query, tenant_id=tenant_id, array=connection.array)}
    parameters["ids"] = connection.array(ids)
    rows = connection.fetch(named_statement(query, dialect=connection.dialect), parameters)
    unpacked = connection.bodies([body for _, body in rows], tenant_id)
    found = dict(zip((id for id, _ in rows), unpacked, strict=True))
    return [found[id] for id in ids if id in found]


def _read_last_key(
    connection: Connection, query: ListQuery, parameters: dict[str, object]
) -> tuple[KeyValue, ...] | None:
    """Return the order keys of the first of two rows, None where the second is missing."""
    last, *following = connection.fetch(keys_statement(query, dialect=connection.dialect), parameters)
    return last_key(query, last) if following else None


def _read_bodies(connection: Connection, query: ListQuery, room: Room, *, tenant_id: str) -> Page:
    # One row more than the page tells whether there is another page.
    parameters = page_parameters(
        query, tenant_id=tenant_id, limit=query.page_size + 1, skip=query.skip, array=connection.array
    )
    statement = page_statement(query, dialect=connection.dialect)
    keys: list[Sequence[KeyValue]] = []
    bodies: list[bytes] = []
    size = 0
    with closing(connection.chunks(statement, parameters, rows=ROWS_AT_ONCE)) as chunks:
        for rows in chunks:
            unpacked = connection.bodies([row[0] for row in rows], tenant_id)
            bodies += unpacked
            keys += [row[1:] for row in rows]
            size += sum(map(len, unpacked))
            if size > room.piece_bytes:
                break
    fitting = bisect_right(list(accumulate(map(len, bodies))), room.max_bytes)
    taken = min(max(fitting, 1), query.page_size)
    if taken < len(bodies):
        return Page(tuple(bodies[:taken]), last_key(query, keys[taken - 1]))
    if size <= room.piece_bytes or len(bodies) % ROWS_AT_ONCE:
        return Page(tuple(bodies), None)
    following = replace(query, after=last_key(query, keys[-1]), skip=0)
    left = Room(room.rows - taken, room.max_bytes - size, room.piece_bytes)
    plan = read_plan(connection, following, left, tenant_id=tenant_id, at_least=0)
    return Page(tuple(bodies), plan.last_key, later=plan.pieces)


def _read_planned(connection: Connection, query: ListQuery, room: Room, *, tenant_id: str) -> Page:
    plan = read_plan(connection, query, room, tenant_id=tenant_id, at_least=1)
    if not plan.pieces:
        return Page((), None)
    first, *later = plan.pieces
    bodies = _read_named(connection, query, first, tenant_id=tenant_id)
    return Page(tuple(bodies), plan.last_key, later=tuple(later))
