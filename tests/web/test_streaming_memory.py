"""What is in memory of an answer that is read while it is sent: the piece that is being taken, and no other."""

import asyncio
from collections.abc import AsyncGenerator
from weakref import ref

import pytest
from starlette.types import Message

from stanchion.logs import Trace
from stanchion.web.compression import compress
from stanchion.web.exchange import Reply, Request
from stanchion.web.outgoing import Outgoing
from stanchion.web.streaming import Stream

PIECES, PIECE_BYTES = 4, 200_000


class Piece(bytearray):
    """Bytes whose end can be seen."""


class Pieces:
    """The pieces of one answer, and which of them are there still."""

    def __init__(self) -> None:
        self._made: list[ref[Piece]] = []

    def one(self) -> bytes:
        piece = Piece(bytes([len(self._made)]) * PIECE_BYTES)
        self._made.append(ref(piece))
        return piece  # type: ignore[return-value] # Of bytes nobody can tell whether they are there.

    async def rest(self) -> AsyncGenerator[bytes]:
        for _ in range(PIECES - 1):
            yield self.one()

    @property
    def there(self) -> list[int]:
        return [place for place, piece in enumerate(self._made) if piece() is not None]


def request(coding: str) -> Request:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    return Request("GET", b"/", b"", {"accept-encoding": coding}, (), "http", "", receive, Trace("id"))


@pytest.mark.parametrize(("coding", "held"), [("identity", 1), ("gzip", 0), ("zstd", 0)])
def test_who_takes_slowly_holds_what_is_sent_and_nothing_that_was_before(coding: str, held: int) -> None:
    there: list[list[int]] = []

    async def main() -> None:
        pieces = Pieces()
        reply = Reply(200, pieces.one(), rest=pieces.rest())
        await compress(request(coding), reply)
        assert reply.rest is not None
        stream = Stream(reply, reply.rest, log=lambda *, size: None)  # noqa: ARG005 (it is called by this name)

        async def receive() -> Message:
            await asyncio.sleep(3600)
            raise AssertionError

        async def send(message: Message) -> None:
            if message.get("more_body"):
                # A thread that has compressed a piece lets go of it a moment later.
                for _ in range(200):
                    if len(pieces.there) <= held:
                        break
                    await asyncio.sleep(0.01)
                there.append(pieces.there)

        await stream.send(Outgoing(timeout_seconds=5), receive, send)

    asyncio.run(main())
    assert there
    assert max(map(len, there)) <= held
