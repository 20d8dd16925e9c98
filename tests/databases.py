"""Databases for tests, on SQLite and on PostgreSQL: made once, and copied for each test that wants one of its own.

- A test that asks for the fixture `dialect`, or for one that does, runs once on each database.
- On SQLite a copy is a copy of the file. On PostgreSQL it is a database that is lent: when it comes back, all its
  rows are replaced by those it was made with, which takes 2 ms where `CREATE DATABASE` takes up to 100.
- What a test needs besides, such as the key file, lies in a folder.
"""

import asyncio
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import uuid4

import asyncpg
from msgspec.structs import replace

from stanchion.settings import Settings
from stanchion.store import PostgresStore, SQLiteStore
from stanchion.store.compile import DialectName
from stanchion.store.postgresql.migrate import migrate_postgresql
from stanchion.store.tables import metadata
from tests.store.citus import GIVEN_CITUS, Cluster
from tests.store.postgresql import PostgreSQLServer, given_or_running

T = TypeVar("T")

AnyStore: TypeAlias = SQLiteStore | PostgresStore
DIALECTS: tuple[DialectName, ...] = ("sqlite", "postgresql")
_FILE = "stanchion.db"
# As for a server of our own, but a machine that pauses for some seconds is no reason to stop a statement.
_STATEMENT_SECONDS = 60
_PLACE = re.compile(r"\$(\d)")


class Loop:
    """An event loop in a thread, for what is asked of a database by whoever may have a loop of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="postgresql of tests", daemon=True
        )
        self._thread.start()

    def run(self, asked: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(60)

    def close(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True)
class Database:
    """A database and the folder beside it; `rows` runs a statement on it, behind the back of the store."""

    dialect: DialectName
    url: str
    folder: Path
    ask: Callable[[str, Sequence[object]], list[tuple[Any, ...]]] = field(repr=False, compare=False)

    @property
    def path(self) -> Path:
        """The SQLite file."""
        assert self.dialect == "sqlite"
        return self.folder / _FILE

    @property
    def key_file(self) -> Path:
        """Where the key is that seals signing keys."""
        return self.folder / f"{_FILE}.key"

    @property
    def options(self) -> tuple[str, ...]:
        """The options by which a command finds it."""
        return (
            "--database",
            self.url,
            *(("--key-file", str(self.key_file)) if self.dialect != "sqlite" else ()),
        )

    @property
    def settings(self) -> Settings:
        """The settings by which a server finds it."""
        return self.configured(Settings())

    def configured(self, settings: Settings) -> Settings:
        """Return settings by which a server finds it, the others as given, with patience where they tell none."""
        key_file = settings.key_file if self.dialect == "sqlite" else str(self.key_file)
        if settings.statement_timeout_seconds == Settings().statement_timeout_seconds:
            settings = replace(settings, statement_timeout_seconds=_STATEMENT_SECONDS)
        return replace(settings, database=self.url, key_file=key_file)

    def copied_to(self, folder: Path) -> "Database":
        """Return a copy in another folder, which is there; only files are copied so."""
        assert self.dialect == "sqlite"
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return on_file(folder)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all that is stored."""
        return {table: sorted(self.execute(f"SELECT * FROM {table}"), key=repr) for table in _tables()}  # noqa: S608

    def execute(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement, parameters as $1, $2 ...; return its rows. No foreign key is looked after."""
        return self.ask(sql, values)


@dataclass(frozen=True)
class Template(Generic[T]):
    """A closed database to copy, and what there is to know of it."""

    database: Database
    value: T


class PostgreSQL:
    """The databases of a server, all made here, and lent."""

    def __init__(self, server: PostgreSQLServer) -> None:
        self._server = server
        self._cluster = Cluster(server.url) if GIVEN_CITUS else None
        self._loop = Loop()
        self._names = (f"stanchion_test_{uuid4().hex[:8]}_{number}" for number in count(1))
        self._made: dict[str, _Lent] = {}
        self._idle: dict[str, list[_Lent]] = {}

    def close(self) -> None:
        """Leave nothing on the server."""
        for lent in list(self._made.values()):
            self.drop(lent)
        self._loop.close()

    def make(self, *, template: str | None = None) -> "_Lent":
        """Make a database: an empty one, or a copy of another."""
        name = next(self._names)
        made = _Lent(name, self._server.url_of(name), self._loop)
        if self._cluster is None:
            source = f" TEMPLATE {template}" if template else ""
            self._on_server(f"CREATE DATABASE {name}{source}")
        else:
            self._loop.run(self._cluster.create(name))
        self._made[name] = made
        if self._cluster is not None and template is not None:
            self.migrate(made)
            source = self._server.url_of(template)
            self._loop.run(self._cluster.copy_rows(source, made.url, tables=_tables()))
            made.keep()
        return made

    def migrate(self, lent: "_Lent") -> None:
        """Make the tables in an empty database."""
        migrated = self._cluster.migrate if self._cluster else migrate_postgresql
        self._loop.run(migrated(lent.url))

    def drop(self, lent: "_Lent") -> None:
        """Throw a database away."""
        lent.disconnect()
        if self._cluster is None:
            self._on_server(f"DROP DATABASE {lent.name} WITH (FORCE)")
        else:
            self._loop.run(self._cluster.drop(lent.name))
        del self._made[lent.name]

    def lend(self, template: "_Lent") -> "_Lent":
        """Return a copy of a kept database, as new."""
        idle = self._idle.setdefault(template.name, [])
        return idle.pop() if idle else self.make(template=template.name)

    def take_back(self, template: "_Lent", lent: "_Lent") -> None:
        """Make a copy as new again; one that was altered too much for it is thrown away."""
        try:
            lent.restore()
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            self.drop(lent)
        else:
            self._idle[template.name].append(lent)

    def _on_server(self, sql: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._server.url)
            try:
                await connection.execute(sql)
            finally:
                await connection.close()

        self._loop.run(run())


class _Lent:
    """A database of the server, with a connection of the tests' own."""

    def __init__(self, name: str, url: str, loop: Loop) -> None:
        self.name, self.url = name, url
        self._loop = loop
        self._connection: asyncpg.Connection | None = None
        self._restoring = ""

    def ask(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows."""

        async def run() -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await (await self._connected()).fetch(sql, *values)]

        return self._loop.run(run())

    def keep(self) -> None:
        """Put all rows aside, so that each copy has them, and let go, so that it can be copied."""
        self.ask("CREATE SCHEMA kept")
        for table in _tables():
            self.ask(f"CREATE TABLE kept.{table} AS TABLE public.{table}")
        self.disconnect()

    def restore(self) -> None:
        """End what is left of other connections, and put the rows that were put aside back in place of all."""

        async def run() -> None:
            await (await self._connected()).execute(_RESTORE)

        self._loop.run(run())

    def disconnect(self) -> None:
        """Close the connection."""

        async def run() -> None:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None

        self._loop.run(run())

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None:
            # Triggers, which hold the foreign keys, are off for it: it may damage what it likes.
            options = {"session_replication_role": "replica", "lock_timeout": "10s"}
            self._connection = await asyncpg.connect(self.url, server_settings=options)
        return self._connection


def _tables() -> list[str]:
    return [*(table.name for table in metadata.sorted_tables), "alembic_version"]


_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_RESTORE = "; ".join(
    [
        _END_OTHERS,
        # Those first that refer to others: the nodes of a cluster look after foreign keys.
        *(f"DELETE FROM public.{table}" for table in reversed(_tables())),  # noqa: S608 (names of ours)
        *(f"INSERT INTO public.{table} SELECT * FROM kept.{table}" for table in _tables()),  # noqa: S608
    ]
)


class Databases:
    """What makes databases, and keeps templates of them until the last test is over."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._templates: dict[tuple[str, DialectName], Template[Any]] = {}
        self._sources: dict[Path, _Lent] = {}
        self._postgresql: PostgreSQL | None = None

    def close(self) -> None:
        """Throw all of it away."""
        self._stack.close()

    @property
    def postgresql(self) -> PostgreSQL:
        """The databases on PostgreSQL, whose server is started for the first who asks."""
        if self._postgresql is None:
            self._postgresql = PostgreSQL(self._stack.enter_context(given_or_running()))
            self._stack.callback(self._postgresql.close)
        return self._postgresql

    @contextmanager
    def new(self, dialect: DialectName, folder: Path) -> Iterator[Database]:
        """Give a database without tables: on SQLite, one that is not there yet."""
        if dialect == "sqlite":
            yield on_file(folder)
            return
        lent = self.postgresql.make()
        try:
            yield Database(dialect, lent.url, folder, lent.ask)
        finally:
            self.postgresql.drop(lent)

    @contextmanager
    def copy(self, template: Template[Any], folder: Path) -> Iterator[Database]:
        """Give a copy of a template, with all that lies in its folder."""
        source = template.database
        if source.dialect == "sqlite":
            yield source.copied_to(folder)
            return
        shutil.copytree(source.folder, folder, dirs_exist_ok=True)
        kept = self._sources[source.folder]
        lent = self.postgresql.lend(kept)
        try:
            yield Database(source.dialect, lent.url, folder, lent.ask)
        finally:
            self.postgresql.take_back(kept, lent)

    def template(
        self,
        name: str,
        dialect: DialectName,
        make: Callable[[Database], T],
        *,
        folder: Callable[[], Path],
        of: Template[Any] | None = None,
    ) -> Template[T]:
        """Return the template of a name, made where it is asked for first: from another, or from nothing.

        `make` gets a database to fill, and closes it again.
        """
        found = self._templates.get((name, dialect))
        if found is None:
            database = self._to_fill(dialect, folder(), of)
            found = Template(database, make(database))
            if dialect == "postgresql":
                self._sources[database.folder].keep()
            self._templates[name, dialect] = found
        return found

    def _to_fill(self, dialect: DialectName, folder: Path, of: Template[Any] | None) -> Database:
        if of is not None:
            shutil.copytree(of.database.folder, folder, dirs_exist_ok=True)
        if dialect == "sqlite":
            return on_file(folder)
        lent = self.postgresql.make(template=self._sources[of.database.folder].name if of else None)
        if of is None:
            self.postgresql.migrate(lent)
        else:
            lent.ask("DROP SCHEMA kept CASCADE")
        self._sources[folder] = lent
        return Database(dialect, lent.url, folder, lent.ask)


def on_file(folder: Path) -> Database:
    """Return the SQLite database in a folder."""
    path = folder / _FILE

    def ask(sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(_PLACE.sub(r"?\1", sql), values).fetchall()

    return Database("sqlite", f"sqlite:///{path}", folder, ask)
