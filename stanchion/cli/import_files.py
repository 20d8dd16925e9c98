"""The files that `stanchion import` is given: files, folders of them, and what is packed inside.

- A folder stands for its files, those of folders inside too, by name; hidden ones are passed over.
- Each entry of a zip is a file of its own, `archive.zip/entry`.
- `-` is what comes on standard input.
- The files of the database are not opened: to close one drops the locks of the whole process on it, and another
  process could then take the database apart. Source: SQLite, How To Corrupt An SQLite Database File, 2.2.
- What cannot be read is given too, with the reason, so that the others come in.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stanchion.errors import BadRequest, PayloadTooLarge, StanchionError
from stanchion.importers.container import Entry, is_hidden, is_zip, unpacked, zip_entries

_DASH, _STANDARD_INPUT = Path("-"), Path("/dev/stdin")


@dataclass
class ImportFile:
    """One file to import: `name` as the report has it, `source` as the change has it.

    `content` is what lies on the disk, unpacked, or the entry of an archive; `digest` the SHA-256 of what lies there.
    """

    name: str
    source: str
    content: bytes | Entry
    digest: str | None = None

    def take(self) -> bytes:
        """Return the bytes, once, so that nobody else holds them in memory; raises BadRequest."""
        content, self.content = self.content, b""
        return content.read() if isinstance(content, Entry) else content


@dataclass(frozen=True)
class Unreadable:
    """A file that cannot be imported, and why."""

    name: str
    reason: str


def import_files(
    paths: Iterable[Path], *, max_bytes: int, database: Path | None
) -> Iterator[ImportFile | Unreadable]:
    """Give each file, one in memory at a time; none of those beside `database` that bear its name."""
    for path in paths:
        is_folder = os.path.isdir(path)  # noqa: PTH112 (a Path raises where there is no telling)
        for found in _files_in(path) if is_folder else (path,):
            if isinstance(found, Unreadable):
                yield found
            elif database is not None and _is_part_of(found, database):
                reason = "This belongs to the database that files are imported into."
                yield Unreadable(printable(str(found)), reason)
            else:
                source = str(found.relative_to(path)) if is_folder else path.name
                yield from _contents(found, source=printable(source), max_bytes=max_bytes)


def printable(text: str) -> str:
    """Return a name as it can be printed and kept: an archive may name its entries as it likes."""
    return text if text.isprintable() else ascii(text)[1:-1]


def too_large(error: StanchionError) -> str:
    """Return what refuses a file, with the setting at fault."""
    if isinstance(error, PayloadTooLarge):
        return f"{error.message} --max-import-bytes (STANCHION_MAX_IMPORT_BYTES) allows more."
    return error.message


def _contents(path: Path, *, source: str, max_bytes: int) -> Iterator[ImportFile | Unreadable]:
    name = printable(str(path))
    try:
        data = _read(path, max_bytes=max_bytes)
        if not is_zip(data):
            digest = hashlib.sha256(data).hexdigest()
            file = ImportFile(name, source, unpacked(data, max_bytes=max_bytes), digest)
            del data
            yield file
            return
        entries = list(zip_entries(data, max_bytes=max_bytes))
        if not entries:
            yield Unreadable(name, "There is no file in this archive.")
        for entry in entries:
            inside = printable(entry.name)
            yield ImportFile(f"{name}/{inside}", f"{source}/{inside}", entry)
    except OSError as error:
        yield Unreadable(name, _unreadable(error))
    except (BadRequest, PayloadTooLarge) as error:
        yield Unreadable(name, too_large(error))


def _read(path: Path, *, max_bytes: int) -> bytes:
    with (_STANDARD_INPUT if path == _DASH else path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(max_bytes + 1) if size <= max_bytes else b""
    if size > max_bytes or len(data) > max_bytes:
        raise PayloadTooLarge(
            f"It has {max(size, len(data)):,} bytes or more, and {max_bytes:,} are allowed."
        )
    return data


def _is_part_of(path: Path, database: Path) -> bool:
    real, own = os.path.realpath(path), os.path.realpath(database)
    return real in {own + ending for ending in ("", "-wal", "-shm", "-journal")}


def _files_in(folder: Path) -> Iterator[Path | Unreadable]:
    """Give the files of a folder by name; what may hold some, and cannot be looked into, is not passed over."""
    errors: list[OSError] = []
    found: list[Path] = []
    for within, folders, names in os.walk(folder, onerror=errors.append):
        folders[:] = [name for name in folders if not is_hidden(name)]
        # Links to folders are not followed, because they may lead round in a circle.
        links = [name for name in folders if Path(within, name).is_symlink()]
        found += [Path(within, name) for name in (*names, *links) if not is_hidden(name)]
    for error in errors:
        yield Unreadable(printable(str(error.filename)), _unreadable(error))
    if not (found or errors):
        yield Unreadable(printable(str(folder)), "There is no file in this folder.")
    for file in sorted(found):
        fault = _fault(file)
        yield file if fault is None else Unreadable(printable(str(file)), fault)


def _fault(file: Path) -> str | None:
    """Return why what stands in a folder is not read, None for a file."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        return _unreadable(error)
    if stat.S_ISDIR(mode):
        return "This is a link to a folder, which is not followed; name the folder itself."
    return None if stat.S_ISREG(mode) else "This is no regular file."


def _unreadable(error: OSError) -> str:
    return f"It cannot be read: {error.strerror}."
