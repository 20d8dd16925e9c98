"""Compression of replies: zstd or gzip, whichever the caller would rather have (RFC 9110 12.5.3, RFC 8878).

- The coding of the highest weight counts, zstd among equals: it takes a fraction of the time. What is not named has
  the weight of `*`; `identity` of a weight of its own wins where that is higher.
- What neither names nor allows a coding of ours gets the body as it is, also where `identity` is refused: by then a
  write is done, and the caller is to learn of it.
- A body under 4 KiB stays as it is, unless `identity` is refused: it would save a packet and cost half of a read.
- What no cache may keep stays as it is: tokens, beside which a caller's own words may stand.
- Long bodies are compressed in threads, beside the event loop; all libraries let others run meanwhile. Where so
  many wait for a thread that they fill memory, a further one goes as it is: on its way it is counted and bounded.
- What comes in pieces is compressed as it comes: one frame, one member, whatever the pieces.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import lru_cache
from typing import NamedTuple

from stanchion.odata.header_fields import Element, elements
from stanchion.web.coders import Coder, Coding, coder_of, encoded
from stanchion.web.exchange import Reply, Request

MIN_BYTES = 4096
NOT_MODIFIED = 304
# Some 0.2 ms by gzip; a thread costs half of that.
_BESIDE_OVER_BYTES = 64 * 1024
# Four of the largest pages.
_MAX_BESIDE_BYTES = 64 * 1024 * 1024
_CODINGS: tuple[Coding, ...] = ("zstd", "gzip")
# The name that gzip had before (RFC 9110 8.4.1.3).
_FORMER_NAMES = {"x-gzip": "gzip"}


class Choice(NamedTuple):
    """What a caller would have: a coding or the body as it is, which it may refuse."""

    coding: Coding | None
    refuses_identity: bool = False


async def compress(request: Request, reply: Reply) -> None:
    """Put the reply into the coding that the request would have, if it is worth it.

    What could have come in a coding says so by `Vary`, also to who takes none, and where it has not changed.
    """
    if "no-store" in reply.headers.get("Cache-Control", "") or "Content-Encoding" in reply.headers:
        return
    coding, refuses_identity = choice(request.headers.get("accept-encoding", ""))
    is_long = len(reply.body) >= MIN_BYTES or reply.rest is not None
    if not is_long and (not refuses_identity or not reply.body):
        coding = None
    if is_long or coding is not None or reply.status == NOT_MODIFIED:
        varies = reply.headers.get("Vary")
        reply.headers["Vary"] = f"{varies}, Accept-Encoding" if varies else "Accept-Encoding"
    if coding is None or (reply.rest is None and not _beside.has_room(reply.body)):
        return
    reply.headers["Content-Encoding"] = coding
    if reply.rest is not None:
        reply.body, reply.rest = b"", _coded(reply.body, reply.rest, coder_of(coding))
    elif len(reply.body) > _BESIDE_OVER_BYTES:
        reply.body = await _beside.encoded(coding, reply.body)
    else:
        reply.body = encoded(coding, reply.body)


# Clients send a handful of values; anyone may send others, and long ones.
@lru_cache(maxsize=64)
def choice(header: str) -> Choice:
    """Return what an `Accept-Encoding` asks for; one that is not there is empty."""
    weights: dict[str, float] = {}
    for element in elements(header):
        name = element.value.lower()
        weights.setdefault(_FORMER_NAMES.get(name, name), _weight(element))
    others = weights.get("*", 0.0)
    refuses_identity = weights.get("identity", weights.get("*", 1.0)) == 0
    offered = {coding: weights.get(coding, others) for coding in _CODINGS}
    best = max(_CODINGS, key=lambda coding: offered[coding])
    if offered[best] == 0 or offered[best] < weights.get("identity", 0.0):
        return Choice(None, refuses_identity)
    return Choice(best, refuses_identity)


def _weight(element: Element) -> float:
    try:
        weight = float(element.parameters.get("q", "1"))
    except ValueError:
        return 0.0
    return weight if 0 < weight <= 1 else 0.0


async def _coded(body: bytes, rest: AsyncGenerator[bytes], coder: Coder) -> AsyncGenerator[bytes]:
    """Give what is in the coding of a body and of what follows it."""
    ready = [await _ready(coder, body)]
    # Nothing here holds a piece, or what is ready of it, while that is sent or the next one is read.
    del body
    yield ready.pop()
    async with aclosing(rest):
        with suppress(StopAsyncIteration):
            while True:
                yield await _ready(coder, await anext(rest))
    yield coder.flush()


async def _ready(coder: Coder, piece: bytes) -> bytes:
    """Return what is ready in the coding; of a long piece it is made beside the event loop."""
    if len(piece) > _BESIDE_OVER_BYTES:
        return await asyncio.to_thread(coder.compress, piece)
    return coder.compress(piece)


class _Beside:
    """The long bodies that are compressed in threads, and those that wait for one."""

    def __init__(self) -> None:
        self._bytes = 0

    def has_room(self, body: bytes) -> bool:
        """Whether a body may be compressed: a short one, one by itself, or one that fits in with the others."""
        size = len(body)
        return size <= _BESIDE_OVER_BYTES or not self._bytes or self._bytes + size <= _MAX_BESIDE_BYTES

    async def encoded(self, coding: Coding, body: bytes) -> bytes:
        """Return a body in a coding."""
        self._bytes += len(body)
        try:
            return await asyncio.to_thread(encoded, coding, body)
        finally:
            self._bytes -= len(body)


_beside = _Beside()
