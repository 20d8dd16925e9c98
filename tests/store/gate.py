"""Holding the writer thread inside a command, so that a batch is what the test wants it to be."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from stanchion.ledger.draft import Draft
from stanchion.store import SQLiteStore
from stanchion.store.commit import GroupCommit
from tests.store.commands import Do

T = TypeVar("T")


class Gate:
    """Holds the writer thread inside a command until it is opened, so that others queue up behind."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        self.command = Do(self._wait)

    def _wait(self, draft: Draft) -> str:
        self.entered.set()
        assert self.opened.wait(10)
        return draft.tenant_id


@contextmanager
def gate() -> Iterator[Gate]:
    made = Gate()
    try:
        yield made
    finally:
        made.opened.set()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (another thread makes it true)
            await asyncio.sleep(0.001)


async def queued(commits: GroupCommit | None, *submits: Awaitable[T]) -> list[asyncio.Future[T]]:
    """Submit and return once all of them wait in the queue."""
    assert commits is not None
    tasks: list[asyncio.Future[T]] = [asyncio.ensure_future(submit) for submit in submits]
    await until(lambda: len(commits._queue) == len(tasks))
    return tasks


async def behind(store: SQLiteStore, held: Gate, submits: Sequence[Awaitable[object]]) -> list[object]:
    """Run the submits as one batch, queued while the writer is held, and return answers and errors."""
    first = asyncio.create_task(store.submit(held.command))
    await until(held.entered.is_set)
    tasks = await queued(store._commits, *submits)
    held.opened.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


def run_behind(store: SQLiteStore, *commands: Do[object]) -> list[object]:
    with gate() as held:

        async def main() -> list[object]:
            return await behind(store, held, [store.submit(command) for command in commands])

        return asyncio.run(main())
