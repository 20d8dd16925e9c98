"""How many connections a server has, and which of them are ended."""

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from stanchion.web.connections import (
    MAX_CONNECTIONS,
    RESERVED_DESCRIPTORS,
    Silence,
    UnderWay,
    end_silent_connections,
)

ALLOWED_SECONDS = 1.0
PROGRAM = "from stanchion.web.connections import connection_limit; print(connection_limit())"


@pytest.mark.parametrize(
    ("soft", "hard", "connections"),
    [(1024, 4096, 4096 - RESERVED_DESCRIPTORS), (300, 300, 300 - RESERVED_DESCRIPTORS), (100, 100, 16)],
)
def test_as_many_connections_as_descriptors_allow(soft: int, hard: int, connections: int) -> None:
    program = ["prlimit", f"--nofile={soft}:{hard}", sys.executable, "-c", PROGRAM]
    ran = subprocess.run(program, capture_output=True, text=True, check=True)

    assert int(ran.stdout) == connections


def test_there_is_a_most_however_many_descriptors_there_are() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < MAX_CONNECTIONS + RESERVED_DESCRIPTORS:
        pytest.skip(f"This machine allows no more than {hard} descriptors.")
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert int(ran.stdout) == MAX_CONNECTIONS


def test_requests_under_way_are_counted_by_connection() -> None:
    under_way = UnderWay()
    under_way.begin(1)
    under_way.begin(1)
    under_way.end(1)

    assert 1 in under_way
    under_way.end(1)
    assert 1 not in under_way


@pytest.mark.parametrize(("connections", "seconds"), [(0, 75.0), (89, 75.0), (90, 5.0), (1000, 5.0)])
def test_silence_is_borne_for_less_long_where_few_places_are_left(connections: int, seconds: float) -> None:
    assert Silence(75.0, 100).allowed_seconds(connections) == seconds
    assert Silence(2.0, 100).allowed_seconds(connections) == min(seconds, 2.0)


@pytest.mark.slow
def test_a_silent_connection_is_ended_and_one_with_a_request_under_way_or_to_elsewhere_is_not() -> None:
    with listener() as ours, listener() as elsewhere:
        under_way = UnderWay()
        end_silent_connections(
            ours.getsockname()[1], silence=Silence(ALLOWED_SECONDS, 1000), under_way=under_way
        )
        rounds = (one_round(ours, elsewhere, under_way) for _ in range(20))
        # Where the machine stood still meanwhile, whoever was to talk was silent too.
        undisturbed = (ended for ended, longest_seconds in rounds if longest_seconds < ALLOWED_SECONDS / 2)
        ended = next(undisturbed, None)

    assert ended is not None, "The machine stood still in each of the rounds."
    assert ended == [True, False, False, False]


def one_round(ours: socket.socket, elsewhere: socket.socket, under_way: UnderWay) -> tuple[list[bool], float]:
    """Return which connections are ended: silent, busy, talking, elsewhere; and the longest silence of the third."""
    said = time.monotonic()
    with pair(ours) as silent, pair(ours) as busy, pair(ours) as talking, pair(elsewhere) as foreign:
        under_way.begin(busy[0].getsockname()[1])
        longest_seconds, more_turns = 0.0, 20
        # Until the others were looked at as well, which happens once a second.
        while not is_ended(silent[0]) or (more_turns := more_turns - 1):
            with suppress(OSError):  # It is told below that it is ended.
                talking[0].send(b"x")
            said_last, said = said, time.monotonic()
            longest_seconds = max(longest_seconds, said - said_last)
            time.sleep(0.1)
        ended = [is_ended(client) for client, _ in (silent, busy, talking, foreign)]
        return ended, max(longest_seconds, time.monotonic() - said)


@contextmanager
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


@contextmanager
def pair(server: socket.socket) -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        closing(socket.create_connection(server.getsockname())) as client,
        closing(server.accept()[0]) as accepted,
    ):
        yield client, accepted


def is_ended(client: socket.socket) -> bool:
    client.setblocking(False)  # noqa: FBT003 (its only parameter)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
