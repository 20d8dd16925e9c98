"""`stanchion serve` as a process of its own, which an operator stops, starts and kills."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any, TypeVar

from tests.databases import Database
from tests.serving.place import Place
from tests.serving.process import Server, free_port, running
from tests.stateful.operating import Operating
from tests.stateful.stand import Answer
from tests.stateful.stores import open_store, records

T = TypeVar("T")

# The directory looks every second.
_A_WHILE_SECONDS = 1.2


class Served:
    """A stand whose server is another process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._port = free_port()
        self._told = 0
        self._start()

    def _start(self) -> None:
        self._running = ExitStack()
        self._server: Server = self._running.enter_context(running(Place(self._database), port=self._port))

    def send(
        self, method: str, target: str, *, token: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Send a request."""
        fields = {"Authorization": f"Bearer {token}", **headers}
        with closing(HTTPConnection("localhost", self._port, timeout=30)) as connection:
            connection.request(method, target, body=body or None, headers=fields)
            response = connection.getresponse()
            content = response.read()
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, content)

    def operate(self, act: Callable[[Operating], T]) -> T:
        """Let an operator do something on the store, from this process."""
        store = open_store(self._database)
        try:
            return act(Operating(store, self._database.key_file))
        finally:
            store.close_now()

    def wait(self) -> None:
        """Let the time pass after which what was revoked counts no more."""
        time.sleep(_A_WHILE_SECONDS)

    def history(self, tenant: str) -> Sequence[Mapping[str, Any]]:
        """Return the records of a tenant's changes."""
        return records(self._database, tenant)

    def restart(self) -> None:
        """Stop it by SIGTERM, and start it."""
        assert self._server.stop() == 0
        self._running.close()
        self._start()

    def crash(self) -> None:
        """Kill its worker and its main process, and start it."""
        os.killpg(self._server.process.pid, signal.SIGKILL)
        self._running.close()
        self._start()

    def log(self) -> Sequence[str]:
        """Return what it wrote since this was last asked."""
        lines = self._server.log.splitlines()
        told, self._told = self._told, len(lines)
        return lines[told:]

    def close(self) -> None:
        """End it."""
        self._running.close()
