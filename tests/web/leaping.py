"""An event loop whose clock leaps: where nothing is left to be done before the next timer, it is that time at once.

So who waits for a moment waits for all that the others do meanwhile, and a machine that stands still is not noticed.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.seconds


class _Leaping(selectors.DefaultSelector):
    seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; a wait that has an end is over at once."""
        ready = super().select(timeout if timeout is None else 0)
        if timeout is not None and not ready:
            self.seconds += max(0.0, timeout)
        return ready
