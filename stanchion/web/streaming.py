"""Answers that are read while they are sent: who has left is noticed, and what breaks off is no whole answer.

- The next piece is read once the one before was taken, so that whoever is slow holds one piece and no more, and
  what a coding keeps, which counts too.
- Nothing is held between two pieces: whoever leaves frees all by that.
- What fails on the way ends the connection. By then the status is sent, so the log alone says why; how much was
  sent is in the line of the request, which is written at the end.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
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
    """One reply with a rest; `log` is told at the end how many bytes of it were sent."""

    def __init__(self, reply: Reply, rest: AsyncGenerator[bytes], *, log: Log) -> None:
        self._start: Message = reply.messages(without_body=True)[0]
        # Taken out of the reply, which is kept for the log until the end.
        self._first, reply.body = reply.body, b""
        self._rest = rest
        self._beside_bytes = _CODING_BYTES if "Content-Encoding" in reply.headers else 0
        self._log = log
        self._sent_bytes = 0

    async def send(self, outgoing: Outgoing, receive: Receive, send: Send) -> None:
        """Send it, as far as that goes."""
        leaving = asyncio.ensure_future(_left(receive))
        try:
            async with aclosing(self._rest), aclosing(self._pieces(leaving.done)) as pieces:
                await outgoing.stream(self._start, pieces, send, beside_bytes=self._beside_bytes)
        except _Left:
            logger.debug("The caller left before the end of an answer.")
        except Exception as error:  # noqa: BLE001 (the status is sent: nobody else is to be told)
            logger.warning("An answer broke off: %s", told(error).message)
        finally:
            leaving.cancel()
            self._log(size=self._sent_bytes)

    async def _pieces(self, has_left: Callable[[], bool]) -> AsyncGenerator[bytes]:
        piece, self._first = self._first, b""
        while True:
            yield piece
            self._sent_bytes += len(piece)
            # For nobody nothing more is read.
            if has_left():
                raise _Left
            try:
                piece = await anext(self._rest)
            except StopAsyncIteration:
                return


class _Left(Exception):
    """The caller has left."""


async def _left(receive: Receive) -> None:
    """Wait until the caller leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
