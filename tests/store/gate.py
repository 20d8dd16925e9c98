"""Holding what writes a batch, so that the next one is what the test wants it to be.

SQLite has one thread that writes, which is held inside a command. On PostgreSQL a transaction first locks the head of
its tenant, so somebody else holds those of all.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from stanchion.ledger.draft import Draft
from stanchion.store import SQLiteStore
from stanchion.store.commit import GroupCommit
from stanchion.store.postgresql.commits import TenantCommits
from tests.databases import AnyStore, Database
from tests.store.commands import Do

T = TypeVar("T")

# Only who waits in vain waits so long.
_PATIENCE_SECONDS = 60.0
# Who waits for the connection that asks.
_WAITING = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


class Gate:
    """Holds a command until it is opened, so that others queue up behind."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._entered, self._opened = threading.Event(), threading.Event()
        self.command: Do[str] = self.holding(Do(lambda draft: draft.tenant_id))

    @property
    def on_sqlite(self) -> bool:
        """Whether the command itself is what waits."""
        return self._database.dialect == "sqlite"

    def holding(self, command: Do[T]) -> Do[T]:
        """Return the command as one that is held."""

        def action(draft: Draft) -> T:
            self.hold()
            return command.action(draft)

        return replace(command, action=action) if self.on_sqlite else command

    def hold(self) -> None:
        """Wait until the gate is opened, in the thread that writes."""
        self._entered.set()
        assert self._opened.wait(_PATIENCE_SECONDS)

    def close(self) -> None:
        """Hold what comes."""
        if not self.on_sqlite:
            self._database.execute("BEGIN")
            self._database.execute("SELECT 1 FROM tenants FOR UPDATE")

    def entered(self) -> bool:
        """Say whether the command has come to where it is held."""
        return self._entered.is_set() if self.on_sqlite else self._database.execute(_WAITING) != [(0,)]

    def open(self) -> None:
        """Let all go on."""
        if not self.on_sqlite and not self._opened.is_set():
            self._database.execute("ROLLBACK")
        self._opened.set()


@contextmanager
def gate(database: Database) -> Iterator[Gate]:
    """Give a gate that holds, until it or the block is ended."""
    made = Gate(database)
    made.close()
    try:
        yield made
    finally:
        made.open()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 (somebody else makes it true)
            await asyncio.sleep(0.001)


def commits_of(store: AnyStore) -> GroupCommit | TenantCommits:
    """Return what commits for a store, on the running event loop."""
    if isinstance(store, SQLiteStore):
        assert store._commits is not None
        return store._commits
    return store._here().commits


def waiting(commits: GroupCommit | TenantCommits) -> int:
    """Return how many commands wait for their turn."""
    return len(commits._queue) if isinstance(commits, GroupCommit) else commits._queued


async def closed(commits: GroupCommit | TenantCommits) -> None:
    """Answer what waits, and take no more."""
    if isinstance(commits, GroupCommit):
        await asyncio.to_thread(commits.close)
    else:
        await commits.close()


async def queued(commits: GroupCommit | TenantCommits, *submits: Awaitable[T]) -> list[asyncio.Future[T]]:
    """Submit and return once all of them wait in the queue."""
    tasks: list[asyncio.Future[T]] = [asyncio.ensure_future(submit) for submit in submits]
    await until(lambda: waiting(commits) == len(tasks))
    return tasks


async def behind(store: AnyStore, held: Gate, submits: Sequence[Awaitable[Any]]) -> list[object]:
    """Run the submits as one batch, queued while the gate holds, and return answers and errors."""
    first = asyncio.create_task(store.submit(held.command))
    await until(held.entered)
    tasks = await queued(commits_of(store), *submits)
    held.open()
    await first
    answers: list[object] = await asyncio.gather(*tasks, return_exceptions=True)
    return answers


def run_behind(store: AnyStore, database: Database, *commands: Do[Any]) -> list[object]:
    """Run commands as one batch of a serving store; return answers and errors; all are of one tenant."""
    with gate(database) as held:
        held.command = replace(held.command, tenant_id=commands[0].tenant_id)

        async def main() -> list[object]:
            return await behind(store, held, [store.submit(command) for command in commands])

        return asyncio.run(main())
