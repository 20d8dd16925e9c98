"""A command of the command line: prepared before the lock is taken, and again where it was overtaken."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stanchion.ledger.draft import Draft
from stanchion.ledger.working_set import EntityKey, LatestDecisionKey
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS
from stanchion.store import SQLiteStore
from stanchion.store.touched import read_touched
from stanchion.store.verify import verify
from tests.databases import AnyStore, Database
from tests.store.commands import (
    OTHER_TENANT,
    TENANT,
    Do,
    add_tenant,
    control,
    decision,
    delete,
    increment,
    put,
)
from tests.store.conftest import opened


def incremented_while(interrupt: Callable[[], None]) -> Do[int]:
    """Add one to a rank, after something else has happened meanwhile."""
    plain = increment("a")

    def action(draft: Draft) -> int:
        rank = plain.apply(draft).result
        interrupt()
        return rank

    return Do(action, TENANT)


@pytest.fixture
def other(database: Database, store: AnyStore) -> Iterator[AnyStore]:
    """The store as another process has it."""
    store.run(put(control("a", rank=0)))
    with opened(database) as made:
        yield made


def test_other_processes_write_while_a_command_is_folded(store: AnyStore, other: AnyStore) -> None:
    folds: list[int] = []

    def interrupt() -> None:
        folds.append(len(folds))
        if len(folds) == 1:
            other.run(increment("a"))

    assert store.run(incremented_while(interrupt)) == 2
    assert len(folds) == 2


@pytest.mark.sqlite("is about the one write lock of a file")
def test_a_tenant_that_never_rests_is_locked_in_the_end(store: SQLiteStore, other: AnyStore) -> None:
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


@pytest.mark.sqlite("is about the one write lock of a file")
def test_a_command_that_writes_nothing_takes_no_lock(store: SQLiteStore, path: Path) -> None:
    store.run(put(control("a", rank=0)))
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        seen = store.run(Do(lambda draft: draft.get(CONTROL_PROFILES, "a")))
    assert seen is not None
    assert seen.id == "a"


def imported_while(interrupt: Callable[[], None], folds: list[int]) -> Do[str]:
    """Write a control and a decision about it like an import, which something else happens beside."""

    def action(draft: Draft) -> str:
        before = draft.get(CONTROL_PROFILES, "a")
        rank = before.value["rank"] if before is not None else None
        draft.get(CONTROL_PROFILES, "new")
        draft.latest_decision("new")
        folds.append(draft.next_sequence)
        draft.put(CONTROL_PROFILES, control("new", rank=rank))
        draft.put(DECISIONS, decision(f"{draft.next_sequence:012d}-000000", "new"))
        interrupt()
        return "imported"

    return Do(action, TENANT, movable=True)


@pytest.mark.parametrize(
    "written",
    [put(control("elsewhere")), put(decision("999", "elsewhere"), DECISIONS), delete("gone")],
    ids=["a control", "a decision", "a delete"],
)
def test_a_movable_command_that_nobody_overtook_is_not_folded_again(
    store: AnyStore, other: AnyStore, written: Do[object]
) -> None:
    other.run(put(control("gone")))
    folds: list[int] = []

    def interrupt() -> None:
        other.run(written)

    assert store.run(imported_while(interrupt, folds)) == "imported"
    (folded_at,) = folds
    with store.reading() as connection:
        touched = list(read_touched(connection, tenant_id=TENANT, since=folded_at))
    assert EntityKey(CONTROL_PROFILES.name, "new") in touched
    assert EntityKey(DECISIONS.name, f"{folded_at + 1:012d}-000000") in touched
    verify(store, TENANT, head=None)


@pytest.mark.parametrize(
    "written",
    [increment("a"), delete("a"), put(decision("999", "new"), DECISIONS)],
    ids=["changed", "deleted", "decided"],
)
def test_a_movable_command_that_was_overtaken_is_folded_again(
    store: AnyStore, other: AnyStore, written: Do[object]
) -> None:
    folds: list[int] = []

    def interrupt() -> None:
        if len(folds) == 1:
            other.run(written)

    store.run(imported_while(interrupt, folds))
    assert folds == [folds[0], folds[0] + 1]
    verify(store, TENANT, head=None)


def test_what_was_touched_is_told_by_the_versions(store: AnyStore, other: AnyStore) -> None:
    before = other.run(put(control("before"))).version
    other.run(put(control("b")))
    other.run(delete("a"))
    other.run(put(decision("1", "c"), DECISIONS))
    other.run(put(control("d"), tenant_id=OTHER_TENANT))
    with store.reading() as connection:
        touched = list(read_touched(connection, tenant_id=TENANT, since=before))
    assert {key.id for key in touched if isinstance(key, EntityKey)} == {"a", "b", "1"}
    assert {key.control_id for key in touched if isinstance(key, LatestDecisionKey)} == {"a", "b", "c"}


def test_a_tenant_added_meanwhile_is_found_by_folding_again(store: AnyStore, other: AnyStore) -> None:
    tenant_id = "33333333-3333-4333-8333-333333333333"
    folds: list[int] = []

    def action(draft: Draft) -> bool:
        folds.append(1)
        existed = draft.exists
        if len(folds) == 1:
            other.run(add_tenant(tenant_id))
        return existed

    assert store.run(Do(action, tenant_id, movable=True))
    assert len(folds) == 2
