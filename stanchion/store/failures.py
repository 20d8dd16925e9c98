"""What a failure of SQLite means for the caller or the operator.

Source: https://www.sqlite.org/rescode.html. The primary result code is the low byte of the extended one.
"""

import sqlite3

import zstandard

from stanchion.errors import BadRequest, OperatorError, ServiceUnavailable, StanchionError

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_REASONS = {
    sqlite3.SQLITE_BUSY: "The database is locked by another process; try again.",
    sqlite3.SQLITE_LOCKED: "The database is locked by another process; try again.",
    sqlite3.SQLITE_FULL: "The disk of the database is full; nothing was changed.",
    sqlite3.SQLITE_IOERR: "The disk of the database reports an error; nothing was changed.",
    sqlite3.SQLITE_READONLY: "The database cannot be written; nothing was changed.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged; restore it from a backup.",
    sqlite3.SQLITE_NOTADB: "The database file is damaged; restore it from a backup.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened.",
}
# SQLite's own limits of nesting (https://www.sqlite.org/limits.html) depend on how it was built, and have no code.
_TOO_DEEP = ("parser stack overflow", "Expression tree is too large")


def primary_code(error: sqlite3.Error) -> int:
    """Return the primary result code of an error, 0 where the driver itself raised it."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Say whether another process held the lock for longer than the busy timeout."""
    return primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def is_interrupted(error: sqlite3.Error) -> bool:
    """Say whether the statement was stopped at its deadline."""
    return primary_code(error) == sqlite3.SQLITE_INTERRUPT


def breaks_the_store(error: sqlite3.Error) -> bool:
    """Say whether nothing more should be written: the disk fails or the file is damaged."""
    return primary_code(error) in _DAMAGED | {sqlite3.SQLITE_IOERR}


def for_caller(error: sqlite3.Error) -> StanchionError | sqlite3.Error:
    """Return what to tell a caller; a bug of ours stays what it is."""
    if str(error).startswith(_TOO_DEEP):
        return BadRequest(
            "The filter nests deeper than the database can follow; ask for less at once.", target="$filter"
        )
    reason = _REASONS.get(primary_code(error))
    return error if reason is None else ServiceUnavailable(reason)


def for_reader(error: Exception) -> Exception:
    """Return what to tell a caller of an error while an entity was read; a bug of ours stays what it is."""
    if not isinstance(error, zstandard.ZstdError):
        return error
    told = ServiceUnavailable(
        f"What the database holds of an entity cannot be read: {error}. `stanchion verify` names the entity; a "
        "backup has it."
    )
    told.__cause__ = error
    return told


def for_operator(error: sqlite3.Error, *, path: str) -> OperatorError:
    """Return what to tell the operator who opens the database at `path`."""
    if primary_code(error) in _DAMAGED:
        return OperatorError(
            f"{path} is damaged or not a SQLite database: {error}; restore a backup, or name another file with "
            "--database."
        )
    if is_busy(error):
        return OperatorError(f"{path} is locked by another process; try again.")
    return OperatorError(f"{path} cannot be used: {error}.")
