"""Sending answers to callers who take them slowly: what waits for them is bounded.

- A long answer goes in pieces, each sent when the one before was taken, so that the server copies no more of it
  than a piece.
- A piece that nobody takes within the time of a request ends the connection.
- All answers that wait hold no more than so much together: beyond, the one that waits longest is cut off, for who
  takes an answer at a common speed is never that one.
"""

import asyncio
import logging

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
        self._waiting: dict[asyncio.Task[object], int] = {}
        self._waiting_bytes = 0
        self._cut: set[asyncio.Task[object]] = set()

    async def send(self, messages: tuple[Message, Message], send: Send) -> bool:
        """Send the start of an answer and its body; say whether all of it was taken."""
        start, body = messages
        await send(start)
        if len(body["body"]) <= self._piece_bytes:
            await send(body)
            return True
        return await self._in_pieces(body["body"], send)

    async def _in_pieces(self, body: bytes, send: Send) -> bool:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Only a task can send.")
        cancelled = task.cancelling()
        self._begin(task, len(body))
        try:
            for place in range(0, len(body), self._piece_bytes):
                end = place + self._piece_bytes
                piece: Message = {
                    "type": "http.response.body",
                    "body": body[place:end],
                    "more_body": end < len(body),
                }
                await at_most(self._timeout_seconds, send(piece))
        except TimeoutError:
            # The server ends a connection whose answer stops before its end.
            logger.warning("An answer was given up: a part was not taken in %g s.", self._timeout_seconds)
            return False
        except asyncio.CancelledError:
            if task in self._cut and task.uncancel() <= cancelled:
                logger.warning("An answer was given up: it waited longest of more than fit in memory.")
                return False
            raise
        finally:
            self._end(task)
        return True

    def _begin(self, task: asyncio.Task[object], size: int) -> None:
        self._waiting[task] = size
        self._waiting_bytes += size
        excess = self._waiting_bytes - self._max_waiting_bytes
        for other, held in self._waiting.items():
            if excess <= 0:
                return
            if other is task:
                continue
            if other not in self._cut:
                self._cut.add(other)
                other.cancel()
            excess -= held

    def _end(self, task: asyncio.Task[object]) -> None:
        self._waiting_bytes -= self._waiting.pop(task)
        self._cut.discard(task)
