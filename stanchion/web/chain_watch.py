"""The heads of all chains for those who watch: read from the database once a minute at most, and not waited for.

- They are read when somebody looks, beside what is served. Who looks waits a moment, and gets the last reading where
  the database takes longer, is away or fails; its time says how old it is.
- Of many tenants there are two numbers, not two series each.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from stanchion.errors import StanchionError
from stanchion.store.chain_heads import ChainHeads

MAX_AGE_SECONDS = 60.0
PATIENCE_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Seen(msgspec.Struct, frozen=True):
    """A reading, and when it was made (Unix time)."""

    heads: ChainHeads
    at_seconds: float


class ChainWatch:
    """Keeps the newest reading of `read`; `clock` gives Unix time."""

    def __init__(
        self, read: Callable[[], Awaitable[ChainHeads]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._read = read
        self._clock = clock
        self._reading: asyncio.Task[None] | None = None
        self.seen: Seen | None = None

    async def look(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Have a reading that is no older than a minute, if the database gives one within `patience_seconds`."""
        if self._is_fresh():
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._look())
        await asyncio.wait([self._reading], timeout=patience_seconds)

    async def stop(self) -> None:
        """Read no more."""
        if self._reading is not None and not self._reading.done():
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def _is_fresh(self) -> bool:
        # A clock that went back makes no reading fresh for ever.
        return self.seen is not None and 0 <= self._clock() - self.seen.at_seconds < MAX_AGE_SECONDS

    async def _look(self) -> None:
        now_seconds = self._clock()
        try:
            self.seen = Seen(await self._read(), now_seconds)
        except StanchionError:
            # Whether the database answers, another metric says.
            return
        except Exception:  # noqa: BLE001 (all other metrics do without it)
            _log.exception("The heads of the chains cannot be read.")
