"""What is in memory of an answer that is read while it is sent: the piece that is being taken, and no other.

While the next one is read there is none.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from weakref import ref

import pytest
from starlette.types import Message

from stanchion.logs import Trace
from stanchion.web import compression
from stanchion.web.compression import compress
from stanchion.web.exchange import Reply, Request
from stanchion.web.outgoing import Outgoing
from stanchion.web.streaming import Stream

PIECES, PIECE_BYTES = 4, 200_000


class Piece(bytearray):
    """Bytes whose end can be seen."""


class Pieces:
    """The pieces of one answer, which of them are there still, and which were when the next one was read."""

    def __init__(self) -> None:
        self._made: list[ref[Piece]] = []
        self.there_at_reads: list[list[int]] = []

    def one(self) -> bytes:
        piece = Piece(bytes([len(self._made)]) * PIECE_BYTES)
        self._made.append(ref(piece))
        return piece  # type: ignore[return-value] # Of bytes nobody can tell whether they are there.

    async def rest(self) -> AsyncGenerator[bytes]:
        for _ in range(PIECES - 1):
            self.there_at_reads.append(await self.left(at_most=0))
            yield self.one()

    async def left(self, *, at_most: int) -> list[int]:
        """Return which are there, once no more than so many are, or after a while."""
        # A thread that has compressed a piece lets go of it a moment later.
        for _ in range(6000):
            if len(self.there) <= at_most:
                break
            await asyncio.sleep(0.01)
        return self.there

    @property
    def there(self) -> list[int]:
        return [place for place, piece in enumerate(self._made) if piece() is not None]


class Unpacking:
    """A coder that makes as much as it takes, so that what is ready is as long as a piece."""

    def __init__(self, ready: Pieces) -> None:
        self._ready = ready

    def compress(self, data: bytes, /) -> bytes:
        assert data
        return self._ready.one()

    def flush(self) -> bytes:
        return b"end"


def request(coding: str) -> Request:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    return Request("GET", b"/", b"", {"accept-encoding": coding}, (), "http", "", receive, Trace("id"))


async def send_slowly(pieces: Pieces, coding: str, taken: Callable[[], Awaitable[None]]) -> None:
    """Send an answer in pieces to one who does something whenever a part came."""
    reply = Reply(200, pieces.one(), rest=pieces.rest())
    await compress(request(coding), reply)
    assert reply.rest is not None
    stream = Stream(reply, reply.rest, log=lambda *, size: None)  # noqa: ARG005 (it is called by this name)

    async def receive() -> Message:
        await asyncio.sleep(3600)
        raise AssertionError

    async def send(message: Message) -> None:
        if message.get("more_body"):
            del message
            await taken()

    await stream.send(Outgoing(timeout_seconds=60), receive, send)


@pytest.mark.parametrize(("coding", "held"), [("identity", 1), ("gzip", 0), ("zstd", 0)])
def test_who_takes_slowly_holds_what_is_sent_and_nothing_that_was_before(coding: str, held: int) -> None:
    there: list[list[int]] = []
    pieces = Pieces()

    async def taken() -> None:
        there.append(await pieces.left(at_most=held))

    asyncio.run(send_slowly(pieces, coding, taken))
    assert there
    assert max(map(len, there)) <= held
    assert pieces.there_at_reads == [[]] * (PIECES - 1)


def test_what_is_ready_of_a_coding_is_gone_while_the_next_piece_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pieces, ready = Pieces(), Pieces()
    monkeypatch.setattr(compression, "coder_of", lambda _: Unpacking(ready))
    read = pieces.left

    async def left(*, at_most: int) -> list[int]:
        return [*await read(at_most=at_most), *await ready.left(at_most=0)]

    monkeypatch.setattr(pieces, "left", left)

    async def taken() -> None:
        return

    asyncio.run(send_slowly(pieces, "gzip", taken))
    assert pieces.there_at_reads == [[]] * (PIECES - 1)


def test_of_an_answer_that_is_cut_off_nothing_is_held_however_long_the_server_takes_to_notice() -> None:
    pieces = Pieces()

    async def main() -> list[int]:
        outgoing, gate = Outgoing(timeout_seconds=60, max_waiting_bytes=PIECE_BYTES + 1), asyncio.Event()
        handed_over = asyncio.Semaphore(0)

        async def deaf(message: Message) -> None:
            if message["type"] == "http.response.body":
                handed_over.release()
            while message["type"] == "http.response.body" and not gate.is_set():
                with suppress(asyncio.CancelledError):
                    await gate.wait()

        async def receive() -> Message:
            await asyncio.sleep(3600)
            raise AssertionError

        reply = Reply(200, pieces.one(), rest=pieces.rest())
        assert reply.rest is not None
        stream = Stream(reply, reply.rest, log=lambda *, size: None)  # noqa: ARG005 (it is called by this name)
        sending = asyncio.create_task(stream.send(outgoing, receive, deaf))
        await handed_over.acquire()
        other = {"type": "http.response.body", "body": bytes(2 * PIECE_BYTES)}
        start = {"type": "http.response.start", "status": 200, "headers": []}
        second = asyncio.create_task(outgoing.send((start, other), deaf))
        await handed_over.acquire()
        there = pieces.there
        gate.set()
        await asyncio.gather(sending, second)
        return there

    assert asyncio.run(main()) == []
