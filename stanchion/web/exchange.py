"""One request as it came and one reply as it goes, as values over ASGI.

Header names are lower case; a header that came more than once has its values joined by a comma (RFC 9110 5.3).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from starlette.types import Receive, Scope, Send

from stanchion.errors import BadRequest, PayloadTooLarge, RequestTimeout

JSON = "application/json"
# Any 64-bit length, and far more than is ever read.
_MAX_LENGTH_DIGITS = 19


@dataclass(frozen=True)
class Request:
    """What a caller asks. `path` and `query` are raw bytes, percent-encoding and all."""

    method: str
    path: bytes
    query: bytes
    headers: Mapping[str, str]
    authorization: tuple[str, ...]  # each header of this name, for two of them are one too many
    scheme: str
    peer: str
    receive: Receive
    request_id: str = field(default_factory=lambda: str(uuid4()))

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> "Request":
        """Return the request of an ASGI scope of type http."""
        headers: dict[str, str] = {}
        authorization: tuple[str, ...] = ()
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
            if name == "authorization":
                authorization += (value,)
        client = scope.get("client")
        return cls(
            method=scope["method"],
            path=scope.get("raw_path") or scope["path"].encode(),
            query=scope["query_string"],
            headers=headers,
            authorization=authorization,
            scheme=scope["scheme"],
            peer=client[0] if client else "",
            receive=receive,
        )

    async def body(self, *, max_bytes: int, timeout_seconds: float) -> bytes:
        """Return the whole body.

        Raises PayloadTooLarge as soon as it is known to be over `max_bytes`, RequestTimeout when it dawdles, and
        BadRequest for a length that is none.
        """
        declared = self.headers.get("content-length", "0")
        if not (declared.isascii() and declared.isdigit()):
            raise BadRequest("The Content-Length header must be a whole number.", target="Content-Length")
        # Python refuses to read thousands of digits at once, so their number decides first.
        if len(declared) > _MAX_LENGTH_DIGITS or int(declared) > max_bytes:
            raise _too_large(max_bytes)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._read(max_bytes)
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
                raise RequestTimeout("The connection was closed before the request body was complete.")
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > max_bytes:
                raise _too_large(max_bytes)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)


@dataclass
class Reply:
    """What is answered; `headers` are further ones than every reply has."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, send: Send, *, without_body: bool) -> None:
        """Send the reply; to a HEAD request without its body."""
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()
        ]
        if self.content_type is not None:
            headers.append((b"content-type", self.content_type.encode("latin-1")))
        if self.status not in {204, 304}:
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if without_body else self.body})


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {max_bytes:,} bytes, the most that is read.")
