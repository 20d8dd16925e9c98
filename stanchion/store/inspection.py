"""A database looked at and never written: for checks beside a running server, on a copy, on a damaged file.

- It is opened read-only. Where no write-ahead log is in use, it is opened as immutable, because SQLite would
  otherwise make one; `was_written` then tells whether somebody wrote to it meanwhile, and nothing read counts.
- No schema is brought up to date, and no file is made.
- What fails raises OperatorError in one sentence.
"""

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TypeVar

from sqlalchemy import bindparam, literal_column, select

from stanchion.errors import OperatorError
from stanchion.store import rows
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.connection import connect, snapshot
from stanchion.store.failures import for_operator, is_interrupted, primary_code
from stanchion.store.migrate import schema_revision
from stanchion.store.rows import ClientRow, IssuerRow, SigningKeyRow, TenantRow
from stanchion.store.sampling import SampleReport, sample_rows
from stanchion.store.tables import changes
from stanchion.store.verify import VerifyReport, verify_rows

T = TypeVar("T")

_BUSY_SECONDS = 5.0
_STEPS_BETWEEN_LOOKS = 10_000
_FAULTS_TOLD = 3
# The file header, https://www.sqlite.org/fileformat.html, section 1.3: 2 is a write-ahead log.
_VERSIONS_AT = slice(18, 20)
_WAL_VERSIONS = b"\x02\x02"


class Inspection:
    """An open database; made by `inspect_database`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
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

    def revision(self) -> str | None:
        """Return the schema's revision, None for an empty file."""
        return self._read(lambda connection: schema_revision(connection, path=self.path))

    def tenants(self) -> list[TenantRow]:
        """Return every tenant by id, the store's own chain left out."""
        return self._read(rows.read_tenants)

    def signing_keys(self) -> list[SigningKeyRow]:
        """Return every signing key, the oldest first."""
        return self._read(rows.read_signing_keys)

    def issuers(self) -> list[IssuerRow]:
        """Return every issuer besides our own, removed ones too, the oldest first."""
        return self._read(rows.read_issuers)

    def clients(self) -> list[ClientRow]:
        """Return every application of every tenant, revoked ones too, the oldest first."""
        return self._read(lambda connection: rows.read_clients(connection, None))

    def last_change_ticks(self, tenant_id: str) -> int | None:
        """Return when the last change of a tenant was made."""
        parameters = {"tenant_id": tenant_id, "limit": 1}

        def read(connection: sqlite3.Connection) -> int | None:
            found = connection.execute(last_change_statement().sql, parameters).fetchall()
            return int(found[0][0]) if found else None

        return self._read(read)

    def verify(self, tenant_id: str) -> VerifyReport:
        """Verify a tenant's chain and entities; raises for the first fault."""
        return self._read(lambda connection: verify_rows(connection, tenant_id, head=None))

    def sample(self, tenant_id: str, *, random: Random) -> SampleReport:
        """Verify a sample of a tenant's chain and entities; raises for the first fault."""
        return self._read(lambda connection: sample_rows(connection, tenant_id, random=random))

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with snapshot(self._connection):
                return read(self._connection)
        except sqlite3.Error as error:
            raise for_operator(error, path=str(self.path)) from error


@contextmanager
def inspect_database(path: Path) -> Iterator[Inspection]:
    """Open a database for looking at it, for the time of the block."""
    _require_file(path)
    mode = "ro" if _has_log(path) else "ro&immutable=1"
    try:
        with closing(connect(path, busy_seconds=_BUSY_SECONDS, mode=mode)) as connection:
            # Opening reads nothing yet; the first page tells whether this is a database at all.
            connection.execute("PRAGMA schema_version").fetchall()
            yield Inspection(connection, path)
    except sqlite3.Error as error:
        if mode == "ro" and primary_code(error) == sqlite3.SQLITE_CANTOPEN:
            raise OperatorError(
                f"{path} has a write-ahead log, and SQLite cannot make the {path.name}-shm that it needs: copy both "
                "to a folder that can be written, and look there."
            ) from error
        raise for_operator(error, path=str(path)) from error


@lru_cache
def last_change_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The time of a tenant's changes, the newest first."""
    statement = (
        select(changes.c.time_ticks)
        .where(changes.c.tenant_id == bindparam("tenant_id"))
        .order_by(changes.c.sequence.desc())
        .limit(bindparam("limit"))
        .offset(literal_column("0"))
    )
    return compile_statement(statement, dialect)


def _require_file(path: Path) -> None:
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


def _has_log(path: Path) -> bool:
    """Say whether a write-ahead log is in use, or holds what is not in the file yet."""
    log = Path(f"{path}-wal")
    return log.exists() and (log.stat().st_size > 0 or Path(f"{path}-shm").exists())


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
