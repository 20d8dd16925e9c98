"""What an input reaches: the steps from line to line that it makes in our own code, and the modules called."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeAlias

import stanchion
from fuzz.target import Reads

Step: TypeAlias = tuple[str, int, int]

_OURS = str(Path(stanchion.__file__).parent)


def steps(read: Reads, data: bytes) -> set[Step]:
    """Return the steps in our own code while an input is read: file, line before and line."""
    made: set[Step] = set()
    before: dict[int, int] = {}

    def trace(frame: FrameType, event: str, _: object) -> object:
        file = frame.f_code.co_filename
        if not file.startswith(_OURS):
            return None
        if event == "line":
            made.add((file, before.get(id(frame), 0), frame.f_lineno))
            before[id(frame)] = frame.f_lineno
        elif event == "call":
            before.pop(id(frame), None)
        return trace

    former = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type] # A trace function gives itself, of a type that names itself.
    try:
        read(data)
    finally:
        sys.settrace(former)
    return made


@contextmanager
def modules_called() -> Iterator[set[str]]:
    """Gather the modules of ours in which a function is called in this thread, by their names in the package."""
    called: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(_OURS) and frame.f_code.co_name != "<module>":
            called.add(file[len(_OURS) + 1 :].removesuffix(".py").replace("/", "."))

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(former)
