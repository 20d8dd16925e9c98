"""`stanchion` with a fault built in, to show that the crash tests find it: cheating.py FAULT ARGUMENTS...

`early` answers a batch before its COMMIT, which comes some batches later. `unsynced` commits without waiting for
the disk.
"""

import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from stanchion.cli import main
from stanchion.ledger.fold import Command
from stanchion.store import sqlite
from stanchion.store.connection import connect
from stanchion.store.outcome import Outcome

T = TypeVar("T")


_BATCHES_BETWEEN_COMMITS = 50


class _LateConnection(sqlite3.Connection):
    """Commits once in many times, when the next transaction begins."""

    serving = False  # set on the class, for the writer of a serving store is the only one that writes
    waiting = 0

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        if self.serving and sql == "COMMIT":
            self.waiting += 1
            return super().execute("SELECT 1")
        if sql.startswith("BEGIN") and self.in_transaction:
            if self.waiting < _BATCHES_BETWEEN_COMMITS:
                return super().execute("SELECT 1")
            self.waiting = 0
            super().execute("COMMIT")
        return super().execute(sql, *parameters)  # type: ignore[arg-type]


def answer_early() -> None:
    """Let a serving store answer before COMMIT."""
    honest = sqlite.SQLiteStore._run_batch

    def cheat(store: sqlite.SQLiteStore, commands: Sequence[Command[object]]) -> list[Outcome[object]]:
        _LateConnection.serving = True
        return honest(store, commands)

    sqlite.SQLiteStore._run_batch = cheat  # type: ignore[method-assign, assignment] # It is one.
    open_honestly = sqlite3.connect

    def open_late(*arguments: object, **options: object) -> sqlite3.Connection:
        return open_honestly(*arguments, **options, factory=_LateConnection)  # type: ignore[call-overload, no-any-return]

    sqlite3.connect = open_late  # type: ignore[assignment] # Its overloads are of no interest here.


def commit_unsynced() -> None:
    """Let COMMIT return before the disk has it."""

    def unsynced(path: Path, **options: object) -> sqlite3.Connection:
        connection = connect(path, **options)  # type: ignore[arg-type]
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    sqlite.connect = unsynced  # type: ignore[attr-defined]


FAULTS: dict[str, Callable[[], None]] = {"early": answer_early, "unsynced": commit_unsynced}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    main(prog_name="stanchion")
