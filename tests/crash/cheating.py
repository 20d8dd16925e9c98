"""`stanchion` altered, to show that the crash tests find it: cheating.py ALTERATION[,ALTERATION] ARGUMENTS...

Cheats, each of which a test must find:

- `early` answers a batch before its COMMIT, which comes some batches later.
- `unsynced` commits without waiting for the disk.
- `half` keeps what a batch wrote before it failed; it lets a batch in three fail in its midst.
- `twice` makes each write again, under another command id.
- `unrecorded` leaves out the record of a change at times.
- `deaf` takes an error at COMMIT for a success.
- `stale` answers with the ETag of the version before.
- `careless` takes every If-Match for true.

Surroundings, which an honest server must bear:

- `failing` lets a batch in 20 fail in its midst.
- `disk` and `clock` are those of disk.py and clock.py.
- `busy` copies the log into the database after every 64 pages.
- `patient` waits a minute for its turn to write, where an honest one is done with waiting after seconds.
"""

import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from itertools import count
from typing import ClassVar
from uuid import uuid4

from msgspec.structs import replace

from stanchion.cli import main
from stanchion.ledger import commands
from stanchion.ledger.fold import Command
from stanchion.odata import etags
from stanchion.store import connection as store_connection
from stanchion.store import sqlite
from stanchion.store.outcome import Outcome
from stanchion.web import replies, writing
from tests.crash import clock, disk

_BATCHES_BETWEEN_COMMITS = 50
_WRITES_BETWEEN_FAILURES = 20
_WRITES_BETWEEN_HALVES = 3
_RECORDS_BETWEEN_LOSSES = 5
_PATIENT_SECONDS = 60.0
_MAIN = os.getpid()


class AlteredConnection(sqlite3.Connection):
    """Runs statements as the alterations say, in the worker; what the main process does before is left alone."""

    alterations: ClassVar[set[str]] = set()
    _uncommitted = 0
    _moves = count(1)
    _records = count(1)

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        if os.getpid() == _MAIN:
            return super().execute(sql, *parameters)  # type: ignore[arg-type]
        for name in ("failing", "half", "unrecorded", "unsynced", "early", "deaf"):
            if name in self.alterations:
                sql = getattr(self, f"_{name}")(sql)
        given = () if sql in _WITHOUT_PARAMETERS else parameters
        return super().execute(sql, *given)  # type: ignore[arg-type]

    def rollback(self) -> None:
        if "half" in self.alterations and os.getpid() != _MAIN:
            super().commit()
        else:
            super().rollback()

    def _failing(self, sql: str, *, writes: int = _WRITES_BETWEEN_FAILURES) -> str:
        if sql.startswith("INSERT INTO decisions") and next(self._moves) % writes == 0:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return sql

    def _half(self, sql: str) -> str:
        return self._failing(sql, writes=_WRITES_BETWEEN_HALVES)

    def _unrecorded(self, sql: str) -> str:
        if sql == "PRAGMA foreign_keys=ON":  # The database would miss the record.
            return _NOTHING
        if sql.startswith("INSERT INTO changes") and next(self._records) % _RECORDS_BETWEEN_LOSSES == 0:
            return _NOTHING
        return sql

    def _unsynced(self, sql: str) -> str:
        return "PRAGMA synchronous=OFF" if sql == "PRAGMA synchronous=FULL" else sql

    def _early(self, sql: str) -> str:
        if sql == "COMMIT":
            self._uncommitted += 1
            return _NOTHING
        if sql.startswith("BEGIN") and self.in_transaction:
            if self._uncommitted < _BATCHES_BETWEEN_COMMITS:
                return _NOTHING
            self._uncommitted = 0
            super().execute("COMMIT")
        return sql

    def _deaf(self, sql: str) -> str:
        if sql != "COMMIT":
            return sql
        try:
            super().execute("COMMIT")
        except sqlite3.Error:
            if self.in_transaction:
                super().execute("ROLLBACK")
        return _NOTHING


_NOTHING = "SELECT 1"
_WITHOUT_PARAMETERS = {_NOTHING, "COMMIT", "PRAGMA synchronous=OFF"}


def alter_connections(names: set[str]) -> None:
    """Let every connection of the worker run statements as the alterations say."""
    AlteredConnection.alterations = names
    open_honestly = sqlite3.connect

    def open_altered(*arguments: object, **options: object) -> sqlite3.Connection:
        kind = options.pop("factory", sqlite3.Connection)
        assert isinstance(kind, type)
        bases: tuple[type, ...] = (kind,) if kind is not sqlite3.Connection else ()
        factory = type("Altered", (AlteredConnection, *bases), {})
        return open_honestly(*arguments, **options, factory=factory)  # type: ignore[call-overload, no-any-return]

    sqlite3.connect = open_altered  # type: ignore[assignment] # Its overloads are of no interest here.


def write_twice() -> None:
    """Let a batch that was committed be tried again, as if nobody knew of it."""
    honest = sqlite.SQLiteStore._run_batch

    def cheat(store: sqlite.SQLiteStore, batch: Sequence[Command[object]]) -> list[Outcome[object]]:
        outcomes = honest(store, batch)
        honest(store, [replace(command, command_id=str(uuid4())) for command in batch])  # type: ignore[type-var]
        return outcomes

    sqlite.SQLiteStore._run_batch = cheat  # type: ignore[method-assign, assignment] # It is one.


def tell_stale_etags() -> None:
    """Let an answer have the ETag of the version before."""
    for module in (replies, writing):
        module.etag = lambda epoch, version: etags.etag(epoch, version - 1)  # type: ignore[attr-defined]


def ignore_if_match() -> None:
    """Let every If-Match hold."""
    commands.refuse_other_version = lambda *_: None


def checkpoint_often() -> None:
    """Let the log be copied into the database all the time."""
    store_connection._PAGES_BETWEEN_CHECKPOINTS = 64


def wait_patiently() -> None:
    """Let a write wait for a minute, be it for another process or for its turn, before it is refused."""
    sqlite._SERVER_BUSY_SECONDS = _PATIENT_SECONDS
    defaults = sqlite.SQLiteStore.submit.__kwdefaults__
    assert defaults is not None
    defaults["deadline_seconds"] = _PATIENT_SECONDS


OTHERS: dict[str, Callable[[], None]] = {
    "twice": write_twice,
    "stale": tell_stale_etags,
    "careless": ignore_if_match,
    "busy": checkpoint_often,
    "patient": wait_patiently,
    "disk": disk.install,
    "clock": clock.install,
}

if __name__ == "__main__":
    names = set(sys.argv.pop(1).split(","))
    for name in names & OTHERS.keys():
        OTHERS[name]()
    if of_statements := names - OTHERS.keys():
        alter_connections(of_statements)
    main(prog_name="stanchion")
