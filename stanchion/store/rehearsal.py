"""What commands would do: the same fold as a write makes, over a moment of the store, with nothing written.

Each command sees what those before it would have left. That stays in memory until the rehearsal ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from stanchion.ledger.fold import Command
from stanchion.store.batch import Batch
from stanchion.store.outcome import Done, Refused
from stanchion.store.session import Connection, Readable

T = TypeVar("T")


class Rehearsal:
    """Commands run one after another over what was read at one moment."""

    def __init__(self, connection: Connection) -> None:
        self._batch = Batch(connection)

    def run(self, command: Command[T]) -> T:
        """Return the answer that the command would have; raises what it would raise."""
        self._batch.load_what_they_read([command])
        match self._batch.apply(command):
            case Done(result):
                return result
            case Refused(refusal):
                raise refusal


@contextmanager
def rehearsal(store: Readable) -> Iterator[Rehearsal]:
    """Open a rehearsal on a store for the block; raises OperatorError for one that cannot be read."""
    with store.reading() as connection:
        yield Rehearsal(connection)
