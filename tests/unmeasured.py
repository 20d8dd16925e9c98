"""What runs without being measured for coverage: quicker tests reach all that it reaches, as the floor shows.

- Tests marked `slow`, and all in folders whose tests watch servers by the clock, by their memory or under load for
  long: measuring would make servers several times as slow and large, and change what is found.
- Nor are the processes measured that these tests start.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent
_FOLDERS = tuple(
    f"{name}/"
    for name in ["bench", "clients", "contract", "crash", "fuzz", "release", "security/wire", "stateful"]
)
# By which coverage tells processes that they are measured.
_VARIABLE = "COVERAGE_PROCESS_CONFIG"


def leave_unmeasured(items: Sequence[pytest.Item]) -> None:
    """Mark what is not to be measured."""
    for item in items:
        if _within(item.path) or item.get_closest_marker("slow") is not None:
            item.add_marker("no_cover")


@pytest.fixture(scope="module", autouse=True)
def unmeasured_servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Measure none of the processes that a module of these folders starts for its tests."""
    with pytest.MonkeyPatch.context() as environment:
        if _within(request.path):
            environment.delenv(_VARIABLE, raising=False)
        yield


@pytest.fixture(autouse=True)
def unmeasured_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure none of the processes that a slow test starts."""
    if request.node.get_closest_marker("no_cover") is not None:
        monkeypatch.delenv(_VARIABLE, raising=False)


def _within(path: Path) -> bool:
    return path.relative_to(_TESTS).as_posix().startswith(_FOLDERS)
