"""A database on PostgreSQL with two tenants, by itself and behind a proxy that cuts connections."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Database
from tests.store.on_postgresql.proxy import Proxy, proxied


@pytest.fixture
def url(database: Database) -> str:
    """The URL of a database with two tenants."""
    return database.url


@pytest.fixture
def proxy(database: Database) -> Iterator[Proxy]:
    """A proxy before that database; sockets have short names, and those of pytest's folders are long."""
    with (
        tempfile.TemporaryDirectory(prefix="proxy-") as folder,
        proxied(database.url, Path(folder)) as running,
    ):
        yield running
