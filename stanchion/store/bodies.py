"""How bodies lie in SQLite: plain JSON, or a zstd frame where that saves room.

The first bytes tell which: a frame begins with its magic number, JSON with a bracket or a letter.
Source: RFC 8878, section 3.1.1.
"""

import threading
from types import MappingProxyType

import zstandard

# Below 4 KB the saving is less than a page of the database.
COMPRESS_OVER_BYTES = 4096
_MAGIC = b"\x28\xb5\x2f\xfd"
# Where this is not in bodies that were joined, none of them is packed or too large for it. On SQLite a byte of the
# magic number, and never of UTF-8; on PostgreSQL, which keeps text, one that JSON has in no text as it is.
NO_TEXT = MappingProxyType({"sqlite": b"\xfd", "postgresql": b"\x01"})
_BRACE = b"{"[0]
_LEVEL = 3


class Foreign(zstandard.ZstdError):
    """What is kept is of another type than was written; SQLite lets a column hold a value of any type."""


class _Codec(threading.local):
    """Compressors keep state and release the interpreter lock, so each thread has its own."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_codec = _Codec()


def pack(body: bytes) -> bytes:
    """Return a body as it is kept."""
    return _codec.compressor.compress(body) if len(body) > COMPRESS_OVER_BYTES else body


def unpack(kept: object) -> bytes:
    """Return the body that was packed; raises zstandard.ZstdError for a damaged one."""
    if not isinstance(kept, bytes):
        raise Foreign(f"it is {type(kept).__name__}, not bytes")
    return _codec.decompressor.decompress(kept) if kept.startswith(_MAGIC) else kept


def unpack_all(kept: list[bytes]) -> list[bytes]:
    """Return each body that was packed; plain ones cost hardly anything."""
    try:
        return [one if one[0] == _BRACE else unpack(one) for one in kept]
    except (TypeError, IndexError):  # No bytes, or none at all.
        return [unpack(one) for one in kept]


def document_of(body: str) -> str:
    """Return the SQL of the JSON of a kept body, itself given in SQL; a plain one is not handed to Python for it."""
    # An object begins with a brace. All else, bytes or not, is for `body_json` to unpack or to refuse.
    is_object = f"{body} >= x'7b' AND {body} < x'7c'"
    return f"CASE WHEN {is_object} THEN CAST({body} AS TEXT) ELSE body_json({body}) END"


def body_json(kept: bytes) -> str:
    """Return a body as text, for the JSON functions of SQLite."""
    return unpack(kept).decode()
