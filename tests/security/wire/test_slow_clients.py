"""Slow clients: every wait for one has an end, what waits for them is bounded, and nobody else notices them."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from tests.security.wire.behaved import STANDSTILL_SECONDS, behaving
from tests.security.wire.http2 import PREFACE
from tests.security.wire.large import CHANGES, PAGE, enlarge
from tests.security.wire.raw import (
    ask_health,
    connect,
    converse,
    decision,
    request,
    resident_kibibytes,
)
from tests.serving.place import Place
from tests.serving.process import PATIENCE_SECONDS, Server, running

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")

# Who says nothing more is ended some 3 seconds later: all connections are looked at each second. By the limits that
# everybody has it would be a minute and more.
IMPATIENT = {"STANCHION_REQUEST_TIMEOUT_SECONDS": "1", "STANCHION_KEEP_ALIVE_SECONDS": "2"}
_SOON_SECONDS = 25.0
# The HTTP layer itself ends a handshake after 10 seconds.
_BEFORE_IT_IS_ENDED_ANYWAY_SECONDS = 9.0
_PAGE_MEBIBYTES = 16
_GIVEN_UP = "was not taken in 2 s"
SETTINGS_FRAME = b"\0\0\0\4\0\0\0\0\0"
UPLOAD = request(b"Content-Length: 100000", method=b"POST", target=b"/v1.0/security/secureScores")

# What is said first, and what is said again and again.
SLOW = {
    "nothing": (b"", b""),
    "one byte": (b"G", b""),
    "a byte of either version": (b"P", b""),
    "half a preface": (PREFACE[:20], b""),
    "half a head": (request()[:30], b""),
    "a head byte by byte": (b"GET /healthz HTTP/1.1\r\nX: ", b"x"),
    "fields one by one": (b"GET /healthz HTTP/1.1\r\n", b"X: y\r\n"),
    "empty lines": (b"", b"\r\n"),
    "a request and nothing more": (ask_health("first"), b""),
    "a request and half of another": (ask_health("first") + request()[:30], b""),
    "a body that was refused": (UPLOAD, b""),
    "a body that was refused, byte by byte": (UPLOAD, b" "),
    "a preface and nothing more": (PREFACE, b""),
    "settings and nothing more": (PREFACE + SETTINGS_FRAME, b""),
    "half a frame": (PREFACE + SETTINGS_FRAME + b"\0\0\x50\x01", b""),
}


@pytest.fixture(scope="module")
def limits() -> Mapping[str, str]:
    """Time limits that a test can wait for."""
    return IMPATIENT


@pytest.fixture(scope="module")
def patient(made_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the time limits that everybody has."""
    with running(made_place.copied_to(tmp_path_factory.mktemp("patient"))) as server:
        yield server


@pytest.mark.slow
def test_who_says_nothing_more_is_ended(attacked: Server) -> None:
    with ThreadPoolExecutor(len(SLOW)) as pool:
        waited = dict(
            zip(SLOW, pool.map(lambda said: seconds_to_the_end(attacked, *said), SLOW.values()), strict=True)
        )

    assert {name: seconds for name, seconds in waited.items() if seconds > _SOON_SECONDS} == {}


@pytest.mark.slow
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01"])
def test_a_handshake_that_does_not_go_on_is_ended(tls_server: Server, said: bytes) -> None:
    def seconds() -> float:
        with socket.create_connection(("127.0.0.1", tls_server.port)) as plain:
            return until_the_end(plain, said, b"")

    # A machine may pause, but not each time.
    assert any(seconds() < _BEFORE_IT_IS_ENDED_ANYWAY_SECONDS for _ in range(3))


@pytest.mark.slow
def test_a_body_that_comes_byte_by_byte_is_given_up(attacked: Server, attacked_place: Place) -> None:
    sent = decision(attacked_place, b"Content-Length: 1000", body=b"{")

    assert seconds_to_the_end(attacked, sent, b" ") < _SOON_SECONDS


def test_who_closes_one_half_has_closed_the_connection(patient: Server) -> None:
    # The HTTP layer takes the end of one half for that of both; an answer may have gone out before.
    heard = converse(patient, ask_health("first"), half_close=True)

    assert heard.ended
    assert heard.statuses in ([], [200])


@pytest.mark.slow
def test_hundreds_of_slow_callers_keep_nobody_waiting(patient: Server, made_place: Place) -> None:
    starts = [
        *(said for said, _ in SLOW.values()),
        decision(made_place, b"Content-Length: 1000", body=b"{"),
    ]
    resident = resident_kibibytes(patient)
    with ExitStack() as stack, behaving(patient) as behaved:
        crowd = [stack.enter_context(connect(patient)) for _ in range(800)]
        for number, connection in enumerate(crowd):
            connection.sendall(starts[number % len(starts)])
        time.sleep(1)
        behaved.wait()
        grown = resident_kibibytes(patient) - resident

    assert behaved.failures == []
    assert behaved.p99_seconds < 1
    assert behaved.longest_seconds < STANDSTILL_SECONDS
    assert grown < 32 * 1024


@pytest.fixture(scope="module")
def generous(made_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose pages are of the largest size; it waits two seconds for a caller to take a piece."""
    place = made_place.copied_to(tmp_path_factory.mktemp("large"))
    enlarge(place)
    with running(place, environment={"STANCHION_REQUEST_TIMEOUT_SECONDS": "2"}) as server:
        yield server


@pytest.mark.slow
def test_an_answer_that_nobody_takes_is_given_up(generous: Server, made_place: Place) -> None:
    given_up = generous.log.count(_GIVEN_UP)
    end = time.monotonic() + PATIENCE_SECONDS
    with reader(generous, made_place) as connection:
        while generous.log.count(_GIVEN_UP) == given_up:
            assert time.monotonic() < end
            time.sleep(0.1)
        taken = everything(connection)

    assert taken < _PAGE_MEBIBYTES * 1024**2 * 0.9


@pytest.mark.slow
@pytest.mark.parametrize("target", [PAGE, CHANGES])
def test_many_answers_that_nobody_takes_hold_no_more_memory_than_is_meant_for_them(
    generous: Server, made_place: Place, target: str
) -> None:
    resident = resident_kibibytes(generous)
    with ExitStack() as stack, behaving(generous) as behaved:
        readers = [stack.enter_context(reader(generous, made_place, target)) for _ in range(60)]
        grown = 0
        for _ in range(30):
            time.sleep(0.1)
            grown = max(grown, resident_kibibytes(generous) - resident)
        behaved.wait()

    # 128 MiB of answers, and what those are made of that two threads read.
    assert len(readers) * _PAGE_MEBIBYTES > 900
    assert grown < 600 * 1024
    assert behaved.failures == []
    assert behaved.p99_seconds < 2
    assert behaved.longest_seconds < STANDSTILL_SECONDS


@pytest.mark.slow
def test_a_stopped_client_keeps_nobody_waiting(generous: Server, made_place: Place) -> None:
    program = (
        "import socket, sys, time\n"
        f"connection = socket.create_connection(('127.0.0.1', {generous.port}))\n"
        f"connection.sendall({request(token=made_place.token, target=PAGE.encode())!r})\n"
        "connection.recv(1000)\nprint('began', flush=True)\n"
        "while connection.recv(10): time.sleep(0.001)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as client:
        # One that is stopped would never end, and the block would wait for it.
        try:
            assert client.stdout is not None
            client.stdout.readline()
            os.kill(client.pid, signal.SIGSTOP)
            with behaving(generous) as behaved:
                time.sleep(3)
                behaved.wait()
        finally:
            client.kill()

    assert behaved.failures == []
    assert behaved.p99_seconds < 1
    assert behaved.longest_seconds < STANDSTILL_SECONDS


def reader(server: Server, place: Place, target: str = PAGE) -> socket.socket:
    """Ask for the largest page and take nothing of it."""
    connection = socket.socket()
    # Little room, so that the server notices.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE_SECONDS)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(request(token=place.token, target=target.encode()))
    return connection


def everything(connection: socket.socket) -> int:
    """Take what comes; return how many bytes that were."""
    taken = 0
    with suppress(OSError):
        while chunk := connection.recv(1024 * 1024):
            taken += len(chunk)
    return taken


def seconds_to_the_end(server: Server, first: bytes, again: bytes) -> float:
    """Return how long a server keeps a connection on which this is said."""
    with greeted(server) as connection:
        return until_the_end(connection, first, again)


def greeted(server: Server) -> socket.socket:
    """Open a connection; where the machine pauses during its handshake the server ends it, and then another one."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return connect(server)
        except ConnectionRefusedError:
            # Nobody listens any more.
            raise
        except (ConnectionError, ssl.SSLError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def until_the_end(connection: socket.socket, first: bytes, again: bytes) -> float:
    began = time.monotonic()
    connection.settimeout(0.25)
    with suppress(OSError):
        connection.sendall(first)
        while time.monotonic() - began < 2 * _SOON_SECONDS:
            try:
                if not connection.recv(4096):
                    break
            except TimeoutError:
                connection.sendall(again)
    return time.monotonic() - began
