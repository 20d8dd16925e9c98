"""What retention looks for and takes away: scores of a time before another, and what old changes say of scores.

- Scores go by commands, some at a time, each a change of its own: whoever follows changes is told of each.
- The details of changes of that time that are about scores alone go too, unless one of these is still as that change
  wrote it. The chain stays whole without them.
- Where rows of one tenant are damaged, what is older of the others goes all the same.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import uuid4

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, literal_column, select

from stanchion.errors import NotFound, OperatorError, StanchionError
from stanchion.ledger.changes import ChangeRecord, Operator, decode_record
from stanchion.ledger.retention import RemoveScores
from stanchion.model.edm import SECURE_SCORES
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.contract import OperatedStore
from stanchion.store.erasure import detail_statement
from stanchion.store.expressions import AnyOf
from stanchion.store.pace import Pace
from stanchion.store.rows import read_tenants
from stanchion.store.session import Connection
from stanchion.store.tables import ENTITY_TABLES, change_details, changes

# Each is loaded and named in one change: a record of some KB.
_MOST_SCORES = 64
_CHANGES_AT_ONCE = 256
_FAULTS = (StanchionError, msgspec.DecodeError, UnicodeDecodeError)
# SQLAlchemy would add an OFFSET of its own, as a value, to every LIMIT on SQLite.
_AT_ONCE: ColumnElement[int] = literal_column("0")


@dataclass(frozen=True)
class Removed:
    """What retention took of a tenant: scores, and details of changes about scores."""

    tenant_id: str
    scores: int
    details: int


def overdue(store: OperatedStore, *, before_ticks: int) -> dict[str, int]:
    """Return how many scores there are to remove of each tenant."""
    with store.reading() as connection:
        return {
            tenant.tenant_id: count_old_scores(connection, tenant.tenant_id, before_ticks=before_ticks)
            for tenant in read_tenants(connection)
        }


def remove_old(
    store: OperatedStore,
    *,
    before_ticks: int,
    actor: Operator,
    pause: Callable[[float], object],
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[Removed]:
    """Remove what is older of each tenant, and tell of each; stopped between portions, the next time goes on.

    Raises OperatorError at the end for tenants of which it could not be removed, naming the first.
    """
    faults: list[str] = []
    for tenant in store.tenants():
        tenant_id = tenant.tenant_id
        try:
            scores = _remove_scores(
                store, tenant_id, before_ticks=before_ticks, actor=actor, pause=pause, stopping=stopping
            )
            details = _remove_details(
                store, tenant_id, before_ticks=before_ticks, pause=pause, stopping=stopping
            )
        except NotFound:  # It was erased meanwhile.
            continue
        except _FAULTS as error:
            faults.append(f"{tenant_id} ({error})")
            continue
        yield Removed(tenant_id, scores, details)
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise OperatorError(f"What is older was not all removed of {faults[0]}{more}.")


def count_old_scores(connection: Connection, tenant_id: str, *, before_ticks: int) -> int:
    """Return how many scores of a tenant are of a time before another."""
    parameters = {"tenant_id": tenant_id, "before": before_ticks}
    return int(connection.fetch(old_count_statement(connection.dialect), parameters)[0][0])


def _remove_scores(
    store: OperatedStore,
    tenant_id: str,
    *,
    before_ticks: int,
    actor: Operator,
    pause: Callable[[float], object],
    stopping: Callable[[], bool],
) -> int:
    pace, removed, left = Pace(pause=pause, most_rows=_MOST_SCORES), 0, set[str]()
    while not stopping():
        with store.reading() as connection:
            parameters = {"tenant_id": tenant_id, "before": before_ticks, "limit": pace.rows}
            ids = tuple(
                row[0] for row in connection.fetch(old_scores_statement(connection.dialect), parameters)
            )
        if left.issuperset(ids):  # None is there, but what an altered body keeps from going.
            break
        pace.begin()
        gone = store.run(
            RemoveScores(
                tenant_id=tenant_id,
                score_ids=ids,
                before_ticks=before_ticks,
                actor=actor,
                command_id=str(uuid4()),
            )
        )
        pace.end()
        removed += gone
        left.update(ids if not gone else ())
    return removed


def _remove_details(
    store: OperatedStore,
    tenant_id: str,
    *,
    before_ticks: int,
    pause: Callable[[float], object],
    stopping: Callable[[], bool],
) -> int:
    if stopping():
        return 0
    # Collected first: a snapshot that lasts while rows go would keep these in the log of SQLite.
    with store.reading() as connection:
        found = list(_old_details(connection, tenant_id, before_ticks=before_ticks))
    pace, removed = Pace(pause=pause), 0
    for sequences in found:
        if stopping() or not sequences:
            continue

        def portion(connection: Connection, sequences: Sequence[int] = sequences) -> None:
            pace.begin()
            statement = detail_statement(connection.dialect)
            connection.write_rows(statement, [(tenant_id, sequence) for sequence in sequences])

        store.transact(portion)
        pace.end()
        removed += len(sequences)
    return removed


def _old_details(connection: Connection, tenant_id: str, *, before_ticks: int) -> Iterator[list[int]]:
    """Give the sequences of changes whose details go, some at a time."""
    after, statement = 0, old_changes_statement(connection.dialect)
    while True:
        parameters = {
            "tenant_id": tenant_id,
            "after": after,
            "before": before_ticks,
            "limit": _CHANGES_AT_ONCE,
        }
        rows = connection.fetch(statement, parameters)
        records = [record for record in (decode_record(row[1]) for row in rows) if _is_about_scores(record)]
        ids = {touched.id for record in records for touched in record.entities}
        parameters = {"tenant_id": tenant_id, "ids": connection.array(ids)}
        found = connection.fetch(versions_statement(connection.dialect), parameters) if ids else []
        versions = {row[0]: row[1] for row in found}
        # A change that no longer explains what is stored: nothing needs its salt.
        yield [
            record.sequence
            for record in records
            if all(versions.get(touched.id) != record.sequence for touched in record.entities)
        ]
        if len(rows) < _CHANGES_AT_ONCE:
            return
        after = rows[-1][0]


def _is_about_scores(record: ChangeRecord) -> bool:
    return bool(record.entities) and all(each.entity_set == SECURE_SCORES.name for each in record.entities)


@lru_cache
def versions_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The versions of those of some scores that exist."""
    table = ENTITY_TABLES[SECURE_SCORES.name]
    statement = select(table.c.id, table.c.version)
    return compile_statement(
        statement.where(table.c.tenant_id == bindparam("tenant_id"), AnyOf(table.c.id, "ids")), dialect
    )


@lru_cache
def old_scores_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The oldest scores of a tenant of a time before another."""
    table = ENTITY_TABLES[SECURE_SCORES.name]
    statement = (
        select(table.c.id)
        .where(table.c.tenant_id == bindparam("tenant_id"), table.c.created_date_time < bindparam("before"))
        .order_by(table.c.created_date_time)
        .limit(bindparam("limit"))
        .offset(_AT_ONCE)
    )
    return compile_statement(statement, dialect)


@lru_cache
def old_count_statement(dialect: DialectName = "sqlite") -> Compiled:
    """How many scores of a tenant are of a time before another."""
    table = ENTITY_TABLES[SECURE_SCORES.name]
    statement = select(func.count()).select_from(table)
    return compile_statement(
        statement.where(
            table.c.tenant_id == bindparam("tenant_id"), table.c.created_date_time < bindparam("before")
        ),
        dialect,
    )


@lru_cache
def old_changes_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Some changes of a tenant, made before a time, that still have their details."""
    kept = (
        select(change_details.c.sequence)
        .where(change_details.c.tenant_id == bindparam("tenant_id"))
        .subquery("kept")
    )
    statement = (
        select(changes.c.sequence, changes.c.record)
        .join_from(changes, kept, kept.c.sequence == changes.c.sequence)
        .where(
            changes.c.tenant_id == bindparam("tenant_id"),
            changes.c.sequence > bindparam("after"),
            changes.c.time_ticks < bindparam("before"),
        )
        .order_by(changes.c.sequence)
        .limit(bindparam("limit"))
        .offset(_AT_ONCE)
    )
    return compile_statement(statement, dialect)
