"""Fixtures for the folders whose tests start processes; their conftest modules import what they need."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stanchion.store.compile import DialectName
from tests.databases import Databases, Template
from tests.serving.place import Place, make_place
from tests.serving.process import Certificates, Server, running, stanchion


@pytest.fixture(scope="session")
def made_place(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store on SQLite to copy; nothing opens it."""
    made = databases.template("place", "sqlite", make_place, folder=lambda: tmp_path_factory.mktemp("place"))
    return made.value


@pytest.fixture(scope="module")
def place_template(
    databases: Databases, dialect: DialectName, tmp_path_factory: pytest.TempPathFactory
) -> Template[Place]:
    """A store to copy, on either database."""
    return databases.template("place", dialect, make_place, folder=lambda: tmp_path_factory.mktemp("place"))


@pytest.fixture
def place(databases: Databases, place_template: Template[Place], tmp_path: Path) -> Iterator[Place]:
    """A store of the test's own."""
    with databases.copy(place_template, tmp_path / "place") as database:
        yield replace(place_template.value, at=database)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A private authority and the server certificate that it signed, from the command line."""
    folder = tmp_path_factory.mktemp("tls")
    made = stanchion("certificate", "--to", folder, folder=folder)
    assert made.returncode == 0, made.stderr
    return Certificates(folder)


@pytest.fixture
def server(place: Place) -> Iterator[Server]:
    """A server of the test's own, over http."""
    with running(place) as started:
        yield started


@pytest.fixture(scope="module")
def shared_place(
    databases: Databases, place_template: Template[Place], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A store for the tests of one module."""
    with databases.copy(place_template, tmp_path_factory.mktemp("shared")) as database:
        yield replace(place_template.value, at=database)


@pytest.fixture(scope="module")
def shared_server(shared_place: Place) -> Iterator[Server]:
    """A server for those tests of a module that leave it as it was."""
    with running(shared_place) as started:
        yield started
