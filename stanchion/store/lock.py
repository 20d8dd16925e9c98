"""The lock file beside a SQLite database: one serving process at a time.

`flock` belongs to the open file, so a forked worker keeps it for as long as it lives, and the kernel lets go
of it when the last of them ends, however it ends. The file itself stays: removing it would let two processes
lock two files of the same name.
"""

import fcntl
import os
import time
from pathlib import Path

from stanchion.errors import OperatorError

# Whoever asks `serving_process` holds the lock for an instant, which must not keep a server from starting.
_SECOND_TRY_SECONDS = 0.05


class ServeLock:
    """The lock of a database, held until `release` or the end of the process and its forks."""

    def __init__(self, database: Path) -> None:
        """Take the lock; raises OperatorError naming the process that has it."""
        self.path = Path(f"{database}.lock")
        try:
            # Not shared with programs that this process starts, only with its forks.
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except (FileNotFoundError, NotADirectoryError):
            raise OperatorError(f"{self.path.parent} is not a directory; make it first.") from None
        except OSError as error:
            raise OperatorError(f"{self.path} cannot be opened: {error.strerror}.") from error
        if not self._take() and not self._take(after_seconds=_SECOND_TRY_SECONDS):
            holder = _holder(self._descriptor)
            os.close(self._descriptor)
            raise OperatorError(
                f"{database} is served by process {holder} already; a SQLite database has one server. "
                "Stop that one, or name another database with --database."
            )
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Close this process's hold on the lock; a fork that still lives keeps its own."""
        os.close(self._descriptor)

    def _take(self, *, after_seconds: float = 0.0) -> bool:
        time.sleep(after_seconds)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def serving_process(database: Path) -> str | None:
    """Return the id of the process that serves a database, None where nobody does; nothing is written."""
    try:
        descriptor = os.open(f"{database}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OperatorError(f"{database}.lock cannot be opened: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _holder(descriptor)
    else:
        return None
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    return os.read(descriptor, 32).decode(errors="replace").strip() or "another one"
