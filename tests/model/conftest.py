"""The references beside a checkout, for tests of the model; without them those tests are skipped."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared"


def shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not beside this checkout")
    return path


@pytest.fixture(scope="session")
def graph_samples() -> Path:
    """The folder of real answers of Graph."""
    return shared("samples", "graph")


@pytest.fixture(scope="session")
def microsoft_csdl() -> Path:
    """The folder of Microsoft's own metadata documents."""
    return shared("reference", "csdl")
