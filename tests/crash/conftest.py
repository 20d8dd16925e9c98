"""Stores, certificates and servers as processes, for the tests of this folder."""

from pathlib import Path

import pytest

from tests.serving.fixtures import (
    certificates,
    made_place,
    place,
    place_template,
    server,
    shared_place,
    shared_server,
)
from tests.serving.place import Place

__all__ = ["certificates", "made_place", "place", "place_template", "server", "shared_place", "shared_server"]


@pytest.fixture
def file_place(made_place: Place, tmp_path: Path) -> Place:
    """A store of the test's own in a SQLite file."""
    folder = tmp_path / "file"
    folder.mkdir()
    return made_place.copied_to(folder)
