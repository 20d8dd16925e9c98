"""Waiting for the write lock of a SQLite file, which processes have in turn.

SQLite's own waiting ends in naps of 0.1 s: beside a server that commits without a pause they miss every gap, and
after a long write of another process they keep 64 callers waiting for nothing. Ours are a few milliseconds long.
"""

import sqlite3
import time

from stanchion.store.failures import is_busy

# SQLite naps for 1, 2 and 5 ms before it tells that the lock is held; then the asking begins anew.
_NAPS_MILLISECONDS = 8


def nap_briefly(connection: sqlite3.Connection) -> None:
    """Make a connection tell within milliseconds that another one holds the lock."""
    connection.execute(f"PRAGMA busy_timeout={_NAPS_MILLISECONDS}").fetchall()


def take_lock(connection: sqlite3.Connection, *, patience_seconds: float) -> None:
    """Begin a transaction that nobody else can write beside.

    Raises sqlite3.OperationalError where another connection holds the lock for `patience_seconds`.
    """
    end = time.monotonic() + patience_seconds
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= end:
                raise
        else:
            return
