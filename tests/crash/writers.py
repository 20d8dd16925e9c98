"""Many writers at once over plain HTTP/1.1, who remember what was acknowledged and what they never learned.

Every comment is distinct, so that no write changes nothing and each can be found again in the history.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from tests.serving.place import CONTROLS, Place, control_id

T = TypeVar("T")
WRITERS = 64


@dataclass(frozen=True)
class Written:
    """A decision that was asked for."""

    control: str
    comment: str


@dataclass
class Load:
    """What the writers did: acknowledged by a 204, sent without an answer, and other answers by status."""

    acknowledged: list[Written] = field(default_factory=list)
    unanswered: list[Written] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


async def write(
    place: Place,
    port: int,
    *,
    name: str,
    seconds: float,
    writers: int = WRITERS,
    meanwhile: Awaitable[None] | None = None,
) -> Load:
    """Let writers write for a time, or until the server dies; `meanwhile` runs beside them.

    `name` tells the comments of this load from those of others.
    """
    load = Load()
    began = time.perf_counter()
    end = began + seconds
    tasks = [_Writer(place, port, f"{name}-{number:03}", load).write(until=end) for number in range(writers)]
    await asyncio.gather(*tasks, *([meanwhile] if meanwhile is not None else []))
    load.seconds = time.perf_counter() - began
    return load


class _Writer:
    """One connection that sends one PATCH after the other."""

    def __init__(self, place: Place, port: int, name: str, load: Load) -> None:
        self._place = place
        self._port = port
        self._name = name
        self._load = load

    async def write(self, *, until: float) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return
        try:
            for number in count():
                if time.perf_counter() >= until or not await self._patch(reader, writer, number):
                    return
        finally:
            writer.close()

    async def _patch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        """Send one PATCH and note its answer; say whether the connection still stands."""
        written = Written(control_id(random.randrange(CONTROLS)), f"{self._name}-{number:06}")
        try:
            writer.write(self._request(written))
            status = await _status(reader)
        except (OSError, asyncio.IncompleteReadError):
            self._load.unanswered.append(written)
            return False
        if status == 204:
            self._load.acknowledged.append(written)
        else:
            self._load.refused[status] += 1
        return True

    def _request(self, written: Written) -> bytes:
        vendor = {"provider": "SecureScore", "vendor": "Microsoft"}
        body = json.dumps({"comment": written.comment, "vendorInformation": vendor}).encode()
        head = (
            f"PATCH /v1.0/security/secureScoreControlProfiles/{written.control} HTTP/1.1\r\n"
            f"Host: localhost\r\nAuthorization: Bearer {self._place.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _status(reader: asyncio.StreamReader) -> int:
    """Read one reply, body and all, and return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
    return int(head[9:12])
