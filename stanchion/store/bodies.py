"""How bodies lie in SQLite: plain JSON, or a zstd frame where that saves room.

The first bytes tell which: a frame begins with its magic number, JSON with a bracket or a letter; one that was packed
after a dictionary, which `dictionaries` unpacks, with the name of that. Source: RFC 8878, sections 3.1.1 and 3.1.2.
"""

import threading
from collections.abc import Callable
from types import MappingProxyType

import zstandard

# Below 4 KB the saving is less than a page of the database.
COMPRESS_OVER_BYTES = 4096
_MAGIC = b"\x28\xb5\x2f\xfd"
# Where this is not in bodies that were joined, none of them is packed or too large for it. On SQLite a byte of the
# magic number, and never of UTF-8; on PostgreSQL, which keeps text, one that JSON has in no text as it is.
NO_TEXT = MappingProxyType({"sqlite": b"\xfd", "postgresql": b"\x01"})
ID_BYTES = 16
NAMING = b"\x50\x2a\x4d\x18" + ID_BYTES.to_bytes(4, "little")
"""How a body begins that names its dictionary: a frame that zstd passes over, of the id's length. The id follows."""
NAME_BYTES = len(NAMING) + ID_BYTES
_BRACE = b"{"[0]
LEVEL = 3


class Foreign(zstandard.ZstdError):
    """What is kept is of another type than was written; SQLite lets a column hold a value of any type."""


class _Codec(threading.local):
    """Compressors keep state and release the interpreter lock, so each thread has its own."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_codec = _Codec()


def pack(body: bytes) -> bytes:
    """Return a body as it is kept."""
    return _codec.compressor.compress(body) if len(body) > COMPRESS_OVER_BYTES else body


def unpack(kept: object) -> bytes:
    """Return the body that was packed; raises zstandard.ZstdError for a damaged one."""
    if not isinstance(kept, bytes):
        raise Foreign(f"it is {type(kept).__name__}, not bytes")
    return decompressed(kept, _codec.decompressor) if kept.startswith(_MAGIC) else kept


def decompressed(frame: bytes, decompressor: zstandard.ZstdDecompressor) -> bytes:
    """Return what is in a frame; raises zstandard.ZstdError for a damaged one."""
    try:
        return decompressor.decompress(frame)
    except MemoryError:
        # A few altered bytes of it may stand for more than any machine has.
        raise zstandard.ZstdError("its frame claims to be larger than there is memory for") from None


def unpack_all(kept: list[bytes], unpack_one: Callable[[object], bytes]) -> list[bytes]:
    """Return each body that was packed, plain ones, which cost hardly anything, without asking `unpack_one`."""
    try:
        return [one if one[0] == _BRACE else unpack_one(one) for one in kept]
    except (TypeError, IndexError):  # No bytes, or none at all.
        return [unpack_one(one) for one in kept]


def document_of(body: str, tenant_id: str) -> str:
    """Return the SQL of the JSON of a kept body, both given in SQL; a plain one is not handed to Python for it."""
    # An object begins with a brace. All else, bytes or not, is for `body_json` to unpack or to refuse.
    is_object = f"{body} >= x'7b' AND {body} < x'7c'"
    return f"CASE WHEN {is_object} THEN CAST({body} AS TEXT) ELSE body_json({body}, {tenant_id}) END"


def body_bytes(kept: object) -> int:
    """Return how long a body is, without unpacking it; what is damaged is as long as it is kept."""
    if not isinstance(kept, bytes):
        return 0
    frame = kept[NAME_BYTES:] if kept.startswith(NAMING) else kept
    if not frame.startswith(_MAGIC):
        return len(frame)
    try:
        size = zstandard.frame_content_size(frame)
    except zstandard.ZstdError:
        return len(frame)
    return len(frame) if size < 0 else size
