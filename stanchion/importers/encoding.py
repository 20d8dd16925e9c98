"""The encodings in which exports come, all made UTF-8.

- A byte order mark names UTF-8, UTF-16 or UTF-32 of either order; Windows PowerShell's `>` writes UTF-16 with one.
- Without a mark it is UTF-16 where one of the first two bytes is zero, as JSON begins with ASCII (RFC 4627,
  section 3); else it is UTF-8, which the reading of each entity checks.
"""

import codecs
from collections.abc import Iterator

from stanchion.errors import BadRequest

# The marks of UTF-32 come first, because one of them begins as that of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Bytes decoded at a time: the whole text as one `str` would take up to four times the room.
_STEP = 1 << 20


def as_utf8(data: bytes) -> bytes:
    """Return the text in UTF-8 without a byte order mark; raises BadRequest where it cannot be decoded."""
    mark, encoding = _encoding(data)
    if encoding == "utf-8":
        return data[len(mark) :] if mark else data
    try:
        return b"".join(_recoded(data, encoding, start=len(mark)))
    except UnicodeError:
        raise BadRequest(f"This is not {encoding.upper()}, or it is cut off, though it begins so.") from None


def _encoding(data: bytes) -> tuple[bytes, str]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return mark, encoding
    match data[:2]:
        case bytes(start) if len(start) == 2 and start[0] and not start[1]:  # noqa: PLR2004 (the first character)
            return b"", "utf-16-le"
        case bytes(start) if len(start) == 2 and start[1] and not start[0]:  # noqa: PLR2004
            return b"", "utf-16-be"
        case _:
            return b"", "utf-8"


def _recoded(data: bytes, encoding: str, *, start: int) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for position in range(start, len(data), _STEP):
        yield decoder.decode(data[position : position + _STEP]).encode()
    yield decoder.decode(b"", final=True).encode()
