"""A client that behaves, while others do not: how long its answers take and whether it gets them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from tests.serving.process import PATIENCE_SECONDS, Server

# Of fewer answers one that is late would be more than one of a hundred.
ENOUGH = 100
# No answer takes as long: a server that stands still keeps one of them waiting, which p99 does not show.
STANDSTILL_SECONDS = 5.0
_PAUSE_SECONDS = 0.005
# A server may end a connection on which nothing was said for 5 seconds, as it does in a crowd.
_KEPT_SECONDS = 4.9
# A sleeper that wakes up so much too late was kept from running: by the machine, or by others in its process.
_TOO_LATE_SECONDS = 0.05


@dataclass
class Behaved:
    """What it found. Times are without those for which this process stood still, as it does when the machine does."""

    failures: list[str] = field(default_factory=list)
    asked_and_answered: list[tuple[float, float]] = field(default_factory=list)
    pauses: list[tuple[float, float]] = field(default_factory=list)

    @property
    def p99_seconds(self) -> float:
        """The time within which 99 of 100 answers came; known after the block."""
        assert len(self.asked_and_answered) >= ENOUGH
        seconds = sorted(self._seconds())
        return seconds[(99 * len(seconds) - 1) // 100]

    @property
    def longest_seconds(self) -> float:
        """The time within which all answers came; known after the block."""
        return max(self._seconds())

    @property
    def has_enough(self) -> bool:
        """Whether there were answers enough to judge by, or one that failed."""
        return len(self.asked_and_answered) >= ENOUGH or bool(self.failures)

    def wait(self) -> None:
        """Wait for answers enough; fails where they do not come."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.has_enough:
            assert time.monotonic() < end, f"There were {len(self.asked_and_answered)} answers."
            time.sleep(_PAUSE_SECONDS)

    def _seconds(self) -> Iterator[float]:
        for asked, answered in self.asked_and_answered:
            yield answered - asked - self._paused(asked, answered)

    def _paused(self, since: float, until: float) -> float:
        return sum(max(0.0, min(end, until) - max(begin, since)) for begin, end in self.pauses)


@contextmanager
def behaving(
    server: Server, *, path: str = "/readyz", token: str = "", anew: bool = False
) -> Iterator[Behaved]:
    """Ask again and again while the block runs, on one connection or on a new one each time.

    The block begins after the first answer.
    """
    found, began = Behaved(), threading.Event()

    def ask(stop: threading.Event) -> None:
        connection = _connection(server)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        ended = time.monotonic()
        while not stop.wait(_PAUSE_SECONDS):
            asked, sent = time.monotonic(), None
            try:
                connection.request("GET", path, headers=headers)
                sent = time.monotonic()
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    found.failures.append(str(answer.status))
            except (OSError, HTTPException) as error:
                connection.close()
                silent_seconds = (sent or time.monotonic()) - ended
                if not isinstance(error, ConnectionError) or silent_seconds <= _KEPT_SECONDS:
                    found.failures.append(repr(error))
            ended = time.monotonic()
            found.asked_and_answered.append((asked, ended))
            began.set()
            if anew:
                connection.close()
        connection.close()

    def watch(stop: threading.Event) -> None:
        woken = time.monotonic()
        while not stop.is_set():
            slept = woken
            stop.wait(_PAUSE_SECONDS)
            woken = time.monotonic()
            if woken - slept > _TOO_LATE_SECONDS:
                found.pauses.append((slept, woken))

    # Whoever watches for pauses goes on until the last answer is there.
    with _running(watch), _running(ask):
        assert began.wait(PATIENCE_SECONDS)
        yield found


@contextmanager
def _running(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Let work go on in a thread until the end of the block, of which an event tells it."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _connection(server: Server) -> HTTPConnection:
    if server.tls:
        return HTTPSConnection("localhost", server.port, timeout=PATIENCE_SECONDS, context=server.tls.trust())
    return HTTPConnection("localhost", server.port, timeout=PATIENCE_SECONDS)


def answered(server: Server) -> bool:
    """Say whether a new connection gets an answer."""
    try:
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)) as connection:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
