"""A client that behaves, while others do not: how long its answers take and whether it gets them."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from tests.serving.process import Server

_PAUSE_SECONDS = 0.005
_TIMEOUT_SECONDS = 10


@dataclass
class Behaved:
    """What it found."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def p99_seconds(self) -> float:
        """The time within which 99 of 100 answers came."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


@contextmanager
def behaving(
    server: Server, *, path: str = "/readyz", token: str = "", anew: bool = False
) -> Iterator[Behaved]:
    """Ask again and again while the block runs, on one connection or on a new one each time."""
    found, stop = Behaved(), threading.Event()

    def ask() -> None:
        connection = _connection(server)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        while not stop.wait(_PAUSE_SECONDS):
            began = time.perf_counter()
            try:
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    found.failures.append(str(answer.status))
            except (OSError, HTTPException) as error:
                found.failures.append(repr(error))
                connection.close()
            found.seconds.append(time.perf_counter() - began)
            if anew:
                connection.close()
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def _connection(server: Server) -> HTTPConnection:
    if server.tls:
        return HTTPSConnection("localhost", server.port, timeout=_TIMEOUT_SECONDS, context=server.tls.trust())
    return HTTPConnection("localhost", server.port, timeout=_TIMEOUT_SECONDS)


def answered(server: Server, *, timeout_seconds: float) -> bool:
    """Say whether a new connection gets an answer in time."""
    try:
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=timeout_seconds)) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
