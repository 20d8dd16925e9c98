"""Speaking HTTP/1 by the byte: what is sent is what stands here, and every answer on the connection is read."""

import json
import resource
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.serving.place import Place, control_id
from tests.serving.process import PATIENCE_SECONDS, Server

CONTROL = f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}".encode()
DECISION = b'{"vendorInformation":{"provider":"SecureScore","vendor":"Microsoft"},"comment":"first"}'
_WITHOUT_BODY = frozenset({100, 204, 304})


@dataclass(frozen=True)
class Answer:
    """One reply."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def belongs_to(self) -> str:
        """The client-request-id, by which a test knows its request."""
        return self.headers.get("client-request-id", "")

    @property
    def message(self) -> str:
        """What the error says."""
        found: str = json.loads(self.body)["error"]["message"]
        return found


@dataclass(frozen=True)
class Conversation:
    """The answers on one connection in order, and whether the server ended it."""

    answers: tuple[Answer, ...]
    ended: bool

    @property
    def statuses(self) -> list[int]:
        """The statuses in order."""
        return [answer.status for answer in self.answers]

    @property
    def owners(self) -> list[str]:
        """The ids of the requests that were answered."""
        return [answer.belongs_to for answer in self.answers]


def connect(
    server: Server, *, timeout_seconds: float = PATIENCE_SECONDS, alpn: str | None = None
) -> socket.socket:
    """Open a connection, over TLS where the server speaks it."""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=timeout_seconds)
    if server.tls is None:
        return plain
    context = server.tls.trust()
    if alpn:
        context.set_alpn_protocols([alpn])
    return context.wrap_socket(plain, server_hostname="localhost")


def converse(
    server: Server, data: bytes, *, timeout_seconds: float = PATIENCE_SECONDS, half_close: bool = False
) -> Conversation:
    """Send bytes, and read answers until the server ends the connection or nothing comes."""
    with connect(server, timeout_seconds=timeout_seconds) as connection:
        received, ended = b"", False
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        try:
            while chunk := connection.recv(65536):
                received += chunk
            ended = True
        except (ConnectionResetError, ssl.SSLError):
            ended = True
        except TimeoutError:
            pass
    return Conversation(tuple(answers_in(received)), ended)


def answers_in(received: bytes) -> list[Answer]:
    """Return the replies in what a connection brought, interim ones left out."""
    found = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, head[:100]
        line, *fields = head.decode("latin-1").split("\r\n")
        assert line.startswith("HTTP/1."), line[:100]
        status = int(line.split(" ")[1])
        headers = {name.lower(): text.strip() for name, _, text in (field.partition(":") for field in fields)}
        size = 0 if status in _WITHOUT_BODY else int(headers.get("content-length", "0"))
        body, received = received[:size], received[size:]
        if status != 100:
            found.append(Answer(status, headers, body))
    return found


def request(
    *headers: bytes,
    token: str = "",
    id: str = "first",
    method: bytes = b"GET",
    target: bytes = CONTROL,
    version: bytes = b"HTTP/1.1",
    body: bytes = b"",
) -> bytes:
    """Return a request as it goes over the wire; `headers` are whole lines, with all that is wrong about them."""
    lines = [
        method + b" " + target + b" " + version,
        b"Host: localhost",
        b"client-request-id: " + id.encode(),
    ]
    if token:
        lines.append(b"Authorization: Bearer " + token.encode())
    return b"\r\n".join([*lines, *headers]) + b"\r\n\r\n" + body


def decision(place: Place, *headers: bytes, body: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    """Return a PATCH that the server carries out where it understands how its body is framed."""
    typed = (b"Content-Type: application/json", *headers)
    return request(*typed, token=place.token, method=b"PATCH", version=version, body=body)


def ask_health(id: str, *headers: bytes) -> bytes:
    """Return a request that any connection may make."""
    return request(*headers, id=id, target=b"/healthz")


# The last request of a conversation: whoever answers it ends the connection.
LAST = ask_health("last", b"Connection: close")
# What an attacker hides in a body.
SMUGGLED = ask_health("smuggled")


def chunked(body: bytes) -> bytes:
    """Return a body as one chunk."""
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def resident_kibibytes(server: Server) -> int:
    """Return how much memory the worker holds."""
    return _status(server, "VmRSS")


def descriptors(server: Server) -> int:
    """Return how many descriptors the worker has open."""
    return len(list(Path(f"/proc/{server.worker()}/fd").iterdir()))


def cpu_seconds(server: Server) -> float:
    """Return how long the worker has computed."""
    fields = Path(f"/proc/{server.worker()}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def allow_descriptors(number: int) -> None:
    """Let this process have so many descriptors, as far as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))


def _status(server: Server, name: str) -> int:
    for line in Path(f"/proc/{server.worker()}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise AssertionError(name)
