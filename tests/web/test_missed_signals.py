"""A signal that comes while the event loop stands still is seen once it runs."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable

import pytest
import uvloop

from stanchion.web.missed_signals import see_missed_signals

LOOPS = pytest.mark.parametrize("make", [uvloop.new_event_loop, asyncio.new_event_loop])


@LOOPS
def test_a_signal_between_two_runs_of_the_loop_is_seen_in_the_second(
    make: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    loop = make()
    seen: list[str] = []
    try:
        loop.add_signal_handler(signal.SIGUSR1, seen.append, "told")
        loop.run_until_complete(asyncio.sleep(0))
        os.kill(os.getpid(), signal.SIGUSR1)
        loop.run_until_complete(until_seen(seen))
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        loop.close()
    assert seen == ["told"]


async def until_seen(seen: list[str]) -> None:
    await see_missed_signals()
    for _ in range(6000):
        if seen:
            return
        await asyncio.sleep(0.01)


@LOOPS
def test_where_there_are_no_signals_nothing_is_done(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    ended: list[bool] = []

    def run() -> None:
        loop = make()
        loop.run_until_complete(see_missed_signals())
        loop.close()
        ended.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ended == [True]
