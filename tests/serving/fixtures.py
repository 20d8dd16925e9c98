"""Fixtures for the folders whose tests start processes; their conftest modules import what they need."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.place import Place, make_place
from tests.serving.process import Certificates, Server, running, stanchion


@pytest.fixture(scope="session")
def made_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store to copy; nothing opens it."""
    return make_place(tmp_path_factory.mktemp("place"))


@pytest.fixture
def place(made_place: Place, tmp_path: Path) -> Place:
    """A store of the test's own."""
    folder = tmp_path / "place"
    folder.mkdir()
    return made_place.copied_to(folder)


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
def shared_place(made_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store for the tests of one module."""
    return made_place.copied_to(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def shared_server(shared_place: Place) -> Iterator[Server]:
    """A server for those tests of a module that leave it as it was."""
    with running(shared_place) as started:
        yield started
