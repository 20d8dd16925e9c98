"""Where the values of a JSON text begin and end, found without decoding what is inside.

A file of hundreds of megabytes is walked with nothing in memory but itself. What lies inside a value is left to
whoever decodes it; here brackets, quotes, commas and colons count, and the names of an object looked into.

Source: RFC 8259; one text after another: NDJSON, or as jq prints them.
"""

import json
import re
from collections.abc import Callable, Container
from typing import NamedTuple

from stanchion.errors import BadRequest
from stanchion.model.json_text import MAX_DEPTH
from stanchion.model.wording import shown

_BLANKS = re.compile(rb"[ \t\r\n]*+")
_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
# Everything up to the next bracket, texts skipped, and the bracket.
_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|' + _TEXT + rb")*+([\[\]{}])", re.DOTALL)
_NAME = re.compile(_TEXT, re.DOTALL)
_SCALAR = re.compile(_TEXT + rb'|[^"\[\]{},:\s]++', re.DOTALL)
_OPENING = frozenset(b"[{")

# A user profile without anything in it has a hundred bytes, so that honest files stay below.
MAX_ELEMENTS = 2_000_000
# Names around entities are short; a longer one is no export.
_MAX_NAME_BYTES = 4_000


class Span(NamedTuple):
    """A value: from its first byte to behind its last."""

    start: int
    end: int


class Members(NamedTuple):
    """The members of an object by name, the elements of those arrays that were asked for, and where it ends."""

    spans: dict[str, Span]
    elements: dict[str, list[Span]]
    end: int


def next_value(text: bytes, end: int) -> int:
    """Return where the value behind another one's end begins, or the end of the text."""
    blanks = _BLANKS.match(text, end)
    return end if blanks is None else blanks.end()


def elements(text: bytes, start: int) -> tuple[list[Span], int]:
    """Return the elements of the array that begins here, and its end; raises BadRequest for one out of order."""
    found: list[Span] = []
    position = next_value(text, start + 1)
    if text[position : position + 1] == b"]":
        return found, position + 1
    while True:
        span = value(text, position)
        found.append(span)
        if len(found) > MAX_ELEMENTS:
            raise BadRequest(f"It holds more than {MAX_ELEMENTS:,} entities at {place_in(text, start)}.")
        position = next_value(text, span.end)
        if _closes(text, position, b"]"):
            return found, position + 1
        position = next_value(text, position + 1)


def members(
    text: bytes, start: int, *, ends: Container[str] = (), arrays: Callable[[str], bool] = lambda _: False
) -> Members:
    """Return the members of the object that begins here, up to one of `ends`; raises BadRequest.

    A name that appears twice is refused. `arrays` says of which arrays the elements are wanted.
    """
    found = Members({}, {}, start)
    position = next_value(text, start + 1)
    if text[position : position + 1] == b"}":
        return found._replace(end=position + 1)
    while True:
        name, position = _name(text, position)
        if name in found.spans:
            raise BadRequest(f"The name {shown(name)} appears twice in one object.", target=shown(name)[1:-1])
        if arrays(name) and text[position : position + 1] == b"[":
            found.elements[name], end = elements(text, position)
            span = Span(position, end)
        else:
            span = value(text, position)
        found.spans[name] = span
        if name in ends:
            return found._replace(end=_closing(text, span.end, depth=1, opened=start))
        position = next_value(text, span.end)
        if _closes(text, position, b"}"):
            return found._replace(end=position + 1)
        position = next_value(text, position + 1)


def value(text: bytes, start: int) -> Span:
    """Return the span of the value that begins here; raises BadRequest where none does, or it has no end."""
    if text[start : start + 1] in (b"[", b"{"):
        return Span(start, _closing(text, start, depth=0, opened=start))
    scalar = _SCALAR.match(text, start)
    if scalar is None:
        raise _malformed(text, start)
    return Span(start, scalar.end())


def place_in(text: bytes, position: int) -> str:
    """Return the line and column of a byte, for messages."""
    line, line_start = text.count(b"\n", 0, position) + 1, text.rfind(b"\n", 0, position) + 1
    return f"line {line}, column {position - line_start + 1}"


def _closing(text: bytes, position: int, *, depth: int, opened: int) -> int:
    """Return the end of what was opened, `depth` brackets before this position."""
    while True:
        bracket = _BRACKET.match(text, position)
        if bracket is None:
            raise BadRequest(f"It is cut off: what begins at {place_in(text, opened)} has no end.")
        position = bracket.end()
        depth += 1 if text[position - 1] in _OPENING else -1
        if depth > MAX_DEPTH:
            raise BadRequest(f"It nests deeper than {MAX_DEPTH} levels at {place_in(text, position - 1)}.")
        if depth == 0:
            return position


def _name(text: bytes, position: int) -> tuple[str, int]:
    """Return a name and where its value begins."""
    found = _NAME.match(text, position)
    if found is None or len(found[0]) > _MAX_NAME_BYTES:
        raise _malformed(text, position)
    try:
        name = json.loads(found[0])
    except ValueError:
        raise _malformed(text, position) from None
    colon = next_value(text, found.end())
    if text[colon : colon + 1] != b":":
        raise _malformed(text, colon)
    return str(name), next_value(text, colon + 1)


def _closes(text: bytes, position: int, bracket: bytes) -> bool:
    found = text[position : position + 1]
    if found not in (b",", bracket):
        raise _malformed(text, position)
    return found == bracket


def _malformed(text: bytes, position: int) -> BadRequest:
    return BadRequest(f"It is no JSON, or cut off, at {place_in(text, position)}.")
