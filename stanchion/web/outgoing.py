"""Sending answers to callers who take them slowly: what waits for them is bounded.

- A long answer goes in pieces, each sent when the one before was taken, so that the server copies no more of it
  than a piece.
- A piece that nobody takes within the time of a request ends the connection.
- All answers that wait hold no more than so much together: beyond, the one that waits longest is cut off, for who
  takes an answer at a common speed is never that one.
"""

import asyncio
import logging
from collections.abc import AsyncIterable

from starlette.types import Message, Send

from stanchion.web.patience import at_most

# As much as an answer has that is handed on as a whole.
PIECE_BYTES = 256 * 1024
# Eight of the largest pages.
MAX_WAITING_BYTES = 128 * 1024 * 1024

logger = logging.getLogger("stanchion.request")


class Outgoing:
    """Sends answers; `timeout_seconds` are for each piece."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        piece_bytes: int = PIECE_BYTES,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._piece_bytes = piece_bytes
        self._max_waiting_bytes = max_waiting_bytes
        # In the order in which they began.
        self._waiting: dict[_Held, None] = {}
        self._waiting_bytes = 0

    async def send(self, messages: tuple[Message, Message], send: Send) -> bool:
        """Send the start of an answer and its body; say whether all of it was taken.

        A long body is taken out of its message, so that nobody else keeps it.
        """
        start, message = messages
        await send(start)
        if len(message["body"]) <= self._piece_bytes:
            await send(message)
            return True
        return await self._in_pieces(_Held(message.pop("body")), send)

    async def stream(
        self, start: Message, pieces: AsyncIterable[bytes], send: Send, *, beside_bytes: int = 0
    ) -> bool:
        """Send the start of an answer and what comes of its body; say whether all of it was taken.

        The next piece is asked for when the one before was taken. The answer holds `beside_bytes` until its end.
        """
        await send(start)
        async for piece in pieces:
            if piece:
                held = _Held(piece, beside_bytes)
                del piece
                if not await self._in_pieces(held, send, ends=False):
                    return False
                # While the next one is read, nobody holds it uncounted.
                del held
        await send({"type": "http.response.body", "body": b""})
        return True

    async def _in_pieces(self, held: "_Held", send: Send, *, ends: bool = True) -> bool:
        cancelled = held.task.cancelling()
        self._begin(held)
        try:
            for place in range(0, held.size, self._piece_bytes):
                end = place + self._piece_bytes
                piece: Message = {
                    "type": "http.response.body",
                    "body": held.body[place:end],
                    "more_body": not ends or end < held.size,
                }
                await at_most(self._timeout_seconds, send(piece))
                if held.is_cut:
                    return False
        except TimeoutError:
            # The server ends a connection whose answer stops before its end.
            logger.warning("An answer was given up: a part was not taken in %g s.", self._timeout_seconds)
            return False
        except asyncio.CancelledError:
            if held.is_cut and held.task.uncancel() <= cancelled:
                logger.warning("An answer was given up: it waited longest of more than fit in memory.")
                return False
            raise
        finally:
            self._let_go(held)
        return True

    def _begin(self, held: "_Held") -> None:
        self._waiting[held] = None
        self._waiting_bytes += held.bytes
        while self._waiting_bytes > self._max_waiting_bytes and len(self._waiting) > 1:
            oldest = next(iter(self._waiting))
            self._let_go(oldest)
            oldest.cut()

    def _let_go(self, held: "_Held") -> None:
        if held in self._waiting:
            del self._waiting[held]
            self._waiting_bytes -= held.bytes


class _Held:
    """A body that the running task sends, and nobody else keeps."""

    def __init__(self, body: bytes, beside_bytes: int = 0) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Only a task can send.")
        self.task = task
        self.body = body
        self.size = len(body)
        self.bytes = self.size + beside_bytes
        self.is_cut = False

    def cut(self) -> None:
        """Give it up. Its memory is free at once, however long the server takes to notice that nobody waits."""
        self.body = b""
        self.is_cut = True
        self.task.cancel()
