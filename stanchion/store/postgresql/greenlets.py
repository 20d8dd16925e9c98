"""Waiting inside plain functions: they run in a greenlet, which stands aside while the event loop goes on.

A function that waits is run by `greenlet_spawn` of SQLAlchemy. What it calls may wait by `await_only`, without being
written as a coroutine: so one body of code serves a database that answers at once, and one that is waited for.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

from sqlalchemy.util import await_only, greenlet_spawn

R = TypeVar("R")


async def inlined(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine in which plain functions wait for the database; it may await whatever else it likes."""
    return await greenlet_spawn(_driven, work)


def _driven(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end inside a greenlet: what it awaits is awaited outside, one step after the other."""
    step, given = work.send, None
    while True:
        try:
            awaited = step(given)
        except StopIteration as end:
            result: R = end.value
            return result
        try:
            await_only(_Step(awaited))
        except BaseException as error:  # noqa: BLE001 (a cancellation belongs to the coroutine, as all else does)
            step, given = work.throw, error
        else:
            step, given = work.send, None


class _Step:
    """What a coroutine gave to its event loop in one step: given on as it is."""

    def __init__(self, awaited: "asyncio.Future[object] | None") -> None:
        self._awaited = awaited

    def __await__(self) -> "Generator[asyncio.Future[object] | None, None, None]":
        yield self._awaited
