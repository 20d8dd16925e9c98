"""A proxy before PostgreSQL that cuts a connection exactly where its transaction commits.

It reads the messages of the client (PostgreSQL, "Message Formats": a letter, a length, and the rest) and knows a
COMMIT by its Query or Parse. At the next one, and only there, it does what it was told:

- `before`: COMMIT does not reach the server, which rolls back when the connection ends.
- `sent`: COMMIT reaches the server, the client hears nothing more.
- `answered`: the server has answered, so that it is committed for sure; the client hears nothing of it.
- a function: it is called, and COMMIT goes on to the server.
"""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

_Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Where: TypeAlias = Literal["before", "sent", "answered"]
_COMMIT = re.compile(rb"\s*(?:COMMIT|END)\b", re.IGNORECASE)
_BYTES = 65536
_STARTUP_HEAD, _HEAD = 4, 5
# SSLRequest and GSSENCRequest: the server answers each by one byte, and the client begins anew.
_REQUESTS = (80877103, 80877104)
_SECONDS = 60.0


@dataclass
class _Cut:
    what: "Where | Callable[[], object]"
    done: threading.Event = field(default_factory=threading.Event)


class Proxy:
    """A running proxy; made by `proxy`."""

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.commits = 0
        self._server_port = server_port
        self._next: _Cut | None = None
        self._lock = threading.Lock()

    def cut_next(self, what: "Where | Callable[[], object]") -> threading.Event:
        """Cut at the next COMMIT of any connection; the event is set when it was done."""
        with self._lock:
            self._next = _Cut(what)
            return self._next.done

    async def serve(self, started: threading.Event, stop: asyncio.Event) -> None:
        """Serve until it is stopped."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            writer.close()
            return
        await _Session(self, (reader, writer), server).run()

    def taken(self) -> "_Cut | None":
        """Take what was told for this COMMIT, if it was."""
        with self._lock:
            self.commits += 1
            cut, self._next = self._next, None
            return cut


class _Session:
    """One client and its connection to the server."""

    def __init__(self, proxy: Proxy, client: "_Streams", server: "_Streams") -> None:
        self._proxy = proxy
        self._reader, self._writer = client
        self._there, self._to_server = server
        self._muted = asyncio.Event()  # The client hears nothing more.
        self._answered = asyncio.Event()  # The server said something after that.

    async def run(self) -> None:
        back = asyncio.create_task(self._answers())
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._begin()
                while await self._message():
                    pass
        finally:
            for writer in (self._writer, self._to_server):
                writer.close()
            back.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await back

    async def _begin(self) -> None:
        """Pass on what comes before the first message with a letter."""
        while True:
            head = await self._reader.readexactly(_STARTUP_HEAD)
            rest = await self._reader.readexactly(int.from_bytes(head) - _STARTUP_HEAD)
            self._to_server.write(head + rest)
            if int.from_bytes(rest[:4]) not in _REQUESTS:
                return

    async def _message(self) -> bool:
        """Pass on one message; say whether the connection still stands."""
        head = await self._reader.readexactly(_HEAD)
        rest = await self._reader.readexactly(int.from_bytes(head[1:]) - 4)
        if _is_commit(head[:1], rest) and (cut := self._proxy.taken()) is not None:
            return await self._cut(cut, head + rest)
        self._to_server.write(head + rest)
        await self._to_server.drain()
        return True

    async def _cut(self, cut: _Cut, message: bytes) -> bool:
        if callable(cut.what):
            await asyncio.to_thread(cut.what)
            self._to_server.write(message)
            cut.done.set()
            return True
        if cut.what != "before":
            self._muted.set()
            self._to_server.write(message)
            # What follows in the same breath (Bind, Execute, Sync) belongs to it.
            with suppress(TimeoutError):
                self._to_server.write(await asyncio.wait_for(self._reader.read(_BYTES), 0.05))
            await self._to_server.drain()
        if cut.what == "answered":
            await asyncio.wait_for(self._answered.wait(), _SECONDS)
        cut.done.set()
        return False

    async def _answers(self) -> None:
        while data := await self._there.read(_BYTES):
            if self._muted.is_set():
                self._answered.set()
            else:
                self._writer.write(data)
                await self._writer.drain()
        self._writer.close()


@contextmanager
def proxy(server_port: int) -> Iterator[Proxy]:
    """Run a proxy in a thread of its own, for as long as the block lasts."""
    made, started = Proxy(server_port), threading.Event()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=_run, args=(loop, made.serve(started, stop)), name="proxy")
    thread.start()
    assert started.wait(_SECONDS)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_SECONDS)


def _run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main)


def _is_commit(letter: bytes, rest: bytes) -> bool:
    if letter == b"Q":
        return _COMMIT.match(rest) is not None
    if letter == b"P":  # the name of the statement, and its text
        return _COMMIT.match(rest.partition(b"\0")[2]) is not None
    return False
