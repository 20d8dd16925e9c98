"""A stand-in identity provider: an HTTPS server on loopback that does as a test tells it.

It serves discovery and a key set, and by `answers` anything else at any path: redirects, garbage, bodies that
never end. It remembers what was asked of it, and can be held for a while, or be down.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

DISCOVERY = "/.well-known/openid-configuration"
_POLL_SECONDS = 0.005
_PIECE_BYTES = 64 * 1024
_LONGEST_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What the stand-in says at a path; `pieces` are sent chunked, without a length."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pieces: Callable[[], Iterator[bytes]] | None = None


def document(value: object, *, status: int = 200, **headers: str) -> Answer:
    """Return an answer in JSON."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json", **given})


def redirect(location: str, *, status: int = 302) -> Answer:
    """Return an answer that sends the caller elsewhere."""
    return Answer(status=status, headers={"Location": location})


class StandIn:
    """One issuer at `url`, a path of a server of its own."""

    def __init__(self, certificate: Path, key: Path, *, path: str = "/realms/harbour") -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._path = path
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        self.reset()

    def reset(self) -> None:
        """Forget what tests told it and what was asked."""
        self.answers: dict[str, Answer] = {}
        self.keys: list[Mapping[str, object]] = []
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.sent_bytes = 0
        self.open = threading.Event()
        self.open.set()

    @property
    def origin(self) -> str:
        """Its address."""
        return f"https://localhost:{self.port}"

    @property
    def url(self) -> str:
        """The issuer, as discovery and its tokens name it."""
        return self.origin + self._path

    @property
    def discovery_path(self) -> str:
        """Where its discovery document is."""
        return self._path + DISCOVERY

    @property
    def keys_path(self) -> str:
        """Where its key set is."""
        return f"{self._path}/protocol/openid-connect/certs"

    def discovery(self, **changed: object) -> dict[str, object]:
        """Return the discovery document, some members changed, or left out where Ellipsis."""
        made: dict[str, object] = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/protocol/openid-connect/auth",
            "token_endpoint": f"{self.url}/protocol/openid-connect/token",
            "jwks_uri": self.origin + self.keys_path,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            **changed,
        }
        return {name: value for name, value in made.items() if value is not ...}

    def publishes(self, *keys: Mapping[str, object]) -> None:
        """Publish these keys and no others."""
        self.keys = list(keys)

    def count(self, path: str) -> int:
        """Count how often a path was asked for."""
        return self.asked.count(path)

    @property
    def key_requests(self) -> int:
        """How often the key set was asked for."""
        return self.count(self.keys_path)

    def start(self) -> None:
        """Listen, at the port of before if there was one."""
        self._server = _Server(("127.0.0.1", self.port), self, self._context)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,))
        self._thread.start()

    def stop(self) -> None:
        """Listen no more: who connects is refused."""
        if self._server is not None and self._thread is not None:
            self._server.ending.set()
            self.open.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None

    def answer(self, path: str) -> Answer:
        """Return what it says at a path."""
        if path in self.answers:
            return self.answers[path]
        if path == self.discovery_path:
            return document(self.discovery())
        if path == self.keys_path:
            return document({"keys": self.keys})
        return document({"error": "not found"}, status=404)


@contextmanager
def down(standin: StandIn) -> Iterator[None]:
    """Have an issuer be unreachable within the block."""
    standin.stop()
    try:
        yield
    finally:
        standin.start()


@contextmanager
def held(standin: StandIn) -> Iterator[None]:
    """Have an issuer take requests and answer none until the end of the block."""
    standin.open.clear()
    try:
        yield
    finally:
        standin.open.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, address: tuple[str, int], standin: StandIn, context: ssl.SSLContext) -> None:
        self.standin = standin
        self.ending = threading.Event()
        self._context = context
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (as declared)
        request.settimeout(_LONGEST_SECONDS)
        # The handshake belongs into the thread of the request, so that a slow one holds up no other.
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that leaves, or does not trust the certificate, is no fault of the test's."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        standin, ending = self.server.standin, self.server.ending
        standin.asked.append(self.path)
        standin.headers.append({name.lower(): value for name, value in self.headers.items()})
        standin.open.wait(_LONGEST_SECONDS)
        answer = standin.answer(self.path)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.pieces is None:
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            for start in range(0, len(answer.body), _PIECE_BYTES):
                self._send(answer.body[start : start + _PIECE_BYTES])
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in answer.pieces():
            if ending.is_set():
                return
            self._send(b"%x\r\n%s\r\n" % (len(piece), piece))
        self._send(b"0\r\n\r\n")

    protocol_version = "HTTP/1.1"

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.standin.sent_bytes += len(data)

    def end_headers(self) -> None:
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def trickle(piece: bytes = b" ", *, pause_seconds: float = 0.2) -> Answer:
    """Return an answer that comes a byte at a time and never ends, always soon enough for a limit on one read."""

    def pieces() -> Iterator[bytes]:
        while True:
            yield piece
            time.sleep(pause_seconds)

    return Answer(headers={"Content-Type": "application/json"}, pieces=pieces)


def endless(piece: bytes = b" " * _PIECE_BYTES, *, mebibytes: int = 64) -> Answer:
    """Return an answer that goes on and on, without saying how long it is."""

    def pieces() -> Iterator[bytes]:
        for _ in range(mebibytes * 1024 * 1024 // len(piece)):
            yield piece

    return Answer(headers={"Content-Type": "application/json"}, pieces=pieces)
