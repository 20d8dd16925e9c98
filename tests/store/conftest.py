"""A store with one tenant, closed after the test, whose every statement is judged."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stanchion.store import SQLiteStore
from tests.store.commands import OTHER_TENANT, add_tenant


@contextmanager
def closing_now(store: SQLiteStore) -> Iterator[SQLiteStore]:
    """Close a store after the block, however it ends."""
    try:
        yield store
    finally:
        store.close_now()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stanchion.db"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed database with two tenants, to be copied: migrating each anew would take most of the time."""
    path = tmp_path_factory.mktemp("template") / "stanchion.db"
    with closing_now(SQLiteStore.open(path)) as store:
        store.run(add_tenant())
        store.run(add_tenant(OTHER_TENANT, "Brinewood"))
    return path


@pytest.fixture
def store(path: Path, template: Path) -> Iterator[SQLiteStore]:
    """A store for the command line, with two tenants."""
    shutil.copy(template, path)
    with closing_now(SQLiteStore.open(path)) as opened:
        yield opened


@pytest.fixture
def serving(store: SQLiteStore) -> Iterator[SQLiteStore]:
    """A serving store on the same file, with its writer thread."""
    with closing_now(SQLiteStore.open(store.path, serving=True)) as opened:
        yield opened
