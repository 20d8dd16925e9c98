"""Readings that are asked for at the same time are made together, none too early."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from stanchion.errors import ServiceUnavailable
from stanchion.store.postgresql.gathered import Gathered


class Source:
    """What is read, and how often; `go` lets a reading end."""

    def __init__(self) -> None:
        self.readings: list[tuple[str, list[str]]] = []
        self.go = asyncio.Event()
        self.value = 0
        self.failure: Exception | None = None

    async def read(self, kind: str, items: Sequence[str]) -> Mapping[str, int]:
        self.readings.append((kind, list(items)))
        value = self.value
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return dict.fromkeys(items, value)


def test_what_is_asked_in_one_turn_is_one_reading() -> None:
    async def main() -> None:
        source = Source()
        source.go.set()
        gathered = Gathered(source.read)
        await asyncio.gather(*(gathered.ask("a", str(number)) for number in range(5)))
        assert source.readings == [("a", ["0", "1", "2", "3", "4"])]

    asyncio.run(main())


def test_what_is_asked_while_one_is_under_way_sees_what_was_written_since() -> None:
    async def main() -> None:
        source = Source()
        gathered = Gathered(source.read)
        first = asyncio.ensure_future(gathered.ask("a", "x"))
        await asyncio.sleep(0.01)
        source.value = 1
        second, third = (asyncio.ensure_future(gathered.ask("a", "x")) for _ in range(2))
        await asyncio.sleep(0.01)
        assert len(source.readings) == 1
        source.go.set()
        assert list(await asyncio.gather(first, second, third)) == [0, 1, 1]
        assert len(source.readings) == 2

    asyncio.run(main())


def test_each_kind_is_read_by_itself() -> None:
    async def main() -> None:
        source = Source()
        gathered = Gathered(source.read)
        tasks = [asyncio.ensure_future(gathered.ask(kind, "x")) for kind in "ab"]
        await asyncio.sleep(0.01)
        assert source.readings == [("a", ["x"]), ("b", ["x"])]
        source.go.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())


def test_whoever_asked_has_the_failure_and_the_next_asks_anew() -> None:
    async def main() -> None:
        source = Source()
        source.go.set()
        source.failure = ServiceUnavailable("no")
        gathered = Gathered(source.read)
        answers = await asyncio.gather(*(gathered.ask("a", "x") for _ in range(2)), return_exceptions=True)
        assert answers == [source.failure] * 2
        source.failure = None
        assert await gathered.ask("a", "x") == 0

    asyncio.run(main())


def test_who_has_left_keeps_nobody_from_the_answer() -> None:
    async def main() -> None:
        source = Source()
        gathered = Gathered(source.read)
        one, other = (asyncio.ensure_future(gathered.ask("a", "x")) for _ in range(2))
        await asyncio.sleep(0.01)
        one.cancel()
        source.go.set()
        assert await other == 0
        with pytest.raises(asyncio.CancelledError):
            await one

    asyncio.run(main())
