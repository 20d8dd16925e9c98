"""What commands would do: the same fold as a write makes, over a moment of the store, with nothing written.

Each command sees what those before it would have left. That stays in memory until the rehearsal ends.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from stanchion.ledger.fold import Command
from stanchion.store.batch import Batch
from stanchion.store.connection import connect, snapshot
from stanchion.store.failures import for_operator
from stanchion.store.outcome import Done, Refused

T = TypeVar("T")

# As an export, which reads the same file beside a server.
_BUSY_SECONDS = 30.0


class Rehearsal:
    """Commands run one after another over what was read at one moment."""

    def __init__(self, connection: sqlite3.Connection) -> None:
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
def rehearsal(path: Path) -> Iterator[Rehearsal]:
    """Open a rehearsal on a database file for the block; raises OperatorError for one that cannot be read."""
    try:
        with closing(connect(path, busy_seconds=_BUSY_SECONDS)) as connection, snapshot(connection):
            yield Rehearsal(connection)
    except sqlite3.Error as error:
        raise for_operator(error, path=str(path)) from error
