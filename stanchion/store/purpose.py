"""What a database is for, where it is not to be served: a backup, a copy being made, a store that was moved away.

- A store is in one place at a time. Two that are served under one id and epoch would give the same entity tags and
  tokens to different contents.
- The mark is a fact of the store, by the key `purpose`; a store that may be served has none. No chain covers it,
  and it goes nowhere with a copy.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import bindparam, delete

from stanchion.errors import OperatorError
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.rows import read_meta
from stanchion.store.session import Connection
from stanchion.store.tables import meta
from stanchion.store.writing import upsert_statement

T = TypeVar("T")

KEY = "purpose"
BACKUP = "backup"
COPY = "copy"
_MOVED = "moved to "


def moved_to(place: str) -> str:
    """Return the mark of a store that was moved away."""
    return f"{_MOVED}{place}"


def place_moved_to(purpose: str | None) -> str | None:
    """Return where a store was moved to, None where it was not."""
    return purpose.removeprefix(_MOVED) if purpose is not None and purpose.startswith(_MOVED) else None


def read_purpose(connection: Connection) -> str | None:
    """Return what the database is for, None where it is a store to be served."""
    return read_meta(connection, KEY)


def mark(connection: Connection, purpose: str | None) -> None:
    """Say what the database is for, inside the transaction that is open; None makes a store of it."""
    if purpose is None:
        connection.fetch(unmark_statement(connection.dialect), {"key": KEY})
    else:
        connection.write_rows(upsert_statement(meta, connection.dialect), [(KEY, purpose)])


def in_place(work: Callable[[Connection], T], *, name: str) -> Callable[[Connection], T]:
    """Return the work as it is done in a transaction: refused by OperatorError where the store was moved away.

    Whoever opened it before that knows nothing of it.
    """

    def look_first(connection: Connection) -> T:
        found = read_purpose(connection)
        if found is not None:
            raise refusal(found, name=name)
        return work(connection)

    return look_first


def refusal(purpose: str, *, name: str) -> OperatorError:
    """Return what to say to whoever opens a database of a purpose as a store."""
    if purpose == BACKUP:
        return OperatorError(
            f"{name} is a backup, and stays as it is; `stanchion restore` makes a store of it, "
            "`stanchion check --full` verifies it."
        )
    if purpose == COPY:
        return OperatorError(
            f"{name} is a copy that was not finished; run the same `stanchion copy` again, which goes on with it."
        )
    place = place_moved_to(purpose) or "another database"
    return OperatorError(
        f"{name} was moved to {place}; name that one with --database, or move it back by `stanchion copy`."
    )


@lru_cache
def unmark_statement(dialect: DialectName = "sqlite") -> Compiled:
    """A fact of the store goes."""
    return compile_statement(delete(meta).where(meta.c.key == bindparam("key")), dialect)
