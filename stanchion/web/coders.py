"""Coders: what makes gzip (RFC 1952) or zstd (RFC 8878) of a body, whole or piece by piece.

gzip is made by ISA-L, some four times as fast as zlib, which takes its place where there is no ISA-L for the machine.
"""

import threading
import zlib
from functools import cache
from typing import Literal, Protocol, TypeAlias

import zstandard

Coding: TypeAlias = Literal["zstd", "gzip"]

# Of each library the one beyond which a little is saved and much more time is taken.
_LEVEL = 1
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # with the header of gzip


class Coder(Protocol):
    """Makes one body, whatever the pieces in which it comes."""

    def compress(self, data: bytes, /) -> bytes:
        """Take a piece; return what is ready of the coding, which may be nothing."""

    def flush(self) -> bytes:
        """Return the end of the coding."""


class _Deflate(Protocol):
    """What ISA-L and zlib have in common."""

    def compressobj(self, level: int, method: int, wbits: int, /) -> Coder:
        """Return a coder."""


def encoded(coding: Coding, body: bytes) -> bytes:
    """Return a whole body in a coding."""
    if coding == "zstd":
        # Which knows how long it is: a fifth less than piece by piece.
        return _compressor.zstd.compress(body)
    coder = coder_of(coding)
    return coder.compress(body) + coder.flush()


def coder_of(coding: Coding) -> Coder:
    """Return a coder for one body."""
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    return _deflate().compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)


class _Compressor(threading.local):
    """Compressors keep state, so each thread has its own."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdCompressor(level=_LEVEL)


_compressor = _Compressor()


@cache
def _deflate() -> _Deflate:
    """Return the quickest library there is; imported by the first who asks for gzip."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib
