"""The lock file beside a SQLite database: one serving process at a time.

`flock` belongs to the open file, so a forked worker keeps it for as long as it lives, and the kernel lets go
of it when the last of them ends, however it ends. The file itself stays: removing it would let two processes
lock two files of the same name.
"""

import fcntl
import os
from pathlib import Path

from stanchion.errors import OperatorError


class ServeLock:
    """The lock of a database, held until `release` or the end of the process and its forks."""

    def __init__(self, database: Path) -> None:
        """Take the lock; raises OperatorError naming the process that has it."""
        self.path = Path(f"{database}.lock")
        try:
            # Not shared with programs that this process starts, only with its forks.
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise OperatorError(f"{self.path} cannot be opened: {error.strerror}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip() or "another one"
            os.close(self._descriptor)
            raise OperatorError(
                f"{database} is served by process {holder} already; a SQLite database has one server."
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Close this process's hold on the lock; a fork that still lives keeps its own."""
        os.close(self._descriptor)
