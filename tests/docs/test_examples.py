"""The examples of the documentation run, and print what their pages say."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.sessions import Session, blocks
from tests.docs.test_docs import ROOT, name_of

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUNNABLE = [page for page in PAGES if any(block.role == "run" for block in blocks(page))]
# The first pages that a newcomer follows; the recipes start dozens of commands, so they are for `make check`.
FIRST = [page for page in RUNNABLE if page.name in {"README.md", "first-triage.md"}]
RECIPES = [page for page in RUNNABLE if page not in FIRST]
FOR_CLIENTS = [page for page in RUNNABLE if any(block.role == "clients" for block in blocks(page))]


@pytest.fixture(scope="module")
def first_sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Session]]:
    """The first pages, all running side by side; one whose test was not chosen ends with the others."""
    sessions = {page: Session(page, tmp_path_factory.mktemp("page")) for page in FIRST}
    yield sessions
    for session in sessions.values():
        session.end()


@pytest.mark.parametrize("page", FIRST, ids=name_of)
def test_the_examples_of_the_first_pages_run(page: Path, first_sessions: dict[Path, Session]) -> None:
    first_sessions[page].check()


@pytest.mark.slow
@pytest.mark.parametrize("page", RECIPES, ids=name_of)
def test_the_examples_of_a_recipe_run(page: Path, tmp_path: Path) -> None:
    Session(page, tmp_path).check()


@pytest.mark.clients
@pytest.mark.skipif(find_spec("msgraph") is None, reason="make .venv/.clients installs the Graph SDK")
@pytest.mark.parametrize("page", FOR_CLIENTS, ids=name_of)
def test_the_examples_for_the_graph_sdk_run(page: Path, tmp_path: Path) -> None:
    Session(page, tmp_path, clients=True).check()


def test_each_kind_of_example_is_found() -> None:
    assert FIRST
    assert RECIPES
    assert FOR_CLIENTS
