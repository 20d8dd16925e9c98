"""A SQLite file looked at and never written: for checks beside a running server, on a copy, on a damaged file.

- It is opened read-only. Where no write-ahead log is in use, it is opened as immutable, because SQLite would
  otherwise make one; `was_written` then tells whether somebody wrote to it meanwhile, and nothing read counts.
- No schema is brought up to date, and no file is made.
- What fails raises OperatorError in one sentence.
"""

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from stanchion.errors import OperatorError
from stanchion.store.connection import SQLiteConnection, connect
from stanchion.store.failures import for_operator, is_interrupted, primary_code
from stanchion.store.inspection import Inspection
from stanchion.store.migrate import schema_revision

_BUSY_SECONDS = 5.0
_STEPS_BETWEEN_LOOKS = 10_000
_FAULTS_TOLD = 3
# The file header, https://www.sqlite.org/fileformat.html, section 1.3: 2 is a write-ahead log.
_VERSIONS_AT = slice(18, 20)
_WAL_VERSIONS = b"\x02\x02"


class InspectedFile:
    """An open file, and the store in it; made by `inspect_file`."""

    def __init__(self, connection: SQLiteConnection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self.store = Inspection(
            connection,
            name=str(path),
            revision=partial(schema_revision, connection, path=path),
            told=partial(_told, path=path),
        )
        self._first_seen = _state(path)

    @property
    def was_written(self) -> bool:
        """Whether the file was written to since it was opened, which matters only where it has no log."""
        return _state(self.path) != self._first_seen

    def uses_wal(self) -> bool:
        """Say whether the file is one of a write-ahead log."""
        try:
            with self.path.open("rb") as file:
                return file.read(100)[_VERSIONS_AT] == _WAL_VERSIONS
        except OSError as error:
            raise OperatorError(f"{self.path} cannot be read: {error.strerror}.") from None

    def faults(self, *, thorough: bool, seconds: float | None) -> list[str] | None:
        """Return what is wrong with the file itself, some of it, or None where the time did not suffice.

        `thorough` compares the indexes with their tables too.
        """
        end = time.monotonic() + seconds if seconds is not None else float("inf")
        self._connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
        pragma = "integrity_check" if thorough else "quick_check"
        try:
            told = self._connection.execute(f"PRAGMA {pragma}({_FAULTS_TOLD})").fetchall()
        except sqlite3.Error as error:
            if is_interrupted(error):
                return None
            raise for_operator(error, path=str(self.path)) from error
        finally:
            self._connection.set_progress_handler(None, 0)
        return [str(line) for (line,) in told if line != "ok"]


@contextmanager
def inspect_file(path: Path) -> Iterator[InspectedFile]:
    """Open a SQLite file for looking at it, for the time of the block."""
    require_file(path)
    mode = "ro" if has_log(path) else "ro&immutable=1"
    try:
        with closing(connect(path, busy_seconds=_BUSY_SECONDS, mode=mode)) as connection:
            # Opening reads nothing yet; the first page tells whether this is a database at all.
            connection.execute("PRAGMA schema_version").fetchall()
            yield InspectedFile(connection, path)
    except sqlite3.Error as error:
        if mode == "ro" and primary_code(error) == sqlite3.SQLITE_CANTOPEN:
            raise OperatorError(
                f"{path} has a write-ahead log, and SQLite cannot make the {path.name}-shm that it needs: copy both "
                "to a folder that can be written, and look there."
            ) from error
        raise for_operator(error, path=str(path)) from error


def require_file(path: Path) -> None:
    """Raise OperatorError unless a path names a file that can be read."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise OperatorError(
            f"{path} does not exist; the first start of the server makes it, or --database names another."
        ) from None
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(mode):
        raise OperatorError(f"{path} is not a file; name one with --database.")
    if not os.access(path, os.R_OK):
        raise OperatorError(f"{path} cannot be read by this account.")


def has_log(path: Path) -> bool:
    """Say whether a write-ahead log is in use, or holds what is not in the file yet."""
    log = Path(f"{path}-wal")
    return log.exists() and (log.stat().st_size > 0 or Path(f"{path}-shm").exists())


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _told(error: Exception, *, path: Path) -> Exception:
    return for_operator(error, path=str(path)) if isinstance(error, sqlite3.Error) else error
