"""What an export may be packed in: gzip and zip, recognised by content and bounded.

- What is unpacked counts against the largest import: of a zip all entries together, before any is read.
- A zip may have 10,000 entries, stored or deflated. Folders, hidden files and `__MACOSX` are no entries. Nothing is
  written under the name of an entry, so that it may say `..`; some programs of Windows part names by a backslash.
- An archive inside an archive is refused, and so are tar and other packings, by name.

Sources: RFC 1952 (gzip), PKWARE APPNOTE 6.3 (zip).
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType

from stanchion.errors import BadRequest, PayloadTooLarge
from stanchion.model.wording import shown

MAX_ENTRIES = 10_000

_GZIP = b"\x1f\x8b\x08"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the latter begins an archive of nothing
_CENTRAL_RECORD = b"PK\x01\x02"
_TAR, _TAR_AT = b"ustar", 257
_OTHER_PACKINGS = MappingProxyType(
    {
        b"BZh": "bzip2",
        b"\xfd7zXZ\0": "xz",
        b"\x28\xb5\x2f\xfd": "zstd",
        b"7z\xbc\xaf\x27\x1c": "7z",
        b"Rar!\x1a\x07": "rar",
    }
)
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1
_GZIP_WINDOW = zlib.MAX_WBITS | 16
_STEP = 1 << 16

# All that the reader of archives is known to raise for damaged ones.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # NotImplementedError too
    ValueError,  # UnicodeError too
    OverflowError,
)


@dataclass(frozen=True)
class Entry:
    """A file inside a zip, not yet unpacked."""

    name: str
    _archive: zipfile.ZipFile
    _record: zipfile.ZipInfo

    def read(self) -> bytes:
        """Unpack it; raises BadRequest where it is damaged, encrypted, or an archive itself."""
        if self._record.flag_bits & _ENCRYPTED:
            raise BadRequest("It is encrypted; unpack the archive first.")
        if self._record.compress_type not in _METHODS:
            raise BadRequest(
                f"It is packed by method {self._record.compress_type}; a zip of stored or deflated files is read."
            )
        try:
            with self._archive.open(self._record) as file:
                # Asked for no more than was counted before: what unpacks to more stays packed.
                data = file.read(self._record.file_size)
                # Only at its end is an entry held against its sum, and a length of nothing is not read to the end.
                file.read(1)
        except _DAMAGED as error:
            raise _damaged(error) from None
        refuse_archive(data, inside=True)
        return data


def is_zip(data: bytes) -> bool:
    """Say whether these are the bytes of a zip archive."""
    return data.startswith(_ZIP)


def zip_entries(data: bytes, *, max_bytes: int) -> Iterator[Entry]:
    """Give the files of a zip by name; raises BadRequest, or PayloadTooLarge for more than `max_bytes` unpacked."""
    # Counted before the archive is opened, which makes an object of each record.
    if data.count(_CENTRAL_RECORD) > MAX_ENTRIES:
        raise BadRequest(f"This archive has more than {MAX_ENTRIES:,} entries.")
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except _DAMAGED as error:
        raise _damaged(error) from None
    records = [record for record in archive.infolist() if not _passed_over(record)]
    if sum(record.file_size for record in records) > max_bytes:
        raise _too_large(max_bytes)
    for record in sorted(records, key=lambda record: record.filename):
        yield Entry(record.filename, archive, record)


def unpacked(data: bytes, *, max_bytes: int) -> bytes:
    """Return the content of a gzip file, and any other data as it is.

    Raises BadRequest for a damaged one and for archives, PayloadTooLarge for more than `max_bytes` unpacked.
    """
    if not data.startswith(_GZIP):
        refuse_archive(data, inside=False)
        return data
    try:
        content = b"".join(_gunzipped(data, max_bytes=max_bytes))
    except zlib.error as error:
        raise _damaged(error) from None
    refuse_archive(content, inside=True)
    return content


def refuse_archive(data: bytes, *, inside: bool) -> None:
    """Raise BadRequest for an archive: of any kind where it is `inside` another one, else for what is not read."""
    if data[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        raise BadRequest("This is a tar archive; unpack it, and import the folder.")
    if inside and data.startswith((_GZIP, *_ZIP)):
        raise BadRequest("This is an archive inside an archive; unpack the outer one.")
    for begins, name in _OTHER_PACKINGS.items():
        if data.startswith(begins):
            raise BadRequest(f"This is packed with {name}; unpack it, or pack it with gzip or zip.")


def is_hidden(name: str) -> bool:
    """Say whether a file or folder of this name is passed over: one that begins with a dot, as on Unix."""
    return name.startswith(".") and name not in (".", "..")


def _gunzipped(data: bytes, *, max_bytes: int) -> Iterator[bytes]:
    """Give the content of all members in pieces."""
    inflate, left = zlib.decompressobj(_GZIP_WINDOW), max_bytes
    for position in range(0, len(data), _STEP):
        # Zeros behind a member fill the last block of a tape.
        waiting = data[position : position + _STEP].lstrip(b"\0" if inflate.eof else b"")
        while waiting:
            if inflate.eof:
                if waiting[0] != _GZIP[0]:
                    raise BadRequest(
                        "Something that is not gzip follows the packed data; unpack it with gunzip, and see whether "
                        "anything is missing."
                    )
                inflate = zlib.decompressobj(_GZIP_WINDOW)
            # One byte more than allowed is enough to know; a limit of zero would mean none.
            piece = inflate.decompress(waiting, left + 1)
            left -= len(piece)
            if left < 0:
                raise _too_large(max_bytes)
            yield piece
            waiting = inflate.unused_data.lstrip(b"\0") if inflate.eof else inflate.unconsumed_tail
    if not inflate.eof:
        raise BadRequest("This gzip file is cut off.")


def _passed_over(record: zipfile.ZipInfo) -> bool:
    parts = record.filename.replace("\\", "/").split("/")
    return not parts[-1] or parts[0] == "__MACOSX" or any(is_hidden(part) for part in parts)


def _damaged(error: Exception) -> BadRequest:
    return BadRequest(f"This archive is damaged or cut off ({shown(str(error))}).")


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"It unpacks to more than {max_bytes:,} bytes.")
