"""What a page of a list is read from a database.

- Bodies that are kept plain come in one value: a row each would cost several times as much.
- Where one of them is packed, or all are more than the page may hold, they are read one by one. So are those that a
  filter finds, and those in an order of what is in bodies: to ask for it may cost more than all else, and is done
  once for each row.
"""

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import closing
from itertools import accumulate

from stanchion.odata.query import KeyValue, ListQuery
from stanchion.store.bodies import NO_TEXT
from stanchion.store.contract import Page
from stanchion.store.pages import (
    count_parameters,
    count_statement,
    filtered_count_statement,
    joined_statement,
    keys_statement,
    last_key,
    page_parameters,
    page_statement,
    sorts_bodies,
)
from stanchion.store.session import Connection

# Of the largest bodies, this many more than the page may hold are in memory at worst.
ROWS_AT_ONCE = 16


def read_page(connection: Connection, query: ListQuery, *, tenant_id: str, max_bytes: int) -> Page:
    """Return a page without a count: at least one body if there is any, at most `max_bytes` beyond that.

    It runs several statements, which are to see the same state of the database.
    """
    if query.page_size == 0:
        return Page((), None)
    if query.filter is not None or sorts_bodies(query.order):
        return _read_bodies(connection, query, tenant_id=tenant_id, max_bytes=max_bytes)
    parameters = page_parameters(
        query, tenant_id=tenant_id, limit=query.page_size, skip=query.skip, array=connection.array
    )
    dialect = connection.dialect
    ((count, joined),) = connection.fetch(joined_statement(query, dialect=dialect), parameters)
    if count == 0:
        return Page((), None)
    if isinstance(joined, str):
        joined = joined.encode()
    if NO_TEXT[dialect] in joined or len(joined) > max_bytes:
        return _read_bodies(connection, query, tenant_id=tenant_id, max_bytes=max_bytes)
    if count < query.page_size:
        return Page((joined,), None)
    place = query.skip + count - 1
    return Page((joined,), _read_last_key(connection, query, {**parameters, "limit": 2, "skip": place}))


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


def _read_last_key(
    connection: Connection, query: ListQuery, parameters: dict[str, object]
) -> tuple[KeyValue, ...] | None:
    """Return the order keys of the first of two rows, None where the second is missing."""
    last, *following = connection.fetch(keys_statement(query, dialect=connection.dialect), parameters)
    return last_key(query, last) if following else None


def _read_bodies(connection: Connection, query: ListQuery, *, tenant_id: str, max_bytes: int) -> Page:
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
            unpacked = connection.bodies([row[0] for row in rows])
            bodies += unpacked
            keys += [row[1:] for row in rows]
            size += sum(map(len, unpacked))
            if size > max_bytes:
                break
    fitting = bisect_right(list(accumulate(map(len, bodies))), max_bytes)
    taken = min(max(fitting, 1), query.page_size)
    if taken >= len(bodies):
        return Page(tuple(bodies), None)
    return Page(tuple(bodies[:taken]), last_key(query, keys[taken - 1]))
