"""Scrubbing a SQLite file: what was deleted is in it no more, nor in its write-ahead log.

- Whoever writes overwrites what it deletes with zeros (`secure_delete`), so nothing of it is left in rows and free
  pages. Copies that SQLite once moved about inside a page may be left in its free space: only writing the file anew
  is rid of these for certain, which holds up all writers, so it is done where no server is.
- Beside a server the log is emptied, once all that is in it has been copied into the file.
- What file systems, disks and backups keep is beyond this.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeAlias

from stanchion.errors import OperatorError
from stanchion.store.connection import connect
from stanchion.store.failures import for_operator
from stanchion.store.lock import ServeLock, serving_process

Scrubbed: TypeAlias = Literal["rewritten", "log emptied", "log in use"]

_BUSY_SECONDS = 5.0
# Between two of them others write.
_TRIES = 50


def scrub(path: Path) -> Scrubbed:
    """Write a file anew, or empty its log where a server uses it; raises OperatorError for one that fails."""
    try:
        with closing(connect(path, busy_seconds=_BUSY_SECONDS, writes=True)) as connection:
            # The rows of a large file need not fit into memory twice.
            connection.execute("PRAGMA temp_store=DEFAULT")
            rewritten = _rewrite(connection, path)
            in_use = not _empty_log(connection)
    except sqlite3.Error as error:
        raise for_operator(error, path=str(path)) from error
    if in_use:
        return "log in use"
    return "rewritten" if rewritten else "log emptied"


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Copy the log into the file and empty it; return whether that could be done."""
    # What can be copied without holding up anybody goes first.
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    # It waits for readers of what was before with the lock of writers in its hand: so it is not to wait at all.
    connection.execute("PRAGMA busy_timeout=0").fetchall()
    for _ in range(_TRIES):
        ((in_use, *_),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if not in_use:
            return True
        time.sleep(_BUSY_SECONDS / _TRIES)
    return False


def _rewrite(connection: sqlite3.Connection, path: Path) -> bool:
    """Write the file anew unless it is served; return whether it was."""
    if serving_process(path) is not None:
        return False
    try:
        lock = ServeLock(path)  # None starts meanwhile, to have its writers wait.
    except OperatorError:
        return False
    try:
        connection.execute("VACUUM")
    finally:
        lock.release()
    return True
