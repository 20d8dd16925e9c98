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
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from stanchion.errors import OperatorError, ServiceUnavailable
from stanchion.store.bodies import body_json
from stanchion.store.failures import for_caller, is_interrupted

# A statement that runs longer is stopped, so that no query can hold a reader for ever.
STATEMENT_SECONDS = 5.0
# Far more statements than there are shapes in use; preparing one anew costs more than running it.
_CACHED_STATEMENTS = 512
# Virtual machine steps between two looks at the clock: well under a millisecond.
_STEPS_BETWEEN_LOOKS = 10_000

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
    path: Path, *, busy_seconds: float, create: bool = False, writes: bool = False
) -> sqlite3.Connection:
    """Open a connection that any one thread at a time may use; it writes only if `writes`."""
    mode = "rwc" if create else "rw"
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
def deadline(
    connection: sqlite3.Connection, *, seconds: float = STATEMENT_SECONDS, began: float | None = None
) -> Iterator[None]:
    """Stop what runs in the block `seconds` after it began, by time.monotonic(), or after now.

    Raises ServiceUnavailable then and for like failures.
    """
    end = (time.monotonic() if began is None else began) + seconds
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    except sqlite3.Error as error:
        if is_interrupted(error):
            raise ServiceUnavailable(
                f"The query took longer than {seconds:g} seconds and was stopped; ask for less at once."
            ) from error
        raise for_caller(error) from error
    finally:
        connection.set_progress_handler(None, 0)


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
    else:
        connection.execute("PRAGMA query_only=ON")
