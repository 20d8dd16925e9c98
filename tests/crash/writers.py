"""Many writers at once over plain HTTP/1.1, whose notebook has what was acknowledged and what they never learned.

Each decides about controls that all of them share, at times only as it saw them last (If-Match), and creates,
changes and deletes users of its own.
"""

import asyncio
import random
import re
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeAlias

from tests.crash.notebook import Load, Notebook, read_notes
from tests.crash.operations import Kind, Written
from tests.serving.place import CONTROLS, Place, control_id

# What runs beside the writers and sees what they have noted so far.
Meanwhile: TypeAlias = Callable[[Notebook], Awaitable[None]]

WRITERS = 64
ALL_KINDS: frozenset[Kind] = frozenset(("decide", "create", "update", "delete"))
DECISIONS: frozenset[Kind] = frozenset(("decide",))
_CONDITIONAL, _OF_USERS = 0.15, 0.25
# The first of them may be answered by what befell others in its batch; the second one is not.
_LEAST_ASKED = 2
# For what is to come about; only who waits in vain waits so long.
_PATIENCE_SECONDS = 120.0
# What a server says that does not know what its disk or its database kept; any other refusal left nothing.
_UNKNOWN = b"not known whether the write was made"
_ETAG = re.compile(rb'\r\netag: W/"([^"]*)-(\d+)"', re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


async def write(
    place: Place,
    port: int,
    *,
    name: str,
    seconds: float = 0.0,
    writers: int = WRITERS,
    kinds: frozenset[Kind] = ALL_KINDS,
    meanwhile: Meanwhile | None = None,
    position: Callable[[], int] = lambda: 0,
    enough: Callable[[Notebook], bool] = lambda _: True,
) -> Load:
    """Let writers write until a time is over and what they noted is `enough`, or the server dies.

    `meanwhile` runs beside them, and they go on until it has ended. Each asks twice at least, and twice after that,
    however slow the machine is. `name` tells what this load writes from what others do.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="notebook-") as folder:
        notes = Notebook(Path(folder) / name, position=position)
        course = _Course(lambda: enough(notes), ends=began + seconds, undisturbed=meanwhile is None)
        tasks = [
            _Writer(place, port, name=f"{name}-{number:03}", notes=notes, kinds=kinds).write(course)
            for number in range(writers)
        ]
        try:
            await asyncio.gather(*tasks, *([course.disturb(meanwhile(notes))] if meanwhile else []))
        finally:
            notes.close()
        load = read_notes(notes.path)
    load.seconds = time.perf_counter() - began
    return load


async def until_acknowledged(notes: Notebook, many: int) -> None:
    """Return once so many writes were acknowledged."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while notes.acknowledged < many:  # noqa: ASYNC110 (a writer would have to know whom to wake)
            await asyncio.sleep(0.01)


@dataclass
class _Course:
    """What the writers of a load go by."""

    enough: Callable[[], bool]
    ends: float
    undisturbed: bool  # Nothing runs beside them any more.

    async def disturb(self, meanwhile: Awaitable[None]) -> None:
        """Wait for what runs beside them."""
        await meanwhile
        self.undisturbed = True

    def over(self) -> bool:
        """Say whether who has asked often enough may end."""
        late = time.perf_counter() - self.ends
        return self.undisturbed and late >= 0 and (late >= _PATIENCE_SECONDS or self.enough())


@dataclass(frozen=True)
class _Answer:
    status: int
    version: int | None
    epoch: str
    unknown: bool


class _Writer:
    """One connection that sends one request after the other."""

    def __init__(
        self, place: Place, port: int, *, name: str, notes: Notebook, kinds: frozenset[Kind]
    ) -> None:
        self._place = place
        self._port = port
        self._name = name
        self._notes = notes
        self._kinds = kinds
        self._seen: dict[str, int] = {}  # the versions of controls that it wrote itself
        self._epoch = ""
        self._user: str | None = None

    async def write(self, course: _Course) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return
        try:
            asked = 0  # since nothing runs beside
            for number in count():
                if asked >= _LEAST_ASKED and course.over():
                    return
                asked += course.undisturbed
                if not await self._ask(reader, writer, number):
                    return
        finally:
            writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        """Send one request and note its answer; say whether the connection still stands."""
        written = self._wish(number)
        noted = self._notes.attempt(written)
        try:
            writer.write(self._request(written))
            answer = await _answer(reader)
        except (OSError, asyncio.IncompleteReadError):
            return False
        if answer.status < 300:
            self._notes.acknowledge(noted, version=answer.version)
            self._learn(written, answer)
        elif answer.unknown:
            self._user = None
        else:
            self._notes.refuse(noted, status=answer.status)
        return True

    def _wish(self, number: int) -> Written:
        mark = f"{self._name}-{number:06}"
        if self._kinds == DECISIONS or random.random() > _OF_USERS:
            control = control_id(random.randrange(CONTROLS))
            if self._seen and random.random() < _CONDITIONAL:
                control, version = random.choice(list(self._seen.items()))
                return Written("decide", control, mark, if_match=version)
            return Written("decide", control, mark)
        if self._user is None:
            return Written("create", mark)
        if random.random() < 1 / 3:
            return Written("delete", self._user)
        return Written("update", self._user, mark)

    def _learn(self, written: Written, answer: _Answer) -> None:
        match written.kind:
            case "decide" if answer.version is not None:
                self._seen[written.entity], self._epoch = answer.version, answer.epoch
            case "create":
                self._user = written.entity
            case "delete":
                self._user = None

    def _request(self, written: Written) -> bytes:
        condition = f'If-Match: W/"{self._epoch}-{written.if_match}"\r\n' if written.if_match else ""
        body = written.body
        head = (
            f"{written.method} {written.path} HTTP/1.1\r\n"
            f"Host: localhost\r\nAuthorization: Bearer {self._place.token}\r\n{condition}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> _Answer:
    """Read one reply, body and all."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    status, unknown = int(head[9:12]), _UNKNOWN in body
    etag = _ETAG.search(head)
    if etag is None:
        return _Answer(status, None, "", unknown=unknown)
    return _Answer(status, int(etag[2]), etag[1].decode(), unknown=unknown)
