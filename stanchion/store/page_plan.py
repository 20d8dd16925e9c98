"""The plan of a page: where it ends and which bodies it has, before they are read.

- Where it ends is told by the lengths of the bodies, which the database knows without unpacking them.
- The bodies come by their ids, in pieces of about one length, each with at least one and no more than 64.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from stanchion.odata.query import KeyValue, ListQuery
from stanchion.store.pages import last_key, page_parameters, plan_statement
from stanchion.store.session import Connection

# Bodies may grow until they are read: so many of the largest are in memory at worst.
IDS_AT_ONCE = 64

Ids: TypeAlias = tuple[str, ...]


class Room(NamedTuple):
    """What a page may have, and about how much of it is read at once."""

    rows: int
    max_bytes: int
    piece_bytes: int


class Plan(NamedTuple):
    """The ids of a page in pieces, and the order keys of the last one, None when none follows it."""

    pieces: tuple[Ids, ...]
    last_key: tuple[KeyValue, ...] | None


def read_plan(connection: Connection, query: ListQuery, room: Room, *, tenant_id: str, at_least: int) -> Plan:
    """Return the plan of a page, of no more than there is room for but with `at_least` so many rows."""
    # One row more than the page tells whether there is another page.
    parameters = page_parameters(
        query, tenant_id=tenant_id, limit=room.rows + 1, skip=query.skip, array=connection.array
    )
    rows = connection.fetch(plan_statement(query, dialect=connection.dialect), parameters)
    fitting = bisect_right(list(accumulate(row[0] for row in rows)), room.max_bytes)
    taken = rows[: min(max(fitting, at_least), room.rows)]
    # Every order ends in the id.
    pieces = _in_pieces(((row[0], str(row[-1])) for row in taken), room.piece_bytes)
    if len(taken) == len(rows):
        return Plan(pieces, None)
    return Plan(pieces, last_key(query, taken[-1][1:]) if taken else query.after)


def _in_pieces(rows: Iterable[tuple[int, str]], piece_bytes: int) -> tuple[Ids, ...]:
    pieces: list[list[str]] = []
    left = 0
    for size, id in rows:
        if size > left or not pieces or len(pieces[-1]) == IDS_AT_ONCE:
            pieces.append([])
            left = piece_bytes
        pieces[-1].append(id)
        left -= size
    return tuple(map(tuple, pieces))
