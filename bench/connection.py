"""A keep-alive HTTP/1.1 connection that costs its process little, so that the server is what is measured.

It reads just what these servers send: a status, and a body with Content-Length, in chunks, or none.
Source: RFC 9112, sections 6 and 7.1.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, cast

_END_OF_HEAD = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What came back for one request."""

    status: int
    head: bytes
    body: bytes | bytearray


OnAnswer: TypeAlias = Callable[[Answer], None]
OnLoss: TypeAlias = Callable[[str], None]


class Connection(asyncio.Protocol):
    """One connection, one request under way at a time; `on_answer` may ask the next one at once."""

    def __init__(self, on_answer: OnAnswer, on_loss: OnLoss) -> None:
        self._on_answer = on_answer
        self._on_loss = on_loss
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._needed = 0  # bytes without which there is no use in looking

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        # uvloop's has the methods of a Transport and is none.
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> None:
        """Send a request; its answer goes to `on_answer`."""
        assert self._transport is not None
        self._transport.write(request)

    def close(self) -> None:
        """Close; nothing is told of it."""
        assert self._transport is not None
        self._on_loss = _ignore
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what came, and hand the answer on when it is whole."""
        self._received += data
        if len(self._received) >= self._needed:
            answer = self._answer()
            if answer is not None:
                self._needed = 0
                self._on_answer(answer)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell that the server closed the connection."""
        self._on_loss(f"the connection was closed after {bytes(self._received[:200])!r}")

    def _answer(self) -> Answer | None:
        end = self._received.find(_END_OF_HEAD)
        if end < 0:
            return None
        start = end + len(_END_OF_HEAD)
        head = bytes(self._received[:end])
        length = _LENGTH.search(head)
        if length is None and _CHUNKED.search(head):
            if not self._received.endswith(_LAST_CHUNK):
                return None
            return Answer(int(head[9:12]), head, _joined(self._taken(start)))
        self._needed = start + (int(length[1]) if length else 0)
        return (
            Answer(int(head[9:12]), head, self._taken(start)) if len(self._received) >= self._needed else None
        )

    def _taken(self, start: int) -> bytearray:
        """Hand over what was received from here on, without a copy of it."""
        taken, self._received = self._received, bytearray()
        del taken[:start]
        return taken


class Conversation:
    """A connection whose answers are awaited: dearer than `Connection`, and easier."""

    def __init__(self) -> None:
        self._answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._connection = Connection(self._settle, self._fail)

    @classmethod
    async def open(cls, port: int) -> "Conversation":
        """Connect to a port of this machine."""
        opened = cls()
        await asyncio.get_running_loop().create_connection(lambda: opened._connection, "127.0.0.1", port)
        return opened

    async def ask(self, request: bytes) -> Answer:
        """Ask, and wait for the answer; raises ConnectionError when the server closes the connection."""
        self._answered = asyncio.get_running_loop().create_future()
        self._connection.ask(request)
        return await self._answered

    def close(self) -> None:
        """Close."""
        self._connection.close()

    def _settle(self, answer: Answer) -> None:
        self._answered.set_result(answer)

    def _fail(self, reason: str) -> None:
        if not self._answered.done():
            self._answered.set_exception(ConnectionError(reason))


def _joined(chunked: bytearray) -> bytes:
    """Return the body that came in chunks."""
    chunks: list[bytes] = []
    start = 0
    while True:
        line = chunked.index(b"\r\n", start)
        size = int(chunked[start:line].partition(b";")[0], 16)
        if size == 0:
            return b"".join(chunks)
        chunks.append(bytes(chunked[line + 2 : line + 2 + size]))
        start = line + 2 + size + 2


def _ignore(_: str) -> None:
    pass
