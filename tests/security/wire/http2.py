"""Speaking HTTP/2 by the frame: what is sent is what stands here, broken or not."""

import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
)

from tests.security.wire.raw import connect
from tests.serving.process import PATIENCE_SECONDS, Server

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
Headers = Sequence[tuple[str, str]]


@dataclass
class Heard:
    """What came back: statuses and resets by stream, and how the connection went on."""

    statuses: dict[int, int] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    resets: dict[int, int] = field(default_factory=dict)
    went_away: int | None = None
    ended: bool = False


class Connection:
    """A connection whose frames are made by hand."""

    def __init__(
        self,
        server: Server,
        *,
        settings: dict[int, int] | None = None,
        timeout_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._socket = connect(server, timeout_seconds=timeout_seconds, alpn="h2")
        self._received = b""
        self._decoder = Decoder()
        self.encoder = Encoder()
        self.heard = Heard()
        self.send_bytes(PREFACE + SettingsFrame(settings=settings or {}).serialize())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send_bytes(self, data: bytes) -> bool:
        """Send bytes; say whether the connection still took them."""
        try:
            self._socket.sendall(data)
        except (OSError, ssl.SSLError):
            return False
        return True

    def send(self, *frames: Frame) -> bool:
        """Send frames; say whether the connection still took them."""
        return self.send_bytes(b"".join(frame.serialize() for frame in frames))

    def ask(self, stream: int, headers: Headers, *, end: bool = True) -> bool:
        """Send the headers of a request."""
        return self.send(headers_frame(stream, self.encoder.encode(headers), end=end))

    def listen(self, *, until: Iterable[int] = ()) -> Heard:
        """Read until these streams have ended, the connection has, or nothing comes."""
        waiting = set(until)
        ping = bool(waiting)
        while not self.heard.ended and (waiting or not ping):
            try:
                chunk = self._socket.recv(65536)
            except TimeoutError:
                break
            except (OSError, ssl.SSLError):
                chunk = b""
            self.heard.ended = not chunk
            self._received += chunk
            for frame in self._frames():
                waiting -= self._take(frame)
        return self.heard

    def _frames(self) -> Iterable[Frame]:
        while len(self._received) >= 9:
            frame, size = Frame.parse_frame_header(memoryview(self._received[:9]))
            if len(self._received) < 9 + size:
                return
            frame.parse_body(memoryview(self._received[9 : 9 + size]))
            self._received = self._received[9 + size :]
            yield frame

    def _take(self, frame: Frame) -> set[int]:
        match frame:
            case HeadersFrame():
                fields = {str(name): str(text) for name, text in self._decoder.decode(frame.data)}
                self.heard.statuses[frame.stream_id] = int(fields[":status"])
            case DataFrame():
                self.heard.bodies[frame.stream_id] = self.heard.bodies.get(frame.stream_id, b"") + frame.data
            case RstStreamFrame():
                self.heard.resets[frame.stream_id] = frame.error_code
                return {frame.stream_id}
            case GoAwayFrame():
                self.heard.went_away = frame.error_code
            case PingFrame() if "ACK" not in frame.flags:
                self.send(PingFrame(opaque_data=frame.opaque_data, flags=["ACK"]))
            case _:
                pass
        return {frame.stream_id} if "END_STREAM" in frame.flags else set()


def headers_frame(stream: int, block: bytes, *, end: bool = True, whole: bool = True) -> HeadersFrame:
    """Return the frame that opens a stream; `whole` where no continuation follows."""
    flags = [name for name, wanted in (("END_STREAM", end), ("END_HEADERS", whole)) if wanted]
    return HeadersFrame(stream, data=block, flags=flags)


def continuation(stream: int, block: bytes, *, last: bool = False) -> ContinuationFrame:
    """Return a further piece of the headers of a stream."""
    return ContinuationFrame(stream, data=block, flags=["END_HEADERS"] if last else [])


def get(
    path: str = "/healthz", *extra: tuple[str, str], authority: str = "localhost"
) -> list[tuple[str, str]]:
    """Return the headers of a GET."""
    return [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", authority),
        (":path", path),
        *extra,
    ]
