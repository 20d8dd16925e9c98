"""A server in this process: as quick as the machine can ask, and with a clock that goes as it is told."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

from stanchion import app
from stanchion.logs import JsonFormatter
from tests.databases import Database
from tests.stateful.operating import Operating
from tests.stateful.stand import Answer
from tests.stateful.stores import crash, open_store, records

if TYPE_CHECKING:
    from starlette.types import Message

T = TypeVar("T")

_HOST = b"127.0.0.1:8080"
# Longer than the directory goes without looking.
_A_WHILE_SECONDS = 2.0


class _Clock:
    """The clocks of the server, of which the one that never goes back can be put forward."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_seconds

    @staticmethod
    def time() -> float:
        return time.time()


class _Lines(logging.Handler):
    """Keeps what the service logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("stanchion") and record.name != "stanchion.sql":
            self.kept.append(JsonFormatter().format(record))


class InProcess:
    """A stand of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.new_event_loop()
        self._clock = _Clock()
        self._lines = _Lines()
        # A logger between the root and those of the product would stay for the tests that come after.
        self._logger = logging.getLogger()
        self._level = self._logger.level
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self._lines)
        self._crashes = 0
        self._open()

    def _open(self) -> None:
        self._store = open_store(self._database, serving=True)
        with patch.object(app, "time", self._clock):
            self._server = app.build_server(self._store, self._database.settings)

    def send(
        self, method: str, target: str, *, token: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send a request."""
        # The application reads the clock of its module while it answers, too.
        with patch.object(app, "time", self._clock):
            return self._loop.run_until_complete(
                self._sent(method, target, token=token, headers=headers, body=body)
            )

    async def _sent(
        self, method: str, target: str, *, token: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        path, _, query = target.partition("?")
        sent: list[Message] = []

        async def receive() -> "Message":
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: "Message") -> None:
            sent.append(message)

        fields = {"authorization": f"Bearer {token}", "content-length": str(len(body)), **headers}
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [
                (b"host", _HOST),
                *((name.lower().encode(), text.encode()) for name, text in fields.items()),
            ],
            "client": ("127.0.0.1", 1),
        }
        await self._server(scope, receive, send)
        start, end = sent
        answered = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], answered, end["body"])

    def operate(self, act: Callable[[Operating], T]) -> T:
        """Let an operator do something on the store."""
        return act(Operating(self._store, self._database.key_file))

    def wait(self) -> None:
        """Let the time pass after which what was revoked counts no more."""
        self._clock.ahead_seconds += _A_WHILE_SECONDS

    def history(self, tenant: str) -> Sequence[Mapping[str, Any]]:
        """Return the records of a tenant's changes."""
        return records(self._database, tenant)

    def restart(self) -> None:
        """Close the store, and open it again."""
        self._loop.run_until_complete(self._store.close())
        self._open()

    def crash(self) -> None:
        """Go on from what lies on the disk at this moment."""
        self._crashes += 1
        self._database = crash(self._database, crashes=self._crashes)
        self._loop.run_until_complete(self._store.close())
        self._open()

    def log(self) -> Sequence[str]:
        """Return what was logged since this was last asked."""
        lines, self._lines.kept = self._lines.kept, []
        return lines

    def close(self) -> None:
        """Close all."""
        self._loop.run_until_complete(self._store.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._logger.removeHandler(self._lines)
        self._logger.setLevel(self._level)
