"""A proxy before PostgreSQL that cuts connections where it hurts: at COMMIT, before or after it was made."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeAlias

from stanchion.store.postgresql.url import connect_arguments

Cut = Literal["before", "after"]
_Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK = 65_536
# Only who waits in vain waits so long.
_PATIENCE_SECONDS = 60.0
_TURNS = 20
# As simple queries: Q, the length of four bytes, the text and a zero.
_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_COMMITTED = b"COMMIT\x00"


class Proxy:
    """Listens on a socket in a folder; `cuts` tells what becomes of the next COMMITs."""

    def __init__(self, url: str, folder: Path) -> None:
        arguments = connect_arguments(url)
        self._host, self._port = arguments.get("host", "localhost"), int(arguments.get("port") or 5432)
        self._path = folder / ".s.PGSQL.5432"
        self.url = f"postgresql://{arguments.get('user', '')}@/{arguments['database']}?host={folder}"
        self.cuts: list[Cut] = []
        self.connections = 0
        self.held = threading.Event()
        self.held.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._served: set[asyncio.Future[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    def open(self) -> None:
        """Let connections through from now on."""
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(_PATIENCE_SECONDS)

    def shut(self) -> None:
        """Cut all connections, and refuse new ones, as a server does that was killed."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(_PATIENCE_SECONDS)

    def close(self) -> None:
        """End all of it."""
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, self._path)

    async def _shut(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            for listening in server.sockets:
                self._loop.remove_reader(listening.fileno())
            # What is being accepted is let go in one of these turns; a server that was closed would lose sight of it.
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            server.close()
            self._path.unlink(missing_ok=True)
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.05)
        while self._served:
            await asyncio.wait(self._served)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._server is None:
            writer.transport.abort()
            return
        self._writers.add(writer)
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._served.add(task)
        task.add_done_callback(self._served.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, down = await self._connected()
        both = {writer, down}
        self._writers |= both
        pumps = _Pumps(self, (reader, writer), (upstream, down))
        ways = [asyncio.ensure_future(pumps.asked()), asyncio.ensure_future(pumps.answered())]
        try:
            if not writer.transport.is_closing():  # Else it was shut meanwhile.
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._writers -= both
            for each in both:
                each.transport.abort()
            await asyncio.wait(ways)

    async def _connected(self) -> _Streams:
        if str(self._host).startswith("/"):
            return await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        return await asyncio.open_connection(self._host, self._port)


class _Pumps:
    """The two ways of one connection."""

    def __init__(self, proxy: Proxy, client: _Streams, server: _Streams) -> None:
        self._proxy, self._cutting = proxy, False
        self._reader, self._writer = client
        self._upstream, self._down = server

    async def asked(self) -> None:
        with suppress(OSError):
            while data := await self._reader.read(_CHUNK):
                if _COMMIT in data and self._proxy.cuts:
                    if self._proxy.cuts.pop(0) == "before":
                        return
                    self._cutting = True
                self._down.write(data)

    async def answered(self) -> None:
        with suppress(OSError):
            while data := await self._upstream.read(_CHUNK):
                if self._cutting and _COMMITTED in data:
                    return
                self._writer.write(data)


@contextmanager
def proxied(url: str, folder: Path) -> Iterator[Proxy]:
    """Run a proxy for the block."""
    proxy = Proxy(url, folder)
    try:
        proxy.open()
        yield proxy
    finally:
        proxy.close()
