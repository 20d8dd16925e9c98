"""A worker that nobody has asked anything has imported nothing that serving does not need."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import on_file
from tests.serving.place import Place
from tests.serving.process import PATIENCE_SECONDS, Server, clean_environment, running

# What commands, tests and pages need, and what requests to issuers and metrics load when they come first.
UNWANTED = frozenset(
    {
        "alembic",
        "h2",
        "httpcore",
        "httpx",
        "jinja2",
        "mako",
        "prometheus_client",
        "pygments",
        "pytest",
        "rich",
        "stanchion.demo",
        "stanchion.importers",
    }
)
# Read by Python itself at the start of each process: a thread of each forked one tells what is imported once asked.
_SPY = """
import os, sys, threading, time

def tell():
    while not os.path.exists({ask!r}):
        time.sleep(0.02)
    with open({answer!r} + ".part", "w") as file:
        file.write("\\n".join(list(sys.modules)))
    os.replace({answer!r} + ".part", {answer!r})

os.register_at_fork(after_in_child=lambda: threading.Thread(target=tell, daemon=True).start())
"""


@contextmanager
def spied_on(place: Place, folder: Path) -> Iterator[tuple[Server, "Spy"]]:
    """Run a server whose worker tells what it has imported."""
    spy = Spy(folder)
    path = f"{folder}:{clean_environment()['PYTHONPATH']}"
    with running(place, environment={"PYTHONPATH": path}) as server:
        yield server, spy


class Spy:
    """What is asked of the worker, by files."""

    def __init__(self, folder: Path) -> None:
        self._ask, self._answer = folder / "ask", folder / "answer"
        spy = _SPY.format(ask=str(self._ask), answer=str(self._answer))
        (folder / "sitecustomize.py").write_text(spy)

    def modules(self) -> frozenset[str]:
        """Return the names of the modules that the worker has imported."""
        self._ask.touch()
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._answer.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        return frozenset(self._answer.read_text().splitlines())


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spy")


def test_an_idle_worker_has_imported_what_serving_needs(place: Place, folder: Path) -> None:
    with spied_on(place, folder) as (_, spy):
        modules = spy.modules()
    assert {"stanchion.web.edge", "stanchion.store.sqlite"} <= modules
    assert modules & UNWANTED == set()
    # The driver of the database that is not served, either.
    assert ("asyncpg" in modules) == (place.at.dialect == "postgresql")


@pytest.mark.sqlite("makes the database at its start; PostgreSQL is migrated by a command")
def test_so_has_one_whose_server_has_made_the_database(tmp_path: Path, folder: Path) -> None:
    with spied_on(Place(on_file(tmp_path)), folder) as (server, spy):
        assert server.ready()
        modules = spy.modules()
    assert modules & UNWANTED == set()
