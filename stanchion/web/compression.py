"""Compression of replies: zstd or gzip, whichever the caller would rather have (RFC 9110 12.5.3, RFC 8878).

- The coding of the highest weight counts, zstd among equals: it takes a fraction of the time. What is not named has
  the weight of `*`; `identity` of a weight of its own wins where that is higher.
- What neither names nor allows a coding of ours gets the body as it is, also where `identity` is refused: by then a
  write is done, and the caller is to learn of it.
- A body under 4 KiB stays as it is, unless `identity` is refused: it would save a packet and cost half of a read.
- What no cache may keep stays as it is: tokens, beside which a caller's own words may stand.
- Long bodies are compressed in threads, beside the event loop; both libraries let others run meanwhile.
"""

import asyncio
import threading
import zlib
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import zstandard

from stanchion.odata.header_fields import Element, elements
from stanchion.web.exchange import Reply, Request

Coding: TypeAlias = Literal["zstd", "gzip"]

MIN_BYTES = 4096
NOT_MODIFIED = 304
# Some 0.5 ms by gzip; a thread costs a tenth of that.
_BESIDE_OVER_BYTES = 64 * 1024
# Level 6 takes four times as long and saves a fifth more.
_GZIP_LEVEL = 1
# Higher ones take twice as long and save next to nothing.
_ZSTD_LEVEL = 1
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # with the header of gzip
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
    is_long = len(reply.body) >= MIN_BYTES
    if not is_long and (not refuses_identity or not reply.body):
        coding = None
    if is_long or coding is not None or reply.status == NOT_MODIFIED:
        varies = reply.headers.get("Vary")
        reply.headers["Vary"] = f"{varies}, Accept-Encoding" if varies else "Accept-Encoding"
    if coding is None:
        return
    encode = _zstd if coding == "zstd" else _gzip
    if len(reply.body) > _BESIDE_OVER_BYTES:
        reply.body = await asyncio.to_thread(encode, reply.body)
    else:
        reply.body = encode(reply.body)
    reply.headers["Content-Encoding"] = coding


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


def _gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return compressor.compress(body) + compressor.flush()


class _Compressor(threading.local):
    """Compressors keep state, so each thread has its own."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)


_compressor = _Compressor()


def _zstd(body: bytes) -> bytes:
    return _compressor.zstd.compress(body)
