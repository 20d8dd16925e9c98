"""The writers' own log: what was attempted, and what was answered, one line each.

A line is in the file before its request is sent, and before the next one is: what a writer knew can be read even
when its process was killed too. It is not synchronised, for the power of the harness stays on.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.crash.operations import Written


@dataclass(frozen=True)
class Acknowledged:
    """An operation that was answered as done.

    `version` is that of its ETag, None where it had none; `position` says where a journal of the disk was then.
    """

    written: Written
    version: int | None
    position: int


@dataclass
class Load:
    """What the writers did: acknowledged, without a clear answer, and refused by status; and for how long."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    unanswered: list[Written] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    def as_known_at(self, position: int) -> "Load":
        """Return the load as it would have been, had all ended when the journal was there."""
        known = [each for each in self.acknowledged if each.position <= position]
        later = [each.written for each in self.acknowledged if each.position > position]
        return Load(known, [*self.unanswered, *later], self.refused, self.seconds)


class Notebook:
    """An open log; `position` is asked at each acknowledgement."""

    def __init__(self, path: Path, *, position: Callable[[], int] = lambda: 0) -> None:
        self.path = path
        self._position = position
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._count = 0
        self.acknowledged = 0
        self.refused: Counter[int] = Counter()  # by status

    def attempt(self, written: Written) -> int:
        """Note that a request is about to be sent; return its number."""
        self._count += 1
        self._note({"number": self._count, "attempt": asdict(written)})
        return self._count

    def acknowledge(self, number: int, *, version: int | None) -> None:
        """Note that it was answered as done."""
        self.acknowledged += 1
        self._note({"number": number, "version": version, "position": self._position()})

    def refuse(self, number: int, *, status: int) -> None:
        """Note that it was refused and changed nothing."""
        self.refused[status] += 1
        self._note({"number": number, "refused": status})

    def close(self) -> None:
        """Write no more."""
        os.close(self._descriptor)

    def _note(self, line: dict[str, object]) -> None:
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")


def read_notes(path: Path) -> Load:
    """Return what a notebook says, as far as it was written."""
    with path.open() as lines:
        return _load(line for line in lines if line.endswith("\n"))


def _load(lines: Iterable[str]) -> Load:
    load, open_attempts = Load(), dict[int, Written]()
    for text in lines:
        line = json.loads(text)
        number = line["number"]
        if "attempt" in line:
            open_attempts[number] = Written(**line["attempt"])
        elif "refused" in line:
            del open_attempts[number]
            load.refused[line["refused"]] += 1
        else:
            load.acknowledged.append(
                Acknowledged(open_attempts.pop(number), line["version"], line["position"])
            )
    load.unanswered.extend(open_attempts.values())
    return load
