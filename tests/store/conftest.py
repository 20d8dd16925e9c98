"""A store with two tenants, on each database, closed after the test, whose every statement is judged."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from stanchion.app import open_store
from stanchion.store import SQLiteStore
from stanchion.store.compile import DialectName
from tests.databases import AnyStore, Database, Databases, Template
from tests.store.commands import OTHER_TENANT, add_tenant


@contextmanager
def closing_now(store: SQLiteStore) -> Iterator[SQLiteStore]:
    """Close a store after the block, however it ends."""
    try:
        yield store
    finally:
        store.close_now()


@contextmanager
def opened(database: Database, *, serving: bool = False) -> Iterator[AnyStore]:
    """Open a store for the block."""
    store = open_store(database.settings, serving=serving)
    try:
        yield store
    finally:
        store.close_now()


def fill(database: Database) -> None:
    """Add two tenants."""
    with opened(database) as store:
        store.run(add_tenant())
        store.run(add_tenant(OTHER_TENANT, "Brinewood"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file of a store on SQLite is."""
    return tmp_path / "stanchion.db"


@pytest.fixture(scope="module")
def template(
    databases: Databases, dialect: DialectName, tmp_path_factory: pytest.TempPathFactory
) -> Template[None]:
    """A closed database with two tenants, to be copied: migrating each anew would take most of the time."""
    return databases.template("tenants", dialect, fill, folder=partial(tmp_path_factory.mktemp, "template"))


@pytest.fixture(scope="session")
def template_file(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of that database on SQLite, for tests that are about the file."""
    folder = partial(tmp_path_factory.mktemp, "template")
    return databases.template("tenants", "sqlite", fill, folder=folder).database.path


@pytest.fixture
def database(databases: Databases, template: Template[None], tmp_path: Path) -> Iterator[Database]:
    """A database with two tenants."""
    with databases.copy(template, tmp_path) as copied:
        yield copied


@pytest.fixture
def store(database: Database) -> Iterator[AnyStore]:
    """A store for the command line, with two tenants."""
    with opened(database) as made:
        yield made


@pytest.fixture
def serving(store: AnyStore, database: Database) -> Iterator[AnyStore]:  # noqa: ARG001 (it is there first)
    """A serving store on the same database."""
    with opened(database, serving=True) as made:
        yield made
