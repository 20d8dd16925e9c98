"""Whether the server lives and is ready, for those who run it.

Both say nothing but ok or no; they need no token, no Host, and never touch the network.
"""

from typing import Protocol

from stanchion.errors import MethodNotAllowed, ServiceUnavailable
from stanchion.web.exchange import Reply, Request


class Health(Protocol):
    """What can be asked whether it still works."""

    @property
    def healthy(self) -> bool:
        """Whether writes can be kept."""


class Operations:
    """Answers `/healthz` and `/readyz`."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def answer(self, request: Request) -> Reply | None:
        """Answer a request that is one of ours, else None."""
        if request.path not in {b"/healthz", b"/readyz"}:
            return None
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed(request.method, allowed=("GET", "HEAD"))
        if request.path == b"/readyz" and not self._health.healthy:
            raise ServiceUnavailable("Writing has stopped after an error of the disk; the log has the cause.")
        return Reply(200, b"ok\n", "text/plain;charset=utf-8", {"Cache-Control": "no-store"})
