"""A batch of commands in one transaction: load what they read, fold them, write what is left, COMMIT.

- The lock comes first, so that what is loaded is still so at COMMIT: on SQLite that of BEGIN IMMEDIATE, on PostgreSQL
  that of the tenant's head, which is read before anything else.
- A refused command, and one that fails by a bug of ours, leave nothing and harm no other.
- On SQLite one transaction may hold several tenants: each has its own fold; they share the rows that no tenant owns.
  On PostgreSQL, where two that lock several heads could wait for each other, it holds one.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from stanchion.errors import StanchionError
from stanchion.ledger.changes import SALT_BYTES
from stanchion.ledger.fold import Command, Fold
from stanchion.ledger.working_set import (
    BesideKey,
    EntityKey,
    HistoryKey,
    Key,
    LatestDecisionKey,
    NotLoaded,
    Row,
    RowKey,
    TableKey,
    TenantState,
)
from stanchion.model.edm import ENTITY_SETS
from stanchion.store.failures import for_reader
from stanchion.store.outcome import Done, Outcome, Refused, StoreBroken, never_run, unknown
from stanchion.store.reading import (
    read_end,
    read_entities,
    read_histories,
    read_ids_beside,
    read_latest_decisions,
)
from stanchion.store.rows import read_row, read_table
from stanchion.store.session import Connection
from stanchion.store.writing import packed, write

T = TypeVar("T")

_SALTS_AT_ONCE = 64


def commit_batch(
    connection: Connection, commands: Sequence[Command[T]], *, patience_seconds: float = 0.0
) -> list[Outcome[T]]:
    """Run commands in one transaction, or each in its own if that one fails; the outcomes in their order.

    Another process may hold the lock for `patience_seconds`. Raises StoreBroken, with the outcomes, when it is
    unknown whether the transaction was committed.
    """
    try:
        connection.begin(patience_seconds=patience_seconds)
    except connection.failures as error:
        return [refusal(connection, error) for _ in commands]
    try:
        return commit_together(connection, commands)
    except StoreBroken:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, each command must be run alone)
        if len(commands) == 1:
            return [refusal(connection, error)]
    return _one_by_one(connection, commands, patience_seconds=patience_seconds)


def commit_together(connection: Connection, commands: Sequence[Command[T]]) -> list[Outcome[T]]:
    """Run commands in the transaction that has begun, and end it; the outcomes in their order.

    Raises what the database fails with, when nothing was written, and StoreBroken like `commit_batch`.
    """
    with all_or_nothing(connection):
        batch = Batch(connection, locks=True)
        batch.load_what_they_read(commands)
        outcomes = [batch.apply(command) for command in commands]
        batch.write()
        commit(connection, outcomes)
        return outcomes


def transacted(connection: Connection, work: Callable[[Connection], T], *, patience_seconds: float) -> T:
    """Return what a plain function returns that writes in a transaction of its own; raises what the database does."""
    connection.begin(patience_seconds=patience_seconds)
    with all_or_nothing(connection):
        result = work(connection)
        connection.commit()
        return result


def _one_by_one(
    connection: Connection, commands: Sequence[Command[T]], *, patience_seconds: float
) -> list[Outcome[T]]:
    outcomes: list[Outcome[T]] = []
    for command in commands:
        try:
            outcomes += commit_batch(connection, [command], patience_seconds=patience_seconds)
        except StoreBroken as broken:
            # What was committed before is on the disk, and its callers are told so.
            known = [*outcomes, *broken.outcomes]
            rest = [never_run() for _ in commands[len(known) :]]
            raise StoreBroken(str(broken), outcomes=[*known, *rest]) from broken
    return outcomes


def commit(connection: Connection, outcomes: Sequence[Outcome[T]]) -> None:
    """COMMIT; raises StoreBroken, with what became of the commands, where nobody knows whether it was done."""
    try:
        connection.commit()
    except connection.failures as error:
        if connection.leaves_doubt(error):
            doubtful = [unknown() if isinstance(outcome, Done) else outcome for outcome in outcomes]
            raise StoreBroken(str(error), outcomes=doubtful, if_committed=outcomes) from error
        raise


@contextmanager
def all_or_nothing(connection: Connection) -> Iterator[None]:
    """Roll back, whatever happens in the block, unless it has committed."""
    try:
        yield
    finally:
        # A full disk, or a connection that was lost, may have ended the transaction already. A failure to end it must
        # not hide what went wrong before; the next BEGIN would tell of it.
        if connection.in_transaction:
            with suppress(*connection.failures):
                connection.rollback()


def refusal(connection: Connection, error: Exception) -> Refused:
    """Return the outcome of a command that an error stopped."""
    return Refused(connection.refusal(error) if isinstance(error, connection.failures) else for_reader(error))


class Batch:
    """The folds of a batch, one for each tenant it touches.

    With `locks`, and inside a transaction, nobody else writes to these tenants until it ends.
    """

    def __init__(self, connection: Connection, *, locks: bool = False) -> None:
        self._connection = connection
        self._locks = locks
        self._now_ticks = now_ticks()
        self._salts = _salts()
        self._rows: dict[RowKey, Row | None] = {}
        self._tables: set[TableKey] = set()
        self._folds: dict[str, Fold] = {}

    def load_what_they_read(self, commands: Sequence[Command[T]]) -> None:
        """Load the keys that commands name beforehand, each kind at once."""
        wanted: dict[str, dict[Key, None]] = {}
        for command in commands:
            keys = wanted.setdefault(command.tenant_id, {})
            try:
                keys.update(dict.fromkeys(command.reads()))
            except Exception:  # noqa: BLE001, S112 (applying it will fail in the same way, and tell its caller)
                continue
        for tenant_id, keys in wanted.items():
            self._load(self.fold(tenant_id).state, keys)

    def apply(self, command: Command[T]) -> Outcome[T]:
        """Apply one command, loading what it finds missing."""
        fold = self.fold(command.tenant_id)
        while True:
            try:
                return Done(fold.apply(command, now_ticks=self._now_ticks))
            except NotLoaded as missing:
                if all(fold.state.holds(key) for key in missing.keys):
                    return Refused(missing)
                keys = missing.keys
            except StanchionError as refusal:
                return Refused(refusal)
            except Exception as bug:  # noqa: BLE001 (a bug in one command must not fail the others)
                return Refused(bug)
            # Not among what is caught above: a database that fails here fails all of the batch.
            self._load(fold.state, keys)

    def write(self) -> None:
        """Write what the accepted commands leave."""
        for tenant_id, fold in self._folds.items():
            if fold.state.head is not None:
                written = fold.written
                keeper = self._connection.keeper(tenant_id)
                packs = packed(written.entities, keeper=keeper, amended=written.amended)
                write(
                    self._connection,
                    written,
                    packs,
                    tenant_id=tenant_id,
                    head=fold.state.head,
                    keeper=keeper,
                )

    def fold(self, tenant_id: str) -> Fold:
        """Return the fold of a tenant's commands; its head is read before anything else of the tenant is."""
        fold = self._folds.get(tenant_id)
        if fold is None:
            end = read_end(self._connection, tenant_id=tenant_id, lock=self._locks)
            state = TenantState(tenant_id, end and end.head, rows=self._rows, tables=self._tables)
            state.erased_ticks = end.erased_ticks if end is not None else None
            fold = self._folds[tenant_id] = Fold(state, salt=partial(next, self._salts))
        return fold

    def _load(self, state: TenantState, keys: Iterable[Key]) -> None:
        missing = [key for key in keys if not state.holds(key)]
        self._load_entities(state, [key for key in missing if isinstance(key, EntityKey)])
        self._load_histories(state, [key for key in missing if isinstance(key, HistoryKey)])
        self._load_latest(state, [key for key in missing if isinstance(key, LatestDecisionKey)])
        for key in missing:
            match key:
                case BesideKey(control_id):
                    state.beside[key] = read_ids_beside(
                        self._connection, tenant_id=state.tenant_id, control_id=control_id
                    )
                case RowKey():
                    state.rows[key] = read_row(self._connection, key)
                case TableKey():
                    # What earlier commands of the batch left is newer than what the table holds.
                    state.rows.update(read_table(self._connection, key) | state.rows)
                    state.tables.add(key)
                case _:
                    pass

    def _load_entities(self, state: TenantState, keys: Sequence[EntityKey]) -> None:
        for name in {key.entity_set for key in keys}:
            mine = [key for key in keys if key.entity_set == name]
            ids = [key.id for key in mine]
            found = read_entities(self._connection, ENTITY_SETS[name], tenant_id=state.tenant_id, ids=ids)
            state.entities.update({key: found.get(key.id) for key in mine})

    def _load_histories(self, state: TenantState, keys: Sequence[HistoryKey]) -> None:
        if keys:
            ids = [key.control_id for key in keys]
            found = read_histories(self._connection, tenant_id=state.tenant_id, control_ids=ids)
            state.histories.update({key: found.get(key.control_id, ()) for key in keys})

    def _load_latest(self, state: TenantState, keys: Sequence[LatestDecisionKey]) -> None:
        if keys:
            ids = [key.control_id for key in keys]
            found = read_latest_decisions(self._connection, tenant_id=state.tenant_id, control_ids=ids)
            state.latest.update({key: found.get(key.control_id) for key in keys})


def now_ticks() -> int:
    """Return the present time in ticks of 100 ns since 1970, UTC."""
    return time.time_ns() // 100


def _salts() -> Iterator[bytes]:
    """Yield salts for ever; the system is asked for some at a time."""
    while True:
        some = secrets.token_bytes(SALT_BYTES * _SALTS_AT_ONCE)
        yield from (some[start : start + SALT_BYTES] for start in range(0, len(some), SALT_BYTES))
