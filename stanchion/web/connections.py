"""The connections of a server: how many there may be, and which of them are closed because nothing is said on them.

- There are never more than descriptors allow, with some kept for everything else: a server that cannot accept for
  lack of one asks again and again, and can open no file. Who comes beyond waits in the kernel's queue.
- HTTP's own time limits know nothing of a caller who connects and says nothing, or keeps HTTP/2 open and asks
  nothing: the kernel does. Nothing in either direction for longer than is ever waited for, and it is closed.
- When few places are left, callers with nothing under way keep theirs for seconds only, so that a crowd of silent
  connections does not lock out who has something to say.
- Linux alone tells of the silence of a connection; elsewhere a proxy before the server has to end them.
"""

import errno
import logging
import os
import resource
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Some 10 KiB each while they are idle.
MAX_CONNECTIONS = 16_384
# For the database, the logs, the keys of issuers, and what is being accepted; 40 are open at most times.
RESERVED_DESCRIPTORS = 128
_LEAST_CONNECTIONS = 16
# From this part of the places on there are few left.
_FEW_LEFT = 0.9
_PATIENCE_SECONDS = 5.0
_ROUND_SECONDS = 1.0
# Looking at a thousand connections takes some 5 ms.
_SHARE_OF_TIME = 0.05
# The pause between some lets those who answer requests go first.
_AT_ONCE, _PAUSE_SECONDS = 100, 0.001
# struct tcp_info of linux/tcp.h: state, milliseconds since data was sent, an acknowledgement was, data was received.
_TCP_INFO = struct.Struct("=B43xIII")
_LISTENING = 10
_DESCRIPTORS = Path("/proc/self/fd")

logger = logging.getLogger("stanchion.serve")


class UnderWay:
    """How many requests are being answered on each connection, by the caller's port."""

    def __init__(self) -> None:
        self._requests: dict[int, int] = {}

    def begin(self, port: int) -> None:
        """Count a request that came."""
        self._requests[port] = self._requests.get(port, 0) + 1

    def end(self, port: int) -> None:
        """Count a request that was answered."""
        left = self._requests.pop(port) - 1
        if left:
            self._requests[port] = left

    def __contains__(self, port: int) -> bool:
        return port in self._requests


@dataclass(frozen=True)
class Silence:
    """For how long a connection may be silent, and of how many connections."""

    seconds: float
    most: int

    def allowed_seconds(self, connections: int) -> float:
        """Return how long nothing may be said while there are so many connections."""
        return min(self.seconds, _PATIENCE_SECONDS) if connections >= _FEW_LEFT * self.most else self.seconds


def connection_limit() -> int:
    """Return how many connections there may be, after asking for as many descriptors as they need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wished = MAX_CONNECTIONS + RESERVED_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wished:
        soft = wished if hard == resource.RLIM_INFINITY else min(wished, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(_LEAST_CONNECTIONS, min(MAX_CONNECTIONS, soft - RESERVED_DESCRIPTORS))


def end_silent_connections(port: int, *, silence: Silence, under_way: UnderWay) -> None:
    """Keep ending the connections to a port of this process that are silent for too long, in a thread."""
    if sys.platform == "linux":
        watch = _Watch(port, silence, under_way)
        threading.Thread(target=watch.run, name="connections", daemon=True).start()


class _Watch:
    """Looks at every connection, again and again."""

    def __init__(self, port: int, silence: Silence, under_way: UnderWay) -> None:
        self._port = port
        self._silence = silence
        self._under_way = under_way
        self._had_room = True

    def run(self) -> None:
        while True:
            began = time.thread_time()
            try:
                self._look()
            except OSError:
                logger.exception("The connections could not be looked at.")
            time.sleep(max(_ROUND_SECONDS, (time.thread_time() - began) / _SHARE_OF_TIME))

    def _look(self) -> None:
        found = list(_silences())
        allowed = self._silence.allowed_seconds(len(found))
        self._tell_of_room(len(found))
        for descriptor, silent_seconds in found:
            if silent_seconds > allowed:
                with suppress(OSError):
                    self._end(descriptor, allowed)

    def _end(self, descriptor: int, allowed_seconds: float) -> None:
        # The server may have closed it meanwhile and use the number for another: a duplicate stays what it is.
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            if connection.getsockname()[1] != self._port or connection.getpeername()[1] in self._under_way:
                return
            if _silent_seconds(connection) > allowed_seconds:
                connection.shutdown(socket.SHUT_RDWR)

    def _tell_of_room(self, connections: int) -> None:
        has_room = connections < _FEW_LEFT * self._silence.most
        if self._had_room and not has_room:
            logger.warning(
                "%d of %d connections are open: silent ones are ended after %g seconds.",
                connections,
                self._silence.most,
                self._silence.allowed_seconds(connections),
            )
        self._had_room = has_room


def _silences() -> Iterator[tuple[int, float]]:
    """Yield the TCP connections of this process: descriptor and seconds of silence."""
    for number, name in enumerate(os.listdir(_DESCRIPTORS)):  # noqa: PTH208 (thousands of path objects cost more)
        if number % _AT_ONCE == _AT_ONCE - 1:
            time.sleep(_PAUSE_SECONDS)
        with suppress(OSError):  # It is no socket, or closed by now.
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, fileno=int(name))
            try:
                yield int(name), _silent_seconds(connection)
            finally:
                connection.detach()


def _silent_seconds(connection: socket.socket) -> float:
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    state, sent, _, received = _TCP_INFO.unpack(information)
    if state == _LISTENING:
        raise OSError(errno.ENOTCONN, "Nobody is at the other end.")
    silent: int = min(sent, received)
    return silent / 1000
