"""A stand: one service with one store, spoken to one request at a time, and what an operator does to it.

Two are here: a server in this process, and `stanchion serve` as a process of its own. Whichever it is, the store is
opened by `stores.py` alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tests.stateful.operating import Operating

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What came back, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """All that was said, as one text."""
        said = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{said}\n\n{self.body.decode('utf-8', 'replace')}"


class Stand(Protocol):
    """A service and its operator; both kinds are asked in the same words."""

    def send(
        self, method: str, target: str, *, token: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send a request."""

    def operate(self, act: Callable[[Operating], T]) -> T:
        """Let an operator do something on the store, as on the command line beside the server."""

    def wait(self) -> None:
        """Let the time pass after which what was revoked counts no more."""

    def history(self, tenant: str) -> Sequence[Mapping[str, Any]]:
        """Return the records of a tenant's changes, in their order."""

    def restart(self) -> None:
        """Stop the server as an operator does, and start it again."""

    def crash(self) -> None:
        """End the server as a failing machine does, and start it again."""

    def log(self) -> Sequence[str]:
        """Return the lines that were logged since this was last asked."""

    def close(self) -> None:
        """End it."""
