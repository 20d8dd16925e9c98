"""Connections to a SQLite file, each with the same settings, as the store's functions use them.

- WAL, and `synchronous=FULL`: a COMMIT that returned is on the disk.
- Transactions begin and end where our code says so, never by themselves.
- `body_json(body, tenant_id)` gives the functions of SQLite the JSON of a kept body, `body_bytes(body)` its length.
- Statements go to the log `stanchion.sql` when it is enabled for DEBUG, values blanked out.
"""

import logging
import os
import re
import sqlite3
import weakref
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from stanchion.errors import OperatorError
from stanchion.store.bodies import NAMING, body_bytes, unpack, unpack_all
from stanchion.store.compile import Compiled, DialectName, repeated
from stanchion.store.dictionaries import Dictionaries
from stanchion.store.expressions import text_array
from stanchion.store.failures import breaks_the_store, for_caller
from stanchion.store.keeping import PackingKeeper
from stanchion.store.locking import take_lock

# More statements than there are shapes in use, for preparing one anew costs more than running it; bounded, because
# the largest filters take some 100 KB each.
_CACHED_STATEMENTS = 256
# Room for the inner pages of a large store and what a batch writes; SQLite's own 2 MiB are read again and again.
_WRITER_CACHE_KIB = 16 * 1024
# The log grows to 16 MiB, so that a page which many batches write is copied into the database once for all of them.
_PAGES_BETWEEN_CHECKPOINTS = 4096
# Some thousand values in a statement, a fraction of what SQLite allows.
_ROWS_AT_ONCE = 64

_log = logging.getLogger("stanchion.sql")
_values = re.compile(r"[xX]?'(?:[^']|'')*'")


class SQLiteConnection(sqlite3.Connection):
    """A connection to a SQLite file; see `stanchion.store.session.Connection` for what its methods do."""

    dialect: ClassVar[DialectName] = "sqlite"
    failures: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error,)
    array = staticmethod(text_array)

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 (they are the driver's)
        super().__init__(*arguments, **options)
        self._dictionaries = Dictionaries()
        self.raised: list[Exception] = []
        """What `body_json` raised last, of which SQLite tells the statement's caller nothing."""

    def keeper(self, tenant_id: str) -> PackingKeeper:
        """Return what packs a tenant's bodies."""
        return PackingKeeper(self, tenant_id)

    def body(self, kept: object, tenant_id: str) -> bytes:
        """Return the body of a tenant's that is kept; raises zstandard.ZstdError for a damaged one."""
        if isinstance(kept, bytes) and kept.startswith(NAMING):
            return self._dictionaries.unpack(kept, tenant_id=tenant_id, connection=self)
        return unpack(kept)

    def bodies(self, kept: list[Any], tenant_id: str) -> list[bytes]:
        """Return the bodies that are kept; raises like `body`."""
        return unpack_all(kept, lambda one: self.body(one, tenant_id))

    def document(self, kept: object, tenant_id: str) -> str:
        """Return a body as text, for the JSON functions of SQLite."""
        try:
            return self.body(kept, tenant_id).decode()
        except Exception as error:
            self.raised[:] = [error]
            raise

    def fetch(self, statement: Compiled, parameters: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        """Run a statement; return all its rows."""
        return self.execute(statement.sql, parameters).fetchall()

    def chunks(
        self, statement: Compiled, parameters: Mapping[str, object], *, rows: int
    ) -> Generator[Sequence[tuple[Any, ...]]]:
        """Run a statement; give its rows, so many at a time."""
        cursor = self.execute(statement.sql, parameters)
        try:
            while found := cursor.fetchmany(rows):
                yield found
        finally:
            cursor.close()

    def write_rows(self, statement: Compiled, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each row, an INSERT for as many as a power of two, so that few have to be prepared."""
        if not statement.sql.startswith("INSERT"):
            self.executemany(statement.sql, rows)
            return
        done = 0
        while done < len(rows):
            count = min(_ROWS_AT_ONCE, 1 << ((len(rows) - done).bit_length() - 1))
            values = tuple(chain.from_iterable(rows[done : done + count]))
            self.execute(repeated(statement, count), values)
            done += count

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all statements of the block read the same state of the database."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            # An error may have ended the transaction already.
            if self.in_transaction:
                self.execute("ROLLBACK")

    def begin(self, *, patience_seconds: float) -> None:
        """Begin a transaction that nobody else can write beside."""
        take_lock(self, patience_seconds=patience_seconds)

    def commit(self) -> None:
        """Commit; fails where an error has ended the transaction, which the driver's own method would not tell."""
        self.execute("COMMIT")

    def leaves_doubt(self, error: Exception) -> bool:
        """Say whether the disk failed, so that nobody knows what is on it."""
        return isinstance(error, sqlite3.Error) and breaks_the_store(error)

    def refusal(self, error: Exception) -> Exception:
        """Return what to tell a caller."""
        return for_caller(error) if isinstance(error, sqlite3.Error) else error


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
) -> SQLiteConnection:
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
        factory=SQLiteConnection,
    )
    try:
        _set_up(connection, writes=writes)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _set_up(connection: SQLiteConnection, *, writes: bool) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        connection.set_trace_callback(lambda sql: _log.debug("%s", _values.sub("?", sql)))
    # A connection that its own function held would never be let go of.
    document = partial(_document, weakref.ref(connection))
    connection.create_function("body_json", 2, document, deterministic=True)
    connection.create_function("body_bytes", 1, body_bytes, deterministic=True)
    if writes:
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # What is deleted is overwritten with zeros, as Debian's SQLite does by itself: it can be erased.
        connection.execute("PRAGMA secure_delete=ON").fetchall()
        # What a statement of many rows keeps until it has ended needs no file.
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"PRAGMA cache_size=-{_WRITER_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_PAGES_BETWEEN_CHECKPOINTS}").fetchall()
    else:
        connection.execute("PRAGMA query_only=ON")


def _document(reading: weakref.ref[SQLiteConnection], kept: object, tenant_id: str) -> str:
    connection = reading()
    assert connection is not None  # noqa: S101 (it runs the statement)
    return connection.document(kept, tenant_id)
