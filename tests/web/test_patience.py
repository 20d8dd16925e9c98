"""Waiting for what a caller sends: no longer than allowed, and nobody else suffers."""

import asyncio

import pytest

from stanchion.web.patience import at_most
from tests.web.leaping import run


def test_what_comes_in_time_is_returned() -> None:
    async def main() -> None:
        assert await at_most(10, asyncio.sleep(0.001, "body")) == "body"

    run(main())


def test_each_gives_up_at_its_own_deadline() -> None:
    gave_up: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        with pytest.raises(TimeoutError):
            await at_most(seconds, asyncio.sleep(10))
        gave_up.append(name)

    async def main() -> None:
        patient = asyncio.create_task(at_most(10, asyncio.sleep(0.2, "body")))
        await asyncio.gather(wait("third", 0.09), wait("first", 0.03), wait("second", 0.06))
        assert await patient == "body"

    run(main())
    assert gave_up == ["first", "second", "third"]


def test_who_gave_up_may_wait_again() -> None:
    async def main() -> None:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await at_most(0.01, asyncio.sleep(10))
        assert await at_most(10, asyncio.sleep(0.05, "body")) == "body"

    run(main())


def test_who_is_cancelled_meanwhile_is_cancelled() -> None:
    async def main() -> None:
        waiting = asyncio.create_task(at_most(10, asyncio.sleep(10)))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert waiting.cancelled()

    run(main())


def test_what_goes_wrong_goes_wrong() -> None:
    async def fail() -> None:
        raise KeyError("body")

    async def main() -> None:
        with pytest.raises(KeyError):
            await at_most(10, fail())

    run(main())
