"""Whether the server lives and is ready, and what it counts, for those who run it.

- `/healthz` and `/readyz` say nothing but ok or no; they need no token, no Host, and never touch the network.
- `/metrics` is on the listener for operations alone (`operations_listener`), not among what callers reach.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from stanchion.errors import MethodNotAllowed, NotFound, ServiceUnavailable
from stanchion.web.exchange import Reply, Request

_HEALTH = frozenset({b"/healthz", b"/readyz"})
_METRICS = b"/metrics"
# The text format that every Prometheus reads.
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NO_STORE = {"Cache-Control": "no-store"}


class Health(Protocol):
    """What can be asked whether it still works."""

    @property
    def healthy(self) -> bool:
        """Whether writes can be kept."""


class Operations:
    """Answers `/healthz` and `/readyz`, and `/metrics` where it is asked in private.

    `metrics` returns their text; `look` comes before, and has looked up what the text tells of the database.
    """

    def __init__(
        self, health: Health, *, metrics: Callable[[], bytes], look: Callable[[], Awaitable[None]]
    ) -> None:
        self._health = health
        self._metrics = metrics
        self._look = look

    def answer(self, request: Request) -> Reply | None:
        """Answer a request of a caller's that is one of ours, else None."""
        if request.path not in _HEALTH:
            return None
        request.trace.kind = "health"
        return self._answer_health(request.method, request.path)

    async def answer_privately(self, method: str, path: bytes) -> Reply:
        """Answer a request to the listener for operations; raises a StanchionError to refuse."""
        if path in _HEALTH:
            return self._answer_health(method, path)
        if path != _METRICS:
            raise NotFound("Here are /metrics, /healthz and /readyz.")
        _check_method(method)
        await self._look()
        # Beside the event loop: the first one imports a library, and many series take a millisecond.
        return Reply(200, await asyncio.to_thread(self._metrics), _METRICS_TYPE, dict(_NO_STORE))

    def _answer_health(self, method: str, path: bytes) -> Reply:
        _check_method(method)
        if path == b"/readyz" and not self._health.healthy:
            raise ServiceUnavailable("Writing has stopped after an error of the disk; the log has the cause.")
        return Reply(200, b"ok\n", "text/plain;charset=utf-8", dict(_NO_STORE))


def _check_method(method: str) -> None:
    if method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(method, allowed=("GET", "HEAD"))
