"""Waiting for the write lock: in short steps, and no longer than asked."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from stanchion.store import SQLiteStore, locking
from stanchion.store.locking import take_lock
from tests.store.commands import increment

pytestmark = pytest.mark.sqlite("is about the one write lock of a file")


@pytest.fixture
def holder(store: SQLiteStore) -> Iterator[sqlite3.Connection]:
    """Another process, which holds the lock."""
    with closing(sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def test_a_lock_that_is_not_given_back_in_time_is_refused(
    store: SQLiteStore, holder: sqlite3.Connection
) -> None:
    began = time.monotonic()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        take_lock(store._writer, patience_seconds=0.05)
    assert 0.05 <= time.monotonic() - began < 20
    assert holder.in_transaction


def test_any_other_failure_is_told_at_once(store: SQLiteStore) -> None:
    store._writer.execute("BEGIN")
    with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
        take_lock(store._writer, patience_seconds=60)
    store._writer.execute("ROLLBACK")


def test_a_writer_waits_for_the_lock_and_has_it_soon_after(
    store: SQLiteStore, holder: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, held = store._writer.execute, list[bool]()

    def nap(seconds: float) -> None:
        pytest.fail(f"It napped for {seconds} s: only SQLite naps, as long as it is told below.")

    def attempt(sql: str, *parameters: Sequence[Any]) -> sqlite3.Cursor:
        if sql != "BEGIN IMMEDIATE":
            return execute(sql, *parameters)
        held.append(holder.in_transaction)
        try:
            return execute(sql)
        except sqlite3.OperationalError:
            if len(held) == 3:
                holder.execute("ROLLBACK")
            raise

    monkeypatch.setattr(store._writer, "execute", attempt)
    monkeypatch.setattr(locking, "time", SimpleNamespace(monotonic=time.monotonic, sleep=nap))
    store.run(increment("a"))

    assert held == [True, True, True, False]
    # An attempt takes so many milliseconds; by then SQLite's own waiting would look again after 100 at the earliest.
    assert store._writer.execute("PRAGMA busy_timeout").fetchall() == [(8,)]
