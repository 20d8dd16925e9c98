"""One request as it came and one reply as it goes, as values over ASGI.

Header names are lower case; a header that came more than once has its values joined by a comma (RFC 9110 5.3).
"""

from collections.abc import AsyncGenerator, Iterable, Mapping

import msgspec
from starlette.types import Message, Receive, Scope

from stanchion.errors import BadRequest, Denial, PayloadTooLarge, RequestTimeout
from stanchion.logs import Trace
from stanchion.web.patience import at_most

JSON = "application/json"
# Any 64-bit length, and far more than is ever read.
_MAX_LENGTH_DIGITS = 19
_WITHOUT_CONTENT = frozenset({204, 304})


class Request(msgspec.Struct, frozen=True):
    """What a caller asks. `path` and `query` are raw bytes, percent-encoding and all."""

    method: str
    path: bytes
    query: bytes
    headers: Mapping[str, str]
    authorization: tuple[str, ...]  # each header of this name, for two of them are one too many
    scheme: str
    peer: str
    receive: Receive
    trace: Trace

    @classmethod
    def of(cls, scope: Scope, receive: Receive, *, trace: Trace) -> "Request":
        """Return the request of an ASGI scope of type http."""
        raw = scope["headers"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
        authorization = (headers["authorization"],) if "authorization" in headers else ()
        if len(headers) < len(raw):
            headers = _joined(raw)
            authorization = tuple(value.decode("latin-1") for name, value in raw if name == b"authorization")
        client = scope.get("client")
        return cls(
            scope["method"],
            scope.get("raw_path") or scope["path"].encode(),
            scope["query_string"],
            headers,
            authorization,
            scope["scheme"],
            client[0] if client else "",
            receive,
            trace,
        )

    async def body(self, *, max_bytes: int, timeout_seconds: float) -> bytes:
        """Return the whole body.

        Raises PayloadTooLarge as soon as it is known to be over `max_bytes`, RequestTimeout when it dawdles, and
        BadRequest for a length that is none and a body that breaks off.
        """
        declared = self.headers.get("content-length", "0")
        if not (declared.isascii() and declared.isdigit()):
            raise BadRequest("The Content-Length header must be a whole number.", target="Content-Length")
        # Python refuses to read thousands of digits at once, so their number decides first.
        if len(declared) > _MAX_LENGTH_DIGITS or int(declared) > max_bytes:
            raise _too_large(max_bytes)
        try:
            return await at_most(timeout_seconds, self._read(max_bytes))
        except TimeoutError:
            raise RequestTimeout(
                f"The request body did not arrive within {timeout_seconds:g} seconds."
            ) from None

    async def _read(self, max_bytes: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise BadRequest(
                    "The request body ended before it was complete, or its chunks are malformed.",
                    target="body",
                )
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > max_bytes:
                raise _too_large(max_bytes)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class Reply(msgspec.Struct):
    """What is answered; `headers` are further ones than every reply has.

    What follows the body comes from `rest`, a piece at a time, where there is any: how much it is, nobody knows yet.
    For the log alone: `reason` is why, `denial` why access was denied, where it was.
    """

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = {}
    reason: str = ""
    denial: Denial | None = None
    rest: AsyncGenerator[bytes] | None = None

    async def whole(self) -> None:
        """Read the rest into the body."""
        if self.rest is not None:
            self.body = b"".join([self.body, *[piece async for piece in self.rest]])
            self.rest = None

    def messages(self, *, without_body: bool) -> tuple[Message, Message]:
        """Return what is sent, without the rest; to a HEAD request without the body."""
        # Whatever is put into a header here is ASCII, and this is the quickest way to encode that.
        headers = [(_names[name], value.encode()) for name, value in self.headers.items()]
        if self.content_type is not None:
            headers.append((b"content-type", self.content_type.encode()))
        if self.status not in _WITHOUT_CONTENT and self.rest is None:
            headers.append((b"content-length", b"%d" % len(self.body)))
        return (
            {"type": "http.response.start", "status": self.status, "headers": headers},
            {"type": "http.response.body", "body": b"" if without_body else self.body},
        )


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class _Names(dict[str, bytes]):
    """The names of our own headers, of which there are some dozens, as they are sent."""

    def __missing__(self, name: str) -> bytes:
        return self.setdefault(name, name.lower().encode())


_names = _Names()


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {max_bytes:,} bytes, the most that is read.")
