"""A whole store to or from a database, whichever kind its URL names; what PostgreSQL needs is loaded for it alone."""

from pathlib import Path

from stanchion.store.postgresql.url import is_postgresql
from stanchion.store.transfer.backup import Backup, back_up_file
from stanchion.store.transfer.copy import Copied
from stanchion.store.transfer.copying import Advance
from stanchion.store.transfer.restore import Restored, restore_file
from stanchion.store.transfer.sqlite_ends import copy_files, sqlite_file


def back_up(database: str, file: Path, *, replace: bool, advance: Advance) -> Backup:
    """Back up the database at a URL into a file; raises OperatorError, and leaves nothing then."""
    if is_postgresql(database):
        from stanchion.store.transfer.postgresql import back_up_database

        return back_up_database(database, file, replace=replace, advance=advance)
    return back_up_file(sqlite_file(database), file, replace=replace, advance=advance)


def restore(file: Path, database: str, *, replace: bool, advance: Advance) -> Restored:
    """Restore a backup into the database at a URL; raises OperatorError, and leaves what was there then."""
    if is_postgresql(database):
        from stanchion.store.transfer.postgresql import restore_database

        return restore_database(file, database, replace=replace, advance=advance)
    return restore_file(file, sqlite_file(database), replace=replace, advance=advance)


def copy(source: str, target: str, *, ahead: bool, advance: Advance) -> Copied:
    """Copy the store at a URL to the database at another one; `ahead` leaves it where it is for now.

    Raises OperatorError; what was copied until then is gone on with by the next copy.
    """
    if is_postgresql(source) or is_postgresql(target):
        from stanchion.store.transfer.postgresql import copy_databases

        return copy_databases(source, target, ahead=ahead, advance=advance)
    return copy_files(sqlite_file(source), sqlite_file(target), ahead=ahead, advance=advance)
