"""Files that a whole store is written to: made under another name, and there only once they are whole.

- A file that is being made ends in `.partial`. It is locked, so that nobody else makes the same; what a process that
  was killed left is begun anew.
- It can be read by its owner alone. It gets its name after it is on the disk, and so does its folder.
- No file is written over unless it is asked for.
"""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stanchion.errors import OperatorError

# What SQLite makes beside a database.
SIDE_FILES = ("", "-journal", "-wal", "-shm")


@contextmanager
def new_file(file: Path, *, replace: bool, needed_bytes: int) -> Iterator[Path]:
    """Give the path to write to; after the block it becomes `file`, unless the block fails, which leaves nothing.

    Raises OperatorError where that cannot be, or where there is less room than needed.
    """
    _require_room(file, replace=replace, needed_bytes=needed_bytes)
    partial = file.with_name(f".{file.name}.partial")
    descriptor = _made(partial)
    try:
        yield partial
        sync(partial)
        _named(partial, file, replace=replace)
        sync(file.parent)
    except OSError as error:
        raise OperatorError(f"{file} cannot be written: {error.strerror}; nothing was made.") from error
    finally:
        remove(partial)
        os.close(descriptor)


@contextmanager
def scratch(beside: Path) -> Iterator[Path]:
    """Give the path of a database beside another one, for the time of the block."""
    path = beside.with_name(f"{beside.name}-scratch")
    remove(path)
    path.touch(0o600)
    try:
        yield path
    finally:
        remove(path)


def remove(database: Path, suffixes: Iterable[str] = SIDE_FILES) -> None:
    """Remove a database with what SQLite made beside it."""
    for suffix in suffixes:
        with suppress(OSError):
            Path(f"{database}{suffix}").unlink()


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_room(file: Path, *, replace: bool, needed_bytes: int) -> None:
    if file.is_dir():
        raise OperatorError(f"{file} is a directory; name a file in it.")
    if not file.parent.is_dir():
        raise OperatorError(f"{file.parent} is not a directory; make it first.")
    if file.exists() and not replace:
        raise OperatorError(
            f"{file} exists; name another file, or allow this one to be replaced by --replace."
        )
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise OperatorError(f"{file.parent} cannot be written by this account.")
    free = shutil.disk_usage(file.parent).free
    if free < needed_bytes:
        raise OperatorError(
            f"{file.parent} has {_megabytes(free)} free, and {_megabytes(needed_bytes)} are needed; nothing was made."
        )


def _made(partial: Path) -> int:
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise OperatorError(f"{partial} cannot be made: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
    except BlockingIOError:
        os.close(descriptor)
        raise OperatorError(f"Another process is writing {partial}; wait for it.") from None
    except OSError as error:
        os.close(descriptor)
        raise OperatorError(f"{partial} cannot be written: {error.strerror}.") from error
    remove(partial, SIDE_FILES[1:])
    return descriptor


def _named(partial: Path, file: Path, *, replace: bool) -> None:
    if not replace:
        try:
            # Unlike a renaming, a second name takes the place of nothing that came meanwhile.
            os.link(partial, file)
        except FileExistsError:
            raise OperatorError(f"{file} was made by somebody else meanwhile, and stays.") from None
        except OSError:
            if file.exists():  # A file system without second names.
                raise
        else:
            return
    partial.replace(file)


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB"
