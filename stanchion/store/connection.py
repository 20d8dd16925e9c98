"""Connections to a SQLite file, each with the same settings.

- WAL, and `synchronous=FULL`: a COMMIT that returned is on the disk.
- Transactions begin and end where our code says so, never by themselves.
- `body_json(body)` gives the JSON of a kept body to the functions of SQLite.
- Statements go to the log `stanchion.sql` when it is enabled for DEBUG, values blanked out.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from stanchion.errors import OperatorError
from stanchion.store.bodies import body_json

# More statements than there are shapes in use, for preparing one anew costs more than running it; bounded, because
# the largest filters take some 100 KB each.
_CACHED_STATEMENTS = 256
# Room for the inner pages of a large store and what a batch writes; SQLite's own 2 MiB are read again and again.
_WRITER_CACHE_KIB = 16 * 1024
# The log grows to 16 MiB, so that a page which many batches write is copied into the database once for all of them.
_PAGES_BETWEEN_CHECKPOINTS = 4096

_log = logging.getLogger("stanchion.sql")
_values = re.compile(r"[xX]?'(?:[^']|'')*'")


def database_path(url_or_path: str | os.PathLike[str]) -> Path:
    """Return the file that `sqlite:///path` or a bare path names; raises OperatorError for any other URL."""
    text = os.fspath(url_or_path)
    scheme, found, rest = text.partition("://")
    if not found:
        return Path(text)
    if scheme != "sqlite" or not rest.startswith("/") or rest in {"/", "/:memory:"}:
        raise OperatorError(f"{scheme}:// names no database of this version; give sqlite:///PATH.")
    return Path(rest[1:])


def connect(
    path: Path, *, busy_seconds: float, create: bool = False, writes: bool = False, mode: str = "rw"
) -> sqlite3.Connection:
    """Open a connection that any one thread at a time may use; it writes only if `writes`.

    `mode` is how SQLite opens the file, in the words of its URIs.
    """
    mode = "rwc" if create else mode
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )
    try:
        _set_up(connection, writes=writes)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all statements of the block read the same state of the database."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        # An error may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _set_up(connection: sqlite3.Connection, *, writes: bool) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        connection.set_trace_callback(lambda sql: _log.debug("%s", _values.sub("?", sql)))
    connection.create_function("body_json", 1, body_json, deterministic=True)
    if writes:
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # What a statement of many rows keeps until it has ended needs no file.
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"PRAGMA cache_size=-{_WRITER_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_PAGES_BETWEEN_CHECKPOINTS}").fetchall()
    else:
        connection.execute("PRAGMA query_only=ON")
