"""Benches: a copy for each test that writes, one a module for those that only ask."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from stanchion.store.compile import DialectName
from tests.access.workbench import Bench, closed_bench, copied_bench
from tests.databases import Databases, Template


@pytest.fixture(scope="module")
def first_bench(
    databases: Databases, dialect: DialectName, tmp_path_factory: pytest.TempPathFactory
) -> Template[Bench]:
    """Return a closed bench to copy."""
    folder = partial(tmp_path_factory.mktemp, "first")
    return databases.template("bench", dialect, closed_bench, folder=folder)


@pytest.fixture
def bench(databases: Databases, first_bench: Template[Bench], tmp_path: Path) -> Iterator[Bench]:
    with copied_bench(databases, first_bench, tmp_path) as bench:
        yield bench


@pytest.fixture(scope="module")
def shared_bench(
    databases: Databases, first_bench: Template[Bench], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    with copied_bench(databases, first_bench, tmp_path_factory.mktemp("shared")) as bench:
        yield bench
