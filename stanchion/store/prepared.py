"""A command prepared before the lock is taken, so that a long import holds it for its writing alone.

- Everything is read, folded and packed without the lock. The head of the tenant's chain is read first: what
  no later change touched is still so, whenever it was read.
- With the lock it is seen whether the chain has grown. Where that touched nothing of what was read, a command
  that is `movable` goes on the new head; any other, and any that was overtaken, is folded anew.
- Rows without a version change together with the head of the tenant, so they stand or fall with it.
"""

from typing import TypeVar

import zstandard

from stanchion.ledger.changes import Head
from stanchion.ledger.fold import Command
from stanchion.ledger.later import later
from stanchion.ledger.working_set import TenantState
from stanchion.store.batch import Batch, all_or_nothing, commit, commit_batch, now_ticks, refusal
from stanchion.store.dictionaries import DictionaryFault
from stanchion.store.outcome import Outcome, Refused
from stanchion.store.purpose import read_purpose
from stanchion.store.purpose import refusal as moved_away
from stanchion.store.reading import read_end
from stanchion.store.session import Connection
from stanchion.store.touched import read_touched
from stanchion.store.writing import packed, write

T = TypeVar("T")

# Beside a busy server a tenant moves on often; after so many tries the lock is taken first.
_TRIES = 3
_NAME = "The database"


def commit_prepared(connection: Connection, command: Command[T], *, patience_seconds: float) -> Outcome[T]:
    """Run one command, prepared without the lock, at last after some tries with it; raises StoreBroken."""
    failures: tuple[type[Exception], ...] = (*connection.failures, zstandard.ZstdError)
    for _ in range(_TRIES):
        try:
            outcome = _attempt(connection, command, patience_seconds=patience_seconds)
        except DictionaryFault:
            break  # It may have gone meanwhile, with what named it: with the lock nothing goes.
        except failures as error:
            return refusal(connection, error)
        if outcome is not None:
            return outcome
    try:
        found = read_purpose(connection)
    except failures as error:
        return refusal(connection, error)
    if found is not None:
        return Refused(moved_away(found, name=_NAME))
    (outcome,) = commit_batch(connection, [command], patience_seconds=patience_seconds)
    return outcome


def _attempt(connection: Connection, command: Command[T], *, patience_seconds: float) -> Outcome[T] | None:
    batch = Batch(connection)
    fold = batch.fold(command.tenant_id)
    view = _View(connection, fold.state)
    batch.load_what_they_read([command])
    outcome = batch.apply(command)
    written = fold.written
    keeper = connection.keeper(command.tenant_id)
    packs = dict(packed(written.entities, keeper=keeper, amended=written.amended))
    # Most of what others wrote meanwhile is looked through here, so that little is left to do with the lock.
    if not view.advance(movable=written.movable):
        return None
    if isinstance(outcome, Refused) or not written.changes:
        return outcome
    connection.begin(patience_seconds=patience_seconds)
    with all_or_nothing(connection):
        if not view.advance(movable=written.movable, lock=True):
            return None
        # Whoever moves a store looks at no commands, which may take their time.
        if (found := read_purpose(connection)) is not None:
            return Refused(moved_away(found, name=_NAME))
        if view.moved and view.head is not None:
            written = later(written, view.head, now_ticks=now_ticks())
            late = {key: written.entities[key] for key in written.entities.keys() - packs.keys()}
            packs |= packed(late, keeper=keeper)
        head = written.changes[-1].head
        write(connection, written, packs, tenant_id=command.tenant_id, head=head, keeper=keeper)
        commit(connection, [outcome])
    return outcome


class _View:
    """What a command has read of a tenant, and the head up to which all of it is known to be so still."""

    def __init__(self, connection: Connection, state: TenantState) -> None:
        self._connection = connection
        self._state = state
        self.head: Head | None = state.head
        self._began = state.head

    @property
    def moved(self) -> bool:
        """Whether the chain has grown since the head was read first."""
        return self.head != self._began

    def advance(self, *, movable: bool, lock: bool = False) -> bool:
        """Go on to the present head; say whether what was read is still so, and may be used there.

        With `lock` the chain grows no further until the transaction ends.
        """
        tenant_id = self._state.tenant_id
        end, seen = read_end(self._connection, tenant_id=tenant_id, lock=lock), self.head
        now = end.head if end is not None else None
        if now == seen:
            return True
        if now is None or seen is None or now.sequence <= seen.sequence or not movable or self._state.rows:
            return False
        if end is not None and (end.erased_ticks is not None or (end.erased_sequence or 0) > seen.sequence):
            return False  # Nothing tells what was touched: it is gone.
        touched = read_touched(self._connection, tenant_id=tenant_id, since=seen.sequence)
        if any(self._state.holds(key) for key in touched):
            return False
        self.head = now
        return True
