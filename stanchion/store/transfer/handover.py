"""Handing a store over from one database to another: at each moment at most one of both can be served.

1. The target is marked as a copy, and stays so until all of it is there.
2. The source is marked as moved, if nobody wrote to it since it was copied.
3. The target gets what no tenant owns, a change that tells of the move, and loses its mark: it is the store.

Killed in between, the next run goes on from where this one was. A store that was moved back goes on in its former
place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stanchion.errors import OperatorError
from stanchion.store import purpose
from stanchion.store.batch import all_or_nothing, commit_batch
from stanchion.store.compile import Compiled
from stanchion.store.outcome import Refused
from stanchion.store.rows import STORE_CHAIN, read_meta
from stanchion.store.session import Connection
from stanchion.store.tables import meta
from stanchion.store.transfer.commands import MoveStore
from stanchion.store.transfer.contents import Row, write_rows
from stanchion.store.transfer.copying import (
    TenantHead,
    clear_tenant,
    continues,
    own_rows,
    replace_own,
    tenant_heads,
)

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class End:
    """One end of a copy: a connection, and what people call its database."""

    connection: Connection
    name: str


def store_id(end: End) -> str:
    """Return the id of the store in a database; raises OperatorError where there is none."""
    found = read_meta(end.connection, "store_id")
    if found is None:
        raise OperatorError(f"{end.name} holds no store.")
    return found


def is_handed_over(source: End, target: End) -> bool:
    """Say whether the source was moved to the target before, and that is the store now."""
    return (
        purpose.place_moved_to(purpose.read_purpose(source.connection)) == target.name
        and purpose.read_purpose(target.connection) is None
        and store_id(source) == read_meta(target.connection, "store_id")
    )


def begin(source: End, target: End) -> None:
    """Mark the target as a copy of the source; raises OperatorError where either is something else."""
    id, theirs = store_id(source), read_meta(target.connection, "store_id")
    mark, their_mark = purpose.read_purpose(source.connection), purpose.read_purpose(target.connection)
    goes_on = theirs == id and their_mark == purpose.COPY
    if mark is not None and not (goes_on and purpose.place_moved_to(mark) == target.name):
        raise purpose.refusal(mark, name=source.name)
    if goes_on:
        return
    new = is_new(target.connection)
    if not new:
        _require_former_place(source, target, id=id, theirs=theirs, mark=their_mark)

    def write(connection: Connection) -> None:
        if new:
            clear_tenant(connection, STORE_CHAIN)
        purpose.mark(connection, purpose.COPY)
        write_rows(connection, meta, [("store_id", id)])

    in_transaction(target.connection, write)


def is_new(connection: Connection) -> bool:
    """Say whether a database holds nothing, or a store that was made and not used since."""
    heads, own = tenant_heads(connection), own_rows(connection)
    if purpose.read_purpose(connection) is not None:
        return False
    if not heads:
        return not any(own.values())
    used = any(rows for table, rows in own.items() if table != meta.name)
    return [each.tenant_id for each in heads] == [STORE_CHAIN] and heads[0].sequence == 1 and not used


def leave(
    source: End,
    writing: Connection,
    heads: Sequence[TenantHead],
    own: dict[str, list[Row]],
    *,
    for_: End,
) -> None:
    """Mark the source as moved; raises OperatorError where it is not any more what was copied."""

    def write(connection: Connection) -> None:
        _await_writers(connection)
        # Apps that an erasure takes away move no head.
        if tenant_heads(connection) != list(heads) or own_rows(connection) != own:
            raise OperatorError(
                f"{source.name} was written to meanwhile; run the same command again, which brings that along."
            )
        purpose.mark(connection, purpose.moved_to(for_.name))

    in_transaction(writing, write)


def _await_writers(connection: Connection) -> None:
    """Wait for whoever writes and found no mark, and keep others from looking for one until this has ended.

    On SQLite the lock of the transaction that is open does so already.
    """
    if connection.dialect == "postgresql":
        connection.fetch(Compiled(f"LOCK TABLE {meta.name} IN ACCESS EXCLUSIVE MODE", ()), {})


def take_over(source: End, target: End, own: dict[str, list[Row]]) -> None:
    """Make the target the store; the mark goes last."""

    def write(connection: Connection) -> None:
        replace_own(connection, own)
        purpose.mark(connection, purpose.COPY)

    in_transaction(target.connection, write)
    command = MoveStore(source=source.connection.dialect, target=target.connection.dialect)
    (outcome,) = commit_batch(target.connection, [command])
    if isinstance(outcome, Refused):
        raise outcome.error
    in_transaction(target.connection, lambda connection: purpose.mark(connection, None))


def in_transaction(connection: Connection, write: Callable[[Connection], None]) -> None:
    """Run a function in a transaction of its own, all or nothing."""
    connection.begin(patience_seconds=_PATIENCE_SECONDS)
    with all_or_nothing(connection):
        write(connection)
        connection.commit()


def _require_former_place(source: End, target: End, *, id: str, theirs: str | None, mark: str | None) -> None:
    """Raise OperatorError unless the store was moved from the target to the source, which has gone on from there."""
    if theirs != id:
        raise OperatorError(f"{target.name} holds another store; name an empty database.")
    if purpose.place_moved_to(mark) is None:
        raise OperatorError(
            f"{target.name} holds this store already, and is not written over; name an empty database."
        )
    for each in tenant_heads(target.connection):
        if not continues(source.connection, each):
            raise OperatorError(
                f"{target.name} has changes of {each.tenant_id} that {source.name} lacks; name an empty database."
            )
