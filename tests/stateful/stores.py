"""The one place where the machine opens a store, and looks into it: on either database.

- A store with the estate in it is made once for each kind of database, and lent as a copy to each run.
- A crash leaves what lies on the disk. On SQLite that is a copy of the files as they lie there, though a server has
  them open. On PostgreSQL, whose disk is its own, every connection is cut.
"""

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stanchion import app
from stanchion.store.compile import DialectName
from tests.databases import AnyStore, Database, Databases, on_file
from tests.stateful.estate import Estate, make_estate

_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Stores:
    """What lends stores of one kind."""

    databases: Databases
    dialect: DialectName

    @contextmanager
    def lent(self) -> Iterator[tuple[Database, Estate]]:
        """Lend a store, and what is known of it."""
        template = self.databases.template("estate", self.dialect, _made, folder=_folder)
        with tempfile.TemporaryDirectory(prefix="stanchion-run-") as name:
            folder = Path(name) / "store"
            folder.mkdir()
            with self.databases.copy(template, folder) as database:
                yield database, template.value


@cache
def files() -> Stores:
    """Return what lends stores on SQLite, to whoever runs the machine by itself."""
    databases = Databases()
    atexit.register(databases.close)
    return Stores(databases, "sqlite")


def open_store(database: Database, *, serving: bool = False) -> AnyStore:
    """Open a store."""
    return app.open_store(database.settings, serving=serving)


def crash(database: Database, *, crashes: int) -> Database:
    """End all that is open as a failing machine does; return the database to go on from."""
    if database.dialect == "postgresql":
        database.execute(_CUT)
        return database
    there = database.folder.with_name(f"store-{crashes}")
    there.mkdir()
    # What lies in shared memory is gone with the machine, and no lock outlives its process.
    for file in database.folder.iterdir():
        if file.is_file() and not file.name.endswith(("-shm", ".lock", ".log")):
            shutil.copy(file, there / file.name)
    return on_file(there)


def records(database: Database, tenant: str) -> Sequence[Mapping[str, Any]]:
    """Return the records of a tenant's changes in their order, read past the service."""
    sql = "SELECT record FROM changes WHERE tenant_id = $1 ORDER BY sequence"
    return [json.loads(record) for (record,) in database.execute(sql, tenant)]


def _made(database: Database) -> Estate:
    store = open_store(database)
    try:
        return make_estate(store, database.key_file)
    finally:
        store.close_now()


def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="stanchion-estate-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
