"""PostgreSQL databases as whole stores: backed up into a file, restored from one, and the ends of copies.

All of it runs in a greenlet on the loop of a portal, which waits for the driver.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy.util import await_only

from stanchion.errors import OperatorError
from stanchion.store import purpose
from stanchion.store.connection import SQLiteConnection, connect
from stanchion.store.postgresql.connection import PostgresConnection
from stanchion.store.postgresql.failures import FAILURES, for_operator
from stanchion.store.postgresql.migrate import migrate_postgresql
from stanchion.store.postgresql.opening import SERVING, Access, require_schema
from stanchion.store.postgresql.portal import Portal
from stanchion.store.postgresql.url import is_postgresql
from stanchion.store.session import Connection
from stanchion.store.tables import HEAD_REVISION
from stanchion.store.transfer.backup import Backup, verified_file
from stanchion.store.transfer.comparing import require_same_own, require_same_tenant
from stanchion.store.transfer.copy import Copied, copy_store
from stanchion.store.transfer.copying import (
    Advance,
    clear_tenant,
    copy_tenant,
    own_rows,
    replace_own,
    tenant_heads,
)
from stanchion.store.transfer.files import new_file
from stanchion.store.transfer.handover import End, in_transaction, is_new
from stanchion.store.transfer.holdings import Holdings, verified_holdings
from stanchion.store.transfer.restore import Restored, give_epoch, require_restorable
from stanchion.store.transfer.sqlite_ends import source_at_rest, source_file, sqlite_file, target_file
from stanchion.store.transfer.sqlite_files import (
    bring_up_to_date,
    copy_pages,
    opened,
    require_whole,
    seal,
    unwritten,
)

R = TypeVar("R")

_BUSY_SECONDS = 30.0
# Any number that no other program uses: the bytes of "stanchcp".
_LOCK = int.from_bytes(b"stanchcp")


def back_up_database(url: str, file: Path, *, replace: bool, advance: Advance) -> Backup:
    """Back a database up into a SQLite file; raises OperatorError, and leaves nothing then."""

    def run() -> Backup:
        with database(url) as source, new_file(file, replace=replace, needed_bytes=0) as partial:
            if (found := purpose.read_purpose(source.connection)) is not None:
                raise purpose.refusal(found, name=source.name)
            taken_ticks = time.time_ns() // 100
            _write_file(source.connection, partial, advance=advance)
            seal(partial, as_=purpose.BACKUP)
            holdings = verified_file(partial, shown=file, advance=advance)
        return Backup(file, file.stat().st_size, taken_ticks, HEAD_REVISION, holdings)

    return _in_portal(run)


def restore_database(file: Path, url: str, *, replace: bool, advance: Advance) -> Restored:
    """Restore a backup into a database, in one transaction; raises OperatorError, and leaves what was there then."""

    def run() -> Restored:
        with _whole_file(file, advance=advance) as (source, before), target_database(url) as target:
            _require_free(target, replace=replace)
            connection = target.connection

            def write(into: Connection) -> None:
                for each in tenant_heads(into):
                    clear_tenant(into, each.tenant_id)
                _write_all(source, into, advance=advance)
                purpose.mark(into, purpose.COPY)
                _compare_all(source, into, advance=advance)
                verified_holdings(into, advance=advance)
                # A server may have been started meanwhile.
                _require_unserved(connection, name=target.name)

            with source.snapshot():
                in_transaction(connection, write)
            after = give_epoch(connection, before)
            in_transaction(connection, lambda into: purpose.mark(into, None))
        return Restored(target.name, after, before.epoch)

    return _in_portal(run)


def copy_databases(source: str, target: str, *, ahead: bool, advance: Advance) -> Copied:
    """Copy the store at one URL to another one; see `copy_store`."""

    def run() -> Copied:
        with ExitStack() as stack:
            mine = stack.enter_context(_source(source))
            writing = None if ahead else stack.enter_context(_at_rest(source))
            theirs = stack.enter_context(_target(target))
            if mine.name == theirs.name:
                raise OperatorError(f"{mine.name} is both; name another database with --to.")

            def require_rest() -> None:
                if isinstance(writing, PostgresConnection):
                    _require_unserved(writing, name=mine.name)

            return copy_store(mine, theirs, writing=writing, advance=advance, require_rest=require_rest)

    return _in_portal(run)


@contextmanager
def database(url: str) -> Iterator[End]:
    """Open a database of the present schema; raises OperatorError for any other."""
    access = Access(url)
    try:
        connection = await_only(access.connector()())
        try:
            await_only(require_schema(connection.driver, name=access.name))
            yield End(connection, access.name)
        finally:
            connection.driver.terminate()
    except FAILURES as error:
        raise for_operator(error, database=access.name) from error


@contextmanager
def target_database(url: str) -> Iterator[End]:
    """Open a database to write a store to, making its tables where they are not there.

    Raises OperatorError where a server runs on it, or another copy is made to it.
    """
    await_only(migrate_postgresql(url, facts=False))
    with database(url) as end:
        connection = end.connection
        assert isinstance(connection, PostgresConnection)  # noqa: S101 (`database` opened it)
        _require_unserved(connection, name=end.name)
        if not await_only(connection.driver.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK)):
            raise OperatorError(f"The {end.name} is being written by another copy or restore; wait for it.")
        yield end


def _require_unserved(connection: Connection, *, name: str) -> None:
    """Raise OperatorError where a server has the database open."""
    assert isinstance(connection, PostgresConnection)  # noqa: S101 (a server has no other one open)
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
    )
    if await_only(connection.driver.fetchval(asked, SERVING)):
        raise OperatorError(
            f"The {name} is served: stop its servers; for a copy, copy --ahead first, while they run."
        )


def _require_free(target: End, *, replace: bool) -> None:
    connection = target.connection
    if replace or is_new(connection) or purpose.read_purpose(connection) == purpose.COPY:
        return
    raise OperatorError(
        f"The {target.name} holds a store; name an empty database, or --replace it: nothing of it is kept."
    )


@contextmanager
def _whole_file(file: Path, *, advance: Advance) -> Iterator[tuple[Connection, Holdings]]:
    """Open a backup that was verified; one of an earlier schema as a copy that was brought up to date."""
    if not file.exists():
        raise OperatorError(f"{file} does not exist; name the file of a backup.")
    with opened(file, at_rest=True) as source, ExitStack() as stack:
        revision = require_restorable(source, path=file)
        require_whole(source, path=file)
        if revision == HEAD_REVISION:
            yield source, verified_file(file, shown=file, advance=advance)
            return
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="stanchion-"))
        copy = Path(folder) / "restored.db"
        copy.touch(0o600)
        copy_pages(source, copy, advance=advance)
        bring_up_to_date(copy)
        holdings = verified_file(copy, shown=file, advance=advance)
        yield stack.enter_context(opened(copy, at_rest=True)), holdings


def _write_file(source: Connection, partial: Path, *, advance: Advance) -> None:
    """Copy a store into a new file, and compare all of it."""
    bring_up_to_date(partial)
    try:
        with source.snapshot(), closing(_hasty(partial)) as copy:
            _copy_all(source, copy, advance=advance)
            _compare_all(source, copy, advance=advance)
    except sqlite3.Error as error:
        raise unwritten(error, path=partial) from error


def _copy_all(source: Connection, target: Connection, *, advance: Advance) -> None:
    """Copy a store into an empty database, a transaction for each tenant."""
    heads = tenant_heads(source)
    for done, tenant in enumerate(heads):
        advance(f"copying {tenant.tenant_id}", done, len(heads))
        in_transaction(target, lambda into, each=tenant: copy_tenant(source, into, each, since=0))  # type: ignore[misc]
    in_transaction(target, lambda into: replace_own(into, own_rows(source)))


def _write_all(source: Connection, target: Connection, *, advance: Advance) -> None:
    """Write a store inside the transaction that is open."""
    heads = tenant_heads(source)
    for done, tenant in enumerate(heads):
        advance(f"copying {tenant.tenant_id}", done, len(heads))
        copy_tenant(source, target, tenant, since=0)
    replace_own(target, own_rows(source))


def _compare_all(source: Connection, target: Connection, *, advance: Advance) -> None:
    heads = tenant_heads(source)
    if tenant_heads(target) != heads:
        raise OperatorError("The copy has other tenants or heads than the source.")
    for done, tenant in enumerate(heads):
        advance(f"comparing {tenant.tenant_id}", done, len(heads))
        require_same_tenant(source, target, tenant.tenant_id)
    require_same_own(source, target)


@contextmanager
def _source(url: str) -> Iterator[End]:
    with database(url) if is_postgresql(url) else source_file(sqlite_file(url)) as end:
        yield end


@contextmanager
def _target(url: str) -> Iterator[End]:
    with target_database(url) if is_postgresql(url) else target_file(sqlite_file(url)) as end:
        yield end


@contextmanager
def _at_rest(url: str) -> Iterator[Connection]:
    if not is_postgresql(url):
        with source_at_rest(sqlite_file(url)) as connection:
            yield connection
        return
    with database(url) as end:
        assert isinstance(end.connection, PostgresConnection)  # noqa: S101 (`database` opened it)
        _require_unserved(end.connection, name=end.name)
        yield end.connection


def _hasty(path: Path) -> SQLiteConnection:
    connection = connect(path, busy_seconds=_BUSY_SECONDS, writes=True)
    # Waited for once, when the file is whole.
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def _in_portal(work: Callable[[], R]) -> R:
    portal = Portal()
    try:
        return portal.run(work)
    finally:
        portal.close()
