"""What is said on the socket itself: what the server's HTTP layer refuses, and what it hands on."""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass

import pytest

from tests.serving.place import Place, control_id
from tests.serving.process import PATIENCE_SECONDS, Server, running

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")

CONTROL = f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}"


@dataclass(frozen=True)
class Answer:
    """A reply as it came: status 0 where the connection was closed without one."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for found, value in self.headers if found.lower() == name.lower()]

    @property
    def error(self) -> dict[str, object]:
        """The error of Graph's envelope."""
        found: dict[str, object] = json.loads(self.body)["error"]
        return found


def talk(server: Server, request: bytes, *, timeout_seconds: float = PATIENCE_SECONDS) -> Answer:
    """Send bytes and read one reply, up to the end of the connection or of its body."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout_seconds) as connection:
        received = b""
        # A server that refuses early closes while the rest is still being sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        with suppress(ConnectionResetError):
            while not _complete(received) and (chunk := connection.recv(65536)):
                received += chunk
    return _parsed(received)


def test_a_request_without_a_host_is_malformed(shared_server: Server) -> None:
    answer = talk(shared_server, b"GET /v1.0/$metadata HTTP/1.1\r\n\r\n")

    assert answer.status == 400
    assert "Host" in str(answer.error["message"])


def test_operations_need_no_host(shared_server: Server) -> None:
    assert talk(shared_server, b"GET /healthz HTTP/1.1\r\n\r\n").status == 200


@pytest.mark.parametrize("size", [40_000, 400_000, 4_000_000])
def test_headers_over_the_limit_are_refused(shared_server: Server, shared_place: Place, size: int) -> None:
    answer = talk(
        shared_server,
        f"GET {CONTROL} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {shared_place.token}\r\n"
        f"X-Long: {'x' * size}\r\n\r\n".encode(),
    )

    # Beyond its own buffer the HTTP layer refuses by itself.
    assert answer.status in ({431} if size < 400_000 else {0, 400, 431})


def test_many_headers_are_refused(shared_server: Server) -> None:
    headers = "".join(f"X-{number}: y\r\n" for number in range(500))

    assert (
        talk(shared_server, f"GET {CONTROL} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()).status
        == 431
    )


@pytest.mark.parametrize("size", [9_000, 70_000])
def test_a_url_over_the_limit_is_refused(shared_server: Server, size: int) -> None:
    answer = talk(
        shared_server, f"GET /v1.0/security/{'x' * size} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    )

    assert answer.status == 414


def test_what_is_no_http_is_refused_and_the_server_goes_on(shared_server: Server) -> None:
    assert talk(shared_server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").status in {0, 400}
    assert talk(shared_server, b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n").status in {
        0,
        400,
    }
    assert shared_server.ready()


def test_a_body_that_dawdles_is_given_up(place: Place) -> None:
    with running(place, environment={"STANCHION_REQUEST_TIMEOUT_SECONDS": "1"}) as server:
        answer = talk(server, patch(place, declared=100, body=b'{"comment"'))

        assert answer.status == 408
        assert answer.error["code"] == "RequestTimeout"
        assert server.ready()


def test_a_body_larger_than_allowed_is_refused_before_it_arrives(
    shared_server: Server, shared_place: Place
) -> None:
    assert talk(shared_server, patch(shared_place, declared=5 * 1024 * 1024, body=b"")).status == 413


def test_a_chunked_body_is_counted_as_it_arrives(shared_server: Server, shared_place: Place) -> None:
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    head = request_head(shared_place, "Transfer-Encoding: chunked")

    assert talk(shared_server, head + 5 * chunk + b"0\r\n\r\n").status == 413


def test_a_chunked_body_is_read(shared_server: Server, shared_place: Place) -> None:
    content = b'{"vendorInformation":{"provider":"SecureScore","vendor":"Microsoft"},"comment":"chunked"}'
    head = request_head(shared_place, "Transfer-Encoding: chunked")

    assert talk(shared_server, head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)).status == 204


@pytest.mark.parametrize(
    "path", [CONTROL, "/v1.0/security/secureScores?$top=1", "/v1.0/", "/v1.0/security/nothing"]
)
def test_every_header_comes_once(shared_server: Server, shared_place: Place, path: str) -> None:
    answer = talk(
        shared_server,
        f"GET {path} HTTP/1.1\r\nHost: localhost:{shared_server.port}\r\n"
        f"Authorization: Bearer {shared_place.token}\r\nclient-request-id: mine\r\n\r\n".encode(),
    )
    names = [name.lower() for name, _ in answer.headers]

    assert sorted(names) == sorted(set(names))
    assert answer.header("OData-Version") == ["4.0"]
    assert answer.header("client-request-id") == ["mine"]
    assert len(answer.header("request-id")[0]) == 36
    assert "date" in names


def test_a_204_has_neither_body_nor_type(shared_server: Server, shared_place: Place) -> None:
    content = b'{"vendorInformation":{"provider":"SecureScore","vendor":"Microsoft"},"comment":"bare"}'
    answer = talk(shared_server, patch(shared_place, declared=len(content), body=content))

    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("Content-Type") == []
    assert answer.header("Content-Length") in ([], ["0"])


def test_a_head_has_the_headers_of_a_get_and_no_body(shared_server: Server, shared_place: Place) -> None:
    answer = talk(
        shared_server,
        f"HEAD {CONTROL} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {shared_place.token}\r\n\r\n".encode(),
    )

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.header("Content-Length")[0]) > 100


def test_a_host_that_is_not_ours_is_misdirected_and_one_that_is_no_host_malformed(
    shared_server: Server,
) -> None:
    statuses = {
        host: talk(shared_server, f"GET /v1.0/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status
        for host in ("evil.example", "localhost", "[::1]:8080", "a b", "")
    }

    assert statuses == {"evil.example": 421, "localhost": 200, "[::1]:8080": 200, "a b": 400, "": 400}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_operations_say_nothing_but_ok(shared_server: Server, path: str) -> None:
    answer = talk(shared_server, f"GET {path} HTTP/1.1\r\nHost: anything\r\n\r\n".encode())

    assert (answer.status, answer.body) == (200, b"ok\n")


def request_head(place: Place, *headers: str) -> bytes:
    lines = (
        f"PATCH {CONTROL} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {place.token}",
        "Content-Type: application/json",
        *headers,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def patch(place: Place, *, declared: int, body: bytes) -> bytes:
    return request_head(place, f"Content-Length: {declared}") + body


def _complete(received: bytes) -> bool:
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return False
    answer = _parsed(received)
    if head.startswith(b"HTTP/1.1 204"):
        return True
    length = answer.header("Content-Length")
    return bool(length) and len(body) >= int(length[0])


def _parsed(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Answer(int(status.split(" ")[1]) if status else 0, headers, body)
