"""Readings that are asked for at the same time: one of a kind is under way, and what comes meanwhile is the next.

- Whoever asks is answered by a reading that begins after the asking, so each sees all that was committed before.
- So at any load there is no more than one reading of a kind at once, and each answers all that waited for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import Context
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
J = TypeVar("J", bound=Hashable)
A = TypeVar("A")


class Gathered(Generic[K, J, A]):
    """What is asked of each kind on one event loop; `read` answers some items of a kind at once."""

    def __init__(self, read: Callable[[K, Sequence[J]], Awaitable[Mapping[J, A]]]) -> None:
        self._read = read
        self._asked: dict[K, list[tuple[J, asyncio.Future[A]]]] = {}
        self._under_way: dict[K, asyncio.Task[None]] = {}

    async def ask(self, kind: K, item: J) -> A:
        """Return the answer to one item; raises what its reading raised."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[A] = loop.create_future()
        self._asked.setdefault(kind, []).append((item, answer))
        if kind not in self._under_way:
            # It begins in the next turn of the loop, and reads for all that ask in this one.
            self._under_way[kind] = loop.create_task(self._answer(kind), context=Context())
        return await answer

    async def _answer(self, kind: K) -> None:
        try:
            while asked := self._asked.pop(kind, None):
                await self._answer_all(kind, [each for each in asked if not each[1].done()])
        finally:
            del self._under_way[kind]

    async def _answer_all(self, kind: K, asked: "Sequence[tuple[J, asyncio.Future[A]]]") -> None:
        if not asked:
            return
        try:
            answers = await self._read(kind, [item for item, _ in asked])
        except Exception as error:  # noqa: BLE001 (whatever it is, whoever asked is to have it)
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            return
        for item, answer in asked:
            if not answer.done():
                answer.set_result(answers[item])
