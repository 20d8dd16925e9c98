"""What a power cut would leave on the disk, at any moment of a journal that disk.py wrote.

What was synchronised is there. Of what was written since, the disk may have kept all, nothing, some writes, or
some sectors of some writes, in any order.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from tests.crash.disk import (
    DATABASE,
    DELETE,
    HEADER,
    LOG,
    SYNC_BEGAN,
    SYNC_FAILED,
    SYNCED,
    TRUNCATE,
    WRITE,
)

Luck: TypeAlias = Literal["nothing", "everything", "some writes", "some sectors"]
LUCK: tuple[Luck, ...] = ("nothing", "everything", "some writes", "some sectors")
_SECTOR_BYTES = 512


@dataclass(frozen=True)
class Record:
    """One call: what it was, on which file, and where the journal ends with it."""

    kind: bytes
    file: int
    number: int
    offset: int
    data: bytes
    end: int


@dataclass
class _File:
    """A file: what is on the disk for sure, and what was written since."""

    durable: bytearray
    pending: list[Record] = field(default_factory=list)
    syncs: dict[int, int] = field(default_factory=dict)  # how much was pending when each began

    def take(self, record: Record) -> None:
        match record.kind:
            case b"W" | b"T":
                self.pending.append(record)
            case b"D":
                self.durable, self.pending = bytearray(), []
                self.syncs.clear()
            case b"B":
                self.syncs[record.number] = len(self.pending)
            case b"S":
                self._keep(self.syncs.pop(record.number, 0))
            case _:
                self._forget(self.syncs.pop(record.number, 0))

    def after(self, luck: Luck, chance: random.Random) -> bytes:
        """Return what is found when the power is back."""
        content = bytearray(self.durable)
        for record in self.pending:
            if luck == "everything" or (luck == "some writes" and chance.random() < 0.5):
                _apply(content, record)
            elif luck == "some sectors":
                for part in _sectors(record):
                    if chance.random() < 0.5:
                        _apply(content, part)
        return bytes(content)

    def _keep(self, how_many: int) -> None:
        for record in self.pending[:how_many]:
            _apply(self.durable, record)
        self._forget(how_many)

    def _forget(self, how_many: int) -> None:
        del self.pending[:how_many]
        self.syncs = {number: max(0, there - how_many) for number, there in self.syncs.items()}


def records(journal: Path) -> Iterator[Record]:
    """Give the records of a journal, as far as it was written."""
    with journal.open("rb") as file:
        end = 0
        while len(head := file.read(HEADER.size)) == HEADER.size:
            kind, name, number, offset, length = HEADER.unpack(head)
            data = file.read(length)
            if len(data) < length:
                return
            end += HEADER.size + length
            yield Record(kind, name, number, offset, data, end)


@dataclass(frozen=True)
class Cut:
    """The moment of a power cut, as a position in the journal, and what came of what was not synchronised."""

    position: int
    luck: Luck


def cut_at(
    journal: Iterable[Record], cuts: Iterable[Cut], *, database: bytes, chance: random.Random
) -> Iterator[tuple[Cut, bytes, bytes]]:
    """Give for each cut, the earliest first, what is left of database and log; `database` was there before."""
    files = {DATABASE: _File(bytearray(database)), LOG: _File(bytearray())}
    waiting = sorted(cuts, key=lambda cut: cut.position)
    for record in journal:
        while waiting and waiting[0].position < record.end:
            cut = waiting.pop(0)
            yield cut, files[DATABASE].after(cut.luck, chance), files[LOG].after(cut.luck, chance)
        files[record.file].take(record)
    for cut in waiting:
        yield cut, files[DATABASE].after(cut.luck, chance), files[LOG].after(cut.luck, chance)


def _sectors(record: Record) -> Iterator[Record]:
    if record.kind == TRUNCATE:
        yield record
    for start in range(0, len(record.data), _SECTOR_BYTES):
        part = record.data[start : start + _SECTOR_BYTES]
        yield Record(WRITE, record.file, 0, record.offset + start, part, record.end)


def _apply(content: bytearray, record: Record) -> None:
    if record.kind == TRUNCATE:
        del content[record.offset :]
        return
    if len(content) < record.offset:
        content.extend(bytes(record.offset - len(content)))
    content[record.offset : record.offset + len(record.data)] = record.data


assert {WRITE, TRUNCATE, DELETE, SYNC_BEGAN, SYNCED, SYNC_FAILED} == set(
    map(bytes, (b"W", b"T", b"D", b"B", b"S", b"F"))
)
