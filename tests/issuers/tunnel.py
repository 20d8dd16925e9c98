"""A proxy on loopback by which the hosts of Entra lead to a stand-in: real names, real addresses, no network."""

import select
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from socketserver import BaseRequestHandler, TCPServer, ThreadingTCPServer

_POLL_SECONDS = 0.005
_PIECE_BYTES = 64 * 1024
_LONGEST_SECONDS = 60


class Tunnel:
    """A proxy for CONNECT that leads to the port given for a host, and refuses every other host."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self.ports = ports
        self.refused: list[str] = []
        self._server = _TunnelServer(("127.0.0.1", 0), _TunnelHandler)
        self._server.tunnel = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,))
        self._thread.start()

    @property
    def url(self) -> str:
        """What HTTPS_PROXY takes."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _TunnelServer(ThreadingTCPServer):
    tunnel: Tunnel
    daemon_threads = False
    allow_reuse_address = True


class _TunnelHandler(BaseRequestHandler):
    server: TCPServer

    def handle(self) -> None:
        assert isinstance(self.server, _TunnelServer)
        tunnel = self.server.tunnel
        request = b""
        while b"\r\n\r\n" not in request and (data := self.request.recv(4096)):
            request += data
        host = request.split(b" ")[1].decode() if request.startswith(b"CONNECT ") else ""
        name = host.removesuffix(":443")
        if name not in tunnel.ports:
            tunnel.refused.append(host)
            self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", tunnel.ports[name])) as server:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with suppress(OSError):
                _relay(self.request, server)


def _relay(one: socket.socket, other: socket.socket) -> None:
    to: Mapping[socket.socket, socket.socket] = {one: other, other: one}
    end = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < end:
        ready: Sequence[socket.socket] = select.select([one, other], [], [], 1)[0]
        for source in ready:
            data = source.recv(_PIECE_BYTES)
            if not data:
                return
            to[source].sendall(data)
