"""A disk that remembers what it was told to keep, and fails when asked to: SQLite's own layer over the system's.

- `install` goes between SQLite and its default VFS (https://www.sqlite.org/vfs.html): writes, truncations and
  syncs of the database and its log pass through here, in every process forked from this one.
- CRASH_DISK names a folder. Its `journal` gets a record for each of them, with what was written, so that power.py
  can tell what a power cut at any moment would leave.
- A file `fail-sync`, `fail-write` or `fail-full` in that folder makes syncs or writes fail from then on: by EIO, by
  EROFS as after an emergency remount, by ENOSPC. What a failed sync was to keep is not kept by a later one.
- `fail-commit` is `fail-sync` from the next COMMIT on: the first sync that fails is not one of a checkpoint.
"""

import _sqlite3
import ctypes
import os
import struct
import threading
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from itertools import count
from pathlib import Path
from typing import NamedTuple

DATABASE, LOG = 0, 1
# kind, file, number of the sync, offset, and the length of the data that follows
HEADER = struct.Struct("<cBQqI")
WRITE, TRUNCATE, DELETE, SYNC_BEGAN, SYNCED, SYNC_FAILED = b"W", b"T", b"D", b"B", b"S", b"F"

_FULL, _IOERR_WRITE, _IOERR_FSYNC = 13, 10 | 3 << 8, 10 | 4 << 8


class Calls(NamedTuple):
    """The functions of an open file that are gone between, by their place in `sqlite3_io_methods`."""

    write: Callable[[int, int, int, int], int]
    truncate: Callable[[int, int], int]
    sync: Callable[[int, int], int]


class _Methods(Structure):
    _fields_ = (
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        ("others", c_void_p * 13),
    )


class _File(Structure):
    _fields_ = (("methods", POINTER(_Methods)),)


class _VFS(Structure):
    _fields_ = (
        ("version", c_int),
        ("file_bytes", c_int),
        ("path_bytes", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
    )


_OPEN = CFUNCTYPE(c_int, c_void_p, c_char_p, POINTER(_File), c_int, POINTER(c_int))
_DELETE = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


def install() -> None:
    """Go between SQLite and the system, for this process and its forks."""
    _installed.append(_Disk(Path(os.environ["CRASH_DISK"])))


def journal_bytes(folder: Path) -> int:
    """Return how long the journal is by now."""
    try:
        return (folder / "journal").stat().st_size
    except FileNotFoundError:
        return 0


class _Disk:
    """What is called in place of SQLite's own functions; it must live as long as the process."""

    def __init__(self, folder: Path) -> None:
        self._journal = os.open(folder / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._fail_sync, self._fail_commit, self._fail_write, self._fail_full = (
            str(folder / f"fail-{name}") for name in ("sync", "commit", "write", "full")
        )
        self._log_written = False  # since it was synced last
        self._one_at_a_time = threading.Lock()
        self._syncs = count(1)
        self._files: dict[int, int] = {}  # by the address of the open file
        self._originals: dict[int, Calls] = {}
        self._methods: dict[int, _Methods] = {}  # by the address of the original ones
        # Where the library is, however Python was linked to it.
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = POINTER(_VFS)
        vfs = library.sqlite3_vfs_find(None).contents
        self._original_open, self._original_delete = _OPEN(vfs.open), _DELETE(vfs.delete)
        self._ours = (
            _OPEN(self._open),
            _DELETE(self._delete),
            _WRITE(self._write),
            _TRUNCATE(self._truncate),
            _SYNC(self._sync),
        )
        vfs.open, vfs.delete = (ctypes.cast(each, c_void_p) for each in self._ours[:2])

    def _open(  # noqa: PLR0917 (as SQLite calls it)
        self,
        vfs: int,
        name: bytes | None,
        file: "ctypes._Pointer[_File]",
        flags: int,
        told: "ctypes._Pointer[c_int]",
    ) -> int:
        result: int = self._original_open(vfs, name, file, flags, told)
        kind = _kind(name)
        if result == 0 and kind is not None:
            address = ctypes.addressof(file.contents)
            self._files[address] = kind
            original = ctypes.addressof(file.contents.methods.contents)
            file.contents.methods = ctypes.pointer(self._methods.get(original) or self._between(original))
            self._originals[address] = self._originals[original]
        return result

    def _between(self, original: int) -> _Methods:
        methods = _Methods.from_buffer_copy(_Methods.from_address(original))
        self._originals[original] = Calls(
            _WRITE(methods.write), _TRUNCATE(methods.truncate), _SYNC(methods.sync)
        )
        methods.write, methods.truncate, methods.sync = (
            ctypes.cast(each, c_void_p) for each in self._ours[2:]
        )
        self._methods[original] = methods
        return methods

    def _write(self, file: int, data: int, length: int, offset: int) -> int:
        if os.path.exists(self._fail_full):  # noqa: PTH110 (asked for each page)
            return _FULL
        if os.path.exists(self._fail_write):  # noqa: PTH110 (asked for each page)
            return _IOERR_WRITE
        with self._one_at_a_time:
            self._note(WRITE, self._files[file], offset=offset, data=ctypes.string_at(data, length))
            self._log_written |= self._files[file] == LOG
            result: int = self._originals[file].write(file, data, length, offset)
        return result

    def _truncate(self, file: int, size: int) -> int:
        with self._one_at_a_time:
            self._note(TRUNCATE, self._files[file], offset=size)
            result: int = self._originals[file].truncate(file, size)
        return result

    def _sync(self, file: int, flags: int) -> int:
        number, kind = next(self._syncs) << 32 | os.getpid(), self._files[file]
        self._note(SYNC_BEGAN, kind, number=number)
        if self._fails_to_sync():
            self._note(SYNC_FAILED, kind, number=number)
            return _IOERR_FSYNC
        result: int = self._originals[file].sync(file, flags)
        self._note(SYNCED if result == 0 else SYNC_FAILED, kind, number=number)
        self._log_written &= kind != LOG
        return result

    def _fails_to_sync(self) -> bool:
        # What was written to the log since it was synced is what a COMMIT is about to promise.
        return os.path.exists(self._fail_sync) or (  # noqa: PTH110 (as the others)
            self._log_written and os.path.exists(self._fail_commit)  # noqa: PTH110
        )

    def _delete(self, vfs: int, name: bytes, sync: int) -> int:
        result: int = self._original_delete(vfs, name, sync)
        kind = _kind(name)
        if result == 0 and kind is not None:
            self._note(DELETE, kind)
        return result

    def _note(self, what: bytes, kind: int, *, number: int = 0, offset: int = 0, data: bytes = b"") -> None:
        os.write(self._journal, HEADER.pack(what, kind, number, offset, len(data)) + data)


_installed: list[_Disk] = []


def _kind(name: bytes | None) -> int | None:
    if name is None:
        return None
    return LOG if name.endswith(b".db-wal") else DATABASE if name.endswith(b".db") else None
