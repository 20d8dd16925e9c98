"""Answers that are read while they are sent: who has left is noticed, and what breaks off is no whole answer.

- The next piece is read once the one before was taken, so that whoever is slow holds one piece and no more, and
  what a coding keeps, which counts too.
- Nothing is held between two pieces: whoever leaves frees all by that.
- What fails on the way ends the connection. By then the status is sent, so the log alone says why; how much was
  taken, part by part, is in the line of the request, which is written at the end.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Protocol

from starlette.types import Message, Receive, Send

from stanchion.web.answering import told
from stanchion.web.exchange import Reply
from stanchion.web.outgoing import Outgoing

# What a coding keeps until its end: zstd 1.3 MB, gzip half of that.
_CODING_BYTES = 1024 * 1024

logger = logging.getLogger("stanchion.request")


class Log(Protocol):
    """Takes the request into the log."""

    def __call__(self, *, size: int) -> None:
        """Log it."""


class Stream:
    """One reply with a rest; `log` is told at the end how many bytes of it were taken."""

    def __init__(self, reply: Reply, rest: AsyncGenerator[bytes], *, log: Log) -> None:
        self._start: Message = reply.messages(without_body=True)[0]
        # Taken out of the reply, which is kept for the log until the end.
        self._first, reply.body = reply.body, b""
        self._rest = rest
        self._beside_bytes = _CODING_BYTES if "Content-Encoding" in reply.headers else 0
        self._log = log
        self._taken_bytes = 0

    async def send(self, outgoing: Outgoing, receive: Receive, send: Send) -> None:
        """Send it, as far as that goes."""

        async def counted(message: Message) -> None:
            await send(message)
            self._taken_bytes += len(message.get("body", b""))

        leaving = asyncio.ensure_future(_left(receive))
        try:
            async with aclosing(self._rest), aclosing(self._pieces(leaving.done)) as pieces:
                await outgoing.stream(self._start, pieces, counted, beside_bytes=self._beside_bytes)
        except _Left:
            logger.debug("The caller left before the end of an answer.")
        except Exception as error:  # noqa: BLE001 (the status is sent: nobody else is to be told)
            logger.warning("An answer broke off: %s", told(error).message)
        finally:
            leaving.cancel()
            self._log(size=self._taken_bytes)

    async def _pieces(self, has_left: Callable[[], bool]) -> AsyncGenerator[bytes]:
        # Nothing here holds a piece while it is sent, or the next one is read.
        yield self._taken_out()
        with suppress(StopAsyncIteration):
            while True:
                # For nobody nothing more is read.
                if has_left():
                    raise _Left
                yield await anext(self._rest)

    def _taken_out(self) -> bytes:
        first, self._first = self._first, b""
        return first


class _Left(Exception):
    """The caller has left."""


async def _left(receive: Receive) -> None:
    """Wait until the caller leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
