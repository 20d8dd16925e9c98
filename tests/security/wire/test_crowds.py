"""Crowds: thousands of connections, more than there are descriptors for, and more than anyone should make."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.security.wire.behaved import STANDSTILL_SECONDS, answered, behaving
from tests.security.wire.raw import (
    CONTROL,
    allow_descriptors,
    ask_health,
    cpu_seconds,
    descriptors,
    request,
    resident_kibibytes,
)
from tests.serving.place import Place
from tests.serving.process import PATIENCE_SECONDS, STANCHION, Server, running

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")

_IDLE = 10_000
_KIBIBYTES_EACH = 16
# Descriptors of a server that may have few, and how many connections that makes.
_FEW_DESCRIPTORS, _FEW_CONNECTIONS = 300, 172
_CHURN = 20_000


@pytest.fixture
def roomy(place: Place) -> Iterator[Server]:
    """A server with the time limits that everybody has."""
    with running(place) as server:
        yield server


@pytest.fixture
def cramped(place: Place) -> Iterator[Server]:
    """A server that may open few descriptors."""
    limited = ("prlimit", f"--nofile={_FEW_DESCRIPTORS}:{_FEW_DESCRIPTORS}", *STANCHION)
    with running(place, program=limited) as server:
        yield server


@pytest.mark.slow
def test_10_000_idle_connections_cost_little_and_keep_nobody_waiting(roomy: Server, place: Place) -> None:
    allow_descriptors(_IDLE + 1000)
    before, opened = resident_kibibytes(roomy), descriptors(roomy)
    with ExitStack() as stack:
        for number in range(_IDLE):
            connection = stack.enter_context(attach(roomy))
            if number % 2:
                connection.sendall(ask_health("idle"))
        assert eventually(lambda: descriptors(roomy) >= opened + _IDLE)
        each = (resident_kibibytes(roomy) - before) / _IDLE
        used, began = cpu_seconds(roomy), time.monotonic()
        with behaving(roomy, path=CONTROL.decode(), token=place.token, anew=True) as behaved:
            time.sleep(4)
            behaved.wait()
        used, seconds = cpu_seconds(roomy) - used, time.monotonic() - began

    assert behaved.failures == []
    assert behaved.p99_seconds < 0.5
    assert behaved.longest_seconds < STANDSTILL_SECONDS
    assert each < _KIBIBYTES_EACH
    assert used < 3
    assert eventually(lambda: descriptors(roomy) <= opened + 10)
    cost = f"{each:.1f} KiB each, {used:.2f} of {seconds:.1f} s of CPU"
    print(f"{cost}, p99 {behaved.p99_seconds * 1000:.1f} ms")  # noqa: T201 (the figure of the report)


@pytest.mark.slow
def test_more_connections_than_descriptors_neither_stop_the_server_nor_busy_it(cramped: Server) -> None:
    with ExitStack() as stack, behaving(cramped) as old_friend:
        for _ in range(2 * _FEW_DESCRIPTORS):
            stack.enter_context(attach(cramped))
        time.sleep(1)
        used = cpu_seconds(cramped)
        assert descriptors(cramped) < _FEW_DESCRIPTORS
        # The silent ones have not left, and yet there is room again.
        assert eventually(lambda: answered(cramped))
        used = cpu_seconds(cramped) - used

    assert used < 3
    assert old_friend.failures == []
    assert f"{_FEW_CONNECTIONS} connections are open" in cramped.log
    assert "Traceback" not in cramped.log
    assert eventually(lambda: answered(cramped))


@pytest.mark.slow
def test_20_000_connections_that_come_and_go_leave_nothing_behind(roomy: Server) -> None:
    # What the first thousand leave is memory that is used again.
    churn(roomy, 2000)
    resident, opened = resident_kibibytes(roomy), descriptors(roomy)
    with behaving(roomy) as behaved:
        churn(roomy, _CHURN)
        behaved.wait()

    assert behaved.failures == []
    assert behaved.p99_seconds < 0.5
    assert behaved.longest_seconds < STANDSTILL_SECONDS
    assert eventually(lambda: descriptors(roomy) <= opened + 10)
    assert resident_kibibytes(roomy) - resident < 16 * 1024


@pytest.mark.slow
def test_connections_that_are_reset_in_the_middle_of_everything_leave_nothing_behind(
    roomy: Server, place: Place
) -> None:
    target = b"/v1.0/security/secureScoreControlProfiles?$top=200"
    said = request(token=place.token, target=target) + ask_health("second")
    opened = descriptors(roomy)
    with behaving(roomy) as behaved:
        for number in range(2000):
            with attach(roomy) as connection:
                connection.sendall(said[: number % (2 * len(said))])
                if number % 3 == 0:
                    connection.settimeout(0.005)
                    with suppress(OSError):
                        connection.recv(100)

    assert behaved.failures == []
    assert eventually(lambda: descriptors(roomy) <= opened + 10)
    assert "Traceback" not in roomy.log


def churn(server: Server, number: int) -> None:
    """Connect so often; some say nothing, some half a request, some take their answer."""
    whole = ask_health("churn")
    for turn in range(number):
        with attach(server) as connection:
            if turn % 4 == 1:
                connection.sendall(whole[:20])
            elif turn % 4 > 1:
                connection.sendall(whole)
                if turn % 4 > 2:
                    connection.recv(1000)


def attach(server: Server) -> socket.socket:
    """Connect; closing resets, so that no port is held for a minute."""
    connection = socket.socket()
    connection.settimeout(PATIENCE_SECONDS)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.connect(("127.0.0.1", server.port))
    return connection


def eventually(condition: Callable[[], bool]) -> bool:
    """Say whether something comes true within a minute."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
