"""The listener for operations of a real server: metrics and health apart from the API, and nothing else."""

import http.client
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from stanchion.errors import OperatorError
from stanchion.web.operations_listener import MAX_HEAD_BYTES, OperationsAddress, check_free, listen
from tests.cli.invoking import invoke
from tests.serving.place import Place
from tests.serving.process import (
    PATIENCE_SECONDS,
    READY_SECONDS,
    STANCHION,
    Server,
    free_port,
    running,
)

TEXT = "text/plain; version=0.0.4; charset=utf-8"
# Waits longer for heads, so that none comes too late when the machine pauses.
PATIENT = (
    STANCHION[0],
    "-c",
    f"from stanchion.web import operations_listener; operations_listener.TIMEOUT_SECONDS = 60.0; {STANCHION[2]}",
)


@pytest.fixture(scope="module")
def watched(shared_place: Place) -> Iterator[tuple[Server, int]]:
    """A server that is watched, and the port on which."""
    port = free_port()
    with running(shared_place, "--operations", f"127.0.0.1:{port}", program=PATIENT) as server:
        yield server, port


def asked(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    """Return the status, the body and the headers."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)) as connection:
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode(), {k.lower(): v for k, v in reply.getheaders()}


def ready(port: int) -> bool:
    """Say whether the listener answers that the server is ready."""
    with suppress(OSError):
        return asked(port, "/readyz")[0] == 200
    return False


def wait_until_ready(server: Server, port: int) -> None:
    """Wait until the listener answers that the server is ready."""
    end = time.monotonic() + READY_SECONDS
    while not ready(port):
        assert time.monotonic() < end, server.log
        time.sleep(0.1)


def said(port: int, text: bytes) -> bytes:
    """Return all that is answered to some bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(text)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


def test_metrics_count_what_the_server_answers(watched: tuple[Server, int]) -> None:
    server, port = watched
    with server.client() as client:
        assert client.get("/v1.0/security/secureScores").status_code == 401
    status, text, headers = asked(port, "/metrics")
    assert (status, headers["content-type"], headers["cache-control"]) == (200, TEXT, "no-store")
    assert 'stanchion_denied_total{reason="no_token"} 1.0' in text
    assert 'stanchion_requests_total{in_batch="false",kind="list",method="GET",status="401"} 1.0' in text
    assert "\nprocess_resident_memory_bytes " in text


def test_health_is_there_too_and_nothing_of_the_api(watched: tuple[Server, int]) -> None:
    _, port = watched
    assert asked(port, "/healthz")[:2] == (200, "ok\n")
    assert asked(port, "/readyz?x=1")[:2] == (200, "ok\n")
    for path in ("/", "/v1.0", "/v1.0/$metadata", "/metrics/", "//metrics", "/%6detrics", "/Metrics"):
        assert asked(port, path)[0] == 404
    for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
        status, _, headers = asked(port, "/metrics", method)
        assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert asked(port, "/metrics", "HEAD")[1] == ""


def test_the_api_shows_no_metrics(watched: tuple[Server, int]) -> None:
    server, _ = watched
    with server.client() as client:
        assert client.get("/metrics").status_code == 401


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1.evil.example.com", "192.0.2.1", ""])
def test_a_page_that_leads_its_name_to_loopback_reads_nothing(watched: tuple[Server, int], host: str) -> None:
    status, body, _ = asked(watched[1], "/metrics", Host=host)
    assert (status, "stanchion_" in body) == (400, False)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9464", "127.0.0.1", "[::1]:1"])
def test_a_host_of_this_machine_is_answered(watched: tuple[Server, int], host: str) -> None:
    assert asked(watched[1], "/healthz", Host=host)[0] == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /metrics\r\n\r\n",
        b"GET /metrics HTTP/2.0\r\n\r\n",
        b"GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"get /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET  /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\r\n\r\n",
    ],
)
def test_what_is_no_request_is_400(watched: tuple[Server, int], head: bytes) -> None:
    assert said(watched[1], head).startswith(b"HTTP/1.1 400 ")


def test_a_long_head_is_431(watched: tuple[Server, int]) -> None:
    long = b"GET /metrics HTTP/1.1\r\nX: " + b"x" * (2 * MAX_HEAD_BYTES)
    assert said(watched[1], long).startswith(b"HTTP/1.1 431 ")


@pytest.mark.sqlite("is about the socket, before anything is stored")
def test_a_slow_head_is_left(place: Place) -> None:
    port = free_port()
    with running(place, "--operations", f"127.0.0.1:{port}"):
        # A machine may pause, but not each time.
        assert any(seconds_to_be_left(port) < 9 for _ in range(3))


def seconds_to_be_left(port: int) -> float:
    """Return how long a head that does not go on is waited for, which is some seconds at the least."""
    began = time.monotonic()
    assert said(port, b"GET /metrics HTTP/1.1\r\n") == b""
    seconds = time.monotonic() - began
    assert seconds > 4
    return seconds


def test_a_crowd_is_sent_away_and_the_api_goes_on(watched: tuple[Server, int]) -> None:
    server, port = watched
    crowd = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) for _ in range(20)]
    try:
        assert {connection.recv(100)[:12] for connection in crowd[16:]} == {b"HTTP/1.1 503"}
        assert server.ready()
    finally:
        for connection in crowd:
            connection.close()
    wait_until_ready(server, port)


def test_a_port_that_is_taken_keeps_it_from_starting(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        ran = invoke("serve", "--database", place.url, "--port", free_port(), "--operations", address)
    assert (ran.exit_code, ran.stderr.count("\n")) == (1, 1)
    assert address in ran.stderr
    assert "--operations" in ran.stderr


@pytest.mark.parametrize(
    "address", ["9464", ":9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "a b:1", "::1:9464"]
)
def test_an_address_that_is_none_is_refused(place: Place, address: str) -> None:
    ran = invoke("serve", "--database", place.url, "--port", free_port(), "--operations", address)
    assert ran.exit_code == 1
    assert "host:port" in ran.stderr


def test_the_port_of_the_api_is_not_that_of_operations(place: Place) -> None:
    port = free_port()
    ran = invoke("serve", "--database", place.url, "--port", port, "--operations", f"127.0.0.1:{port}")
    assert ran.exit_code == 1
    assert "ports of their own" in ran.stderr


def test_each_serving_process_has_a_port_of_its_own() -> None:
    with bases(3) as address:
        check_free(address, workers=3)
        listening = [listen(address, workers=3) for _ in range(3)]
        try:
            assert [each.getsockname()[1] for each in listening] == list(address.ports(3))
            with pytest.raises(OperatorError, match="cannot be listened on"):
                listen(address, workers=3)
            with pytest.raises(OperatorError, match="cannot be listened on"):
                check_free(address, workers=3)
            listening[1].close()
            listening[1] = listen(address, workers=3)
            assert listening[1].getsockname()[1] == address.port + 1
        finally:
            for each in listening:
                each.close()


@contextmanager
def bases(count: int) -> Iterator[OperationsAddress]:
    """Give an address whose port, and some after it, are free."""
    for _ in range(50):
        address = OperationsAddress("127.0.0.1", free_port())
        try:
            check_free(address, workers=count)
        except OperatorError:
            continue
        yield address
        return
    raise AssertionError("No ports are free.")


def test_a_worker_that_is_killed_comes_back_with_its_metrics(place: Place) -> None:
    port = free_port()
    with running(place, "--operations", f"127.0.0.1:{port}") as server:
        os.kill(server.worker(), signal.SIGKILL)
        wait_until_ready(server, port)
        assert server.stop() == 0
