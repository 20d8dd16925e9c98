"""The same store on both databases, each served in this process."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Tokens, make_served
from tests.databases import Database, Databases, Template
from tests.differential.twins import Twins, copy_rows, served


@dataclass(frozen=True)
class TwinTemplates:
    """The two closed stores."""

    sqlite: Template[Tokens]
    postgresql: Template[Tokens]


@pytest.fixture(scope="session")
def twin_templates(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> TwinTemplates:
    """The template of all tests on SQLite, and its rows on PostgreSQL."""
    folder = partial(tmp_path_factory.mktemp, "template")
    first = databases.template("served", "sqlite", make_served, folder=folder)

    def fill(database: Database) -> Tokens:
        copy_rows(first.database, database)
        return first.value

    return TwinTemplates(first, databases.template("twin", "postgresql", fill, folder=folder))


@contextmanager
def copied(
    databases: Databases, templates: TwinTemplates, folder: Path
) -> Iterator[tuple[Database, Database]]:
    """Give a copy of each."""
    with (
        databases.copy(templates.sqlite, folder / "sqlite") as one,
        databases.copy(templates.postgresql, folder / "postgresql") as two,
    ):
        yield one, two


@pytest.fixture
async def twins(databases: Databases, twin_templates: TwinTemplates, tmp_path: Path) -> AsyncIterator[Twins]:
    """Two servers over the same rows, for one test."""
    with copied(databases, twin_templates, tmp_path) as both:
        async with served(both, twin_templates.sqlite.value) as made:
            yield made


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio; once for all, so that twins can be shared."""
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_twins(
    databases: Databases, twin_templates: TwinTemplates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Twins]:
    """The same for the tests of one module."""
    with copied(databases, twin_templates, tmp_path_factory.mktemp("twins")) as both:
        async with served(both, twin_templates.sqlite.value) as made:
            yield made
