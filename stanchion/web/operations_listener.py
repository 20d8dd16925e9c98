"""The listener for operations: `/metrics`, `/healthz` and `/readyz` on an address of their own.

- It speaks as much HTTP/1.1 as a scraper needs: one request a connection, a head of at most 8 KiB within 5 s, no
  body. It runs in the event loop of the requests, so that its answer shows that the loop turns.
- A few connections at once; one more is 503 at once. Nothing that comes here reaches the API or the database.
- On loopback only hosts that are this machine are answered: a page in a browser that has its own name lead here
  reads nothing.
- Each serving process has a listener of its own: of several the first has the port, the others the next ones.

Source: RFC 9112 (HTTP/1.1) 2.1, 3 and 9.6.
"""

import asyncio
import errno
import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address

import msgspec

from stanchion.errors import BadRequest, HeadersTooLarge, OperatorError, ServiceUnavailable
from stanchion.model.wording import shown
from stanchion.web.answering import told
from stanchion.web.exchange import Reply

MAX_HEAD_BYTES = 8 * 1024
MAX_CONNECTIONS = 16
TIMEOUT_SECONDS = 5.0

_MOST_PORT = 65535
_ADDRESS = re.compile(
    r"(?P<host>[0-9A-Za-z._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(?P<port>[0-9]{1,5})", re.ASCII
)
_REQUEST_LINE = re.compile(
    rb"(?P<method>[A-Z]{1,16}) (?P<path>/[\x21-\x3e\x40-\x7e]*)(?:\?[\x21-\x7e]*)? HTTP/1\.[01]"
)
_HOST = re.compile(rb"(?im)^host:[ \t]*(?P<host>\[[0-9a-f:.]+\]|[^\s:\[\]]+)(?::[0-9]{1,5})?[ \t]*\r$")

Answer = Callable[[str, bytes], Awaitable[Reply]]
"""Answers a method and a path; raises a StanchionError to refuse."""


class OperationsAddress(msgspec.Struct, frozen=True):
    """Where to listen."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> "OperationsAddress":
        """Return the address that is written as `host:port`; raises OperatorError."""
        match = _ADDRESS.fullmatch(text)
        if match is None or not 0 < int(match["port"]) <= _MOST_PORT:
            raise OperatorError(
                f"{shown(text)} is no address for --operations: host:port is expected, such as 127.0.0.1:9464."
            )
        return cls(match["host"].strip("[]"), int(match["port"]))

    def ports(self, workers: int) -> range:
        """Return the ports of so many serving processes."""
        return range(self.port, min(self.port + workers, _MOST_PORT + 1))


def check_free(address: OperationsAddress, *, workers: int) -> None:
    """Raise OperatorError unless each of so many serving processes can listen."""
    for port in address.ports(workers):
        try:
            _bound(address.host, port).close()
        except OSError as error:
            raise _cannot_listen(address.host, port, error) from None


def listen(address: OperationsAddress, *, workers: int) -> socket.socket:
    """Return a socket that listens on the first port that no other of the serving processes has."""
    failure = OSError(errno.EADDRINUSE, "Address already in use")
    for port in address.ports(workers):
        try:
            return _bound(address.host, port)
        except OSError as error:
            failure = error
            if error.errno != errno.EADDRINUSE:
                break
    raise _cannot_listen(address.host, address.port, failure)


class OperationsListener:
    """Answers what comes to a socket, from `start` to `stop`."""

    def __init__(self, listening: socket.socket, answer: Answer) -> None:
        self._socket = listening
        self._answer = answer
        self._private = _is_loopback(listening.getsockname()[0])
        self._server: asyncio.Server | None = None
        self._connections = 0

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(self._serve, sock=self._socket, limit=MAX_HEAD_BYTES)

    async def stop(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                method, reply = await self._reply(reader)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                writer.write(_as_bytes(reply, without_body=method == "HEAD"))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # Whoever left or dawdles gets no answer.
        finally:
            self._connections -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _reply(self, reader: asyncio.StreamReader) -> tuple[str, Reply]:
        method = ""
        try:
            self._check_room()
            head = await _head(reader)
            method, path = _asked(head)
            if self._private:
                _check_host(head)
            return method, await self._answer(method, path)
        except (OSError, asyncio.IncompleteReadError):
            raise
        except Exception as error:  # noqa: BLE001 (every request has an answer, whatever becomes of it)
            return method, _refused(error)

    def _check_room(self) -> None:
        if self._connections > MAX_CONNECTIONS:
            raise ServiceUnavailable(f"More than {MAX_CONNECTIONS} connections at once are not served.")


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise HeadersTooLarge(f"The head is larger than {MAX_HEAD_BYTES:,} bytes.") from None


def _asked(head: bytes) -> tuple[str, bytes]:
    match = _REQUEST_LINE.fullmatch(head.partition(b"\r\n")[0])
    if match is None:
        raise BadRequest("The request line is none of HTTP/1.1.")
    return match["method"].decode(), match["path"]


def _check_host(head: bytes) -> None:
    found = _HOST.findall(head)
    if len(found) != 1 or not _is_this_machine(found[0].decode("latin-1")):
        raise BadRequest("On loopback the Host header must be localhost or an address of loopback.")


def _is_this_machine(host: str) -> bool:
    return host.lower() == "localhost" or _is_loopback(host.strip("[]"))


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def _refused(error: Exception) -> Reply:
    refusal = told(error)
    return Reply(refusal.status, f"{refusal.message}\n".encode(), "text/plain;charset=utf-8", refusal.headers)


def _as_bytes(reply: Reply, *, without_body: bool) -> bytes:
    start, body = reply.messages(without_body=without_body)
    headers = [*start["headers"], (b"connection", b"close"), (b"x-content-type-options", b"nosniff")]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"HTTP/1.1 %d \r\n%s\r\n%s" % (reply.status, lines, body["body"])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _cannot_listen(host: str, port: int, error: OSError) -> OperatorError:
    return OperatorError(
        f"{host}:{port} cannot be listened on for operations: {error.strerror}. Choose another one with --operations."
    )
