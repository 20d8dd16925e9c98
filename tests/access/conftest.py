"""Benches: a copy for each test that writes, one a module for those that only ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.workbench import Bench, copy_bench, open_bench


@pytest.fixture(scope="session")
def first_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return a closed bench to copy, because making a store and a key takes a while."""
    bench = open_bench(tmp_path_factory.mktemp("first"))
    bench.store.close_now()
    return bench


@pytest.fixture
def bench(first_bench: Bench, tmp_path: Path) -> Iterator[Bench]:
    bench = copy_bench(first_bench, tmp_path)
    yield bench
    bench.store.close_now()


@pytest.fixture(scope="module")
def shared_bench(first_bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = copy_bench(first_bench, tmp_path_factory.mktemp("shared"))
    yield bench
    bench.store.close_now()
