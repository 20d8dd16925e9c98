"""A command of the command line: folded before the lock is taken, and folded anew where the tenant moved on."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stanchion.ledger.working_set import Draft
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store import SQLiteStore
from tests.store.commands import TENANT, Do, control, increment, put
from tests.store.conftest import closing_now


def incremented_while(interrupt: Callable[[], None]) -> Do[int]:
    """Add one to a rank, after something else has happened meanwhile."""
    plain = increment("a")

    def action(draft: Draft) -> int:
        rank = plain.apply(draft).result
        interrupt()
        return rank

    return Do(action, TENANT)


@pytest.fixture
def other(path: Path, store: SQLiteStore) -> Iterator[SQLiteStore]:
    """The store as another process has it."""
    store.run(put(control("a", rank=0)))
    with closing_now(SQLiteStore.open(path)) as opened:
        yield opened


def test_other_processes_write_while_a_command_is_folded(store: SQLiteStore, other: SQLiteStore) -> None:
    folds: list[int] = []

    def interrupt() -> None:
        folds.append(len(folds))
        if len(folds) == 1:
            other.run(increment("a"))

    assert store.run(incremented_while(interrupt)) == 2
    assert len(folds) == 2


def test_a_tenant_that_never_rests_is_locked_in_the_end(store: SQLiteStore, other: SQLiteStore) -> None:
    refused: list[bool] = []

    def interrupt() -> None:
        try:
            writer.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            refused.append(True)
            return
        writer.execute("ROLLBACK")
        other.run(increment("a"))

    with closing(sqlite3.connect(store.path, timeout=0, isolation_level=None)) as writer:
        rank = store.run(incremented_while(interrupt))
    assert refused == [True]
    assert rank == 4


def test_a_command_that_writes_nothing_takes_no_lock(store: SQLiteStore, path: Path) -> None:
    store.run(put(control("a", rank=0)))
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        seen = store.run(Do(lambda draft: draft.get(CONTROL_PROFILES, "a")))
    assert seen is not None
    assert seen.id == "a"
