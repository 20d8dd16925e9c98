"""A store for the commands, and a way to run them on it."""

import os
from collections.abc import Callable
from typing import TypeAlias

import pytest
from click.testing import Result

from tests.cli.invoking import invoke
from tests.serving.fixtures import made_place, place, place_template
from tests.serving.place import Place

__all__ = ["made_place", "place", "place_template"]

Run: TypeAlias = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("STANCHION_"):
            monkeypatch.delenv(name)


@pytest.fixture
def run(place: Place) -> Run:
    """Run a command on the test's store."""
    return lambda *arguments: invoke(*arguments, *place.options)
