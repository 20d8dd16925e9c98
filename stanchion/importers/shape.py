"""What stands around the entities of an export, told without decoding them.

- A page of Graph (`{"value": [...]}`), an array, one entity, and the combined form of pages or entities under
  `secureScore` and `profiles`. Each may stand inside an array or a page, and one after another (NDJSON).
- A name that appears twice is refused. What else a page says is passed over; beside combined sets there may be
  numbers and texts, but nothing that could hold entities.
- An answer of Graph that tells of an error is refused with Graph's own words.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

from stanchion.errors import BadRequest
from stanchion.importers.kind import EXPECTED, set_of_context
from stanchion.importers.spans import Members, Span, elements, members, next_value, place_in, value
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.text import folded
from stanchion.model.wording import shown

# Written by `stanchion export`: the ids of its controls are encoded and placed among providers already.
PLACED = "@stanchion.placed"

_CONTEXT, _NEXT_LINK = "@odata.context", "@odata.nextLink"
_IDS = frozenset({"id", "Id"})
_COMBINED = MappingProxyType(
    {
        "securescore": SECURE_SCORES,
        "securescores": SECURE_SCORES,
        "profiles": CONTROL_PROFILES,
        "securescorecontrolprofile": CONTROL_PROFILES,
        "securescorecontrolprofiles": CONTROL_PROFILES,
        "usersecurityprofile": USER_PROFILES,
        "usersecurityprofiles": USER_PROFILES,
    }
)
# A list of pages of arrays is three deep; what is much deeper is no export.
_MAX_WRAPPING = 6


@dataclass(frozen=True)
class Around:
    """What is known of an entity by where it stands: the line at which its text begins, and the steps into it."""

    line: int | None = None  # None where the file is one text
    steps: str = ""
    entity_set: EntitySet | None = None
    placed: bool = False

    @property
    def path(self) -> str:
        """What leads to the entity, `value/3` or `line 7: value/3`; empty where it is the whole file."""
        return ": ".join(filter(None, (f"line {self.line}" if self.line is not None else "", self.steps)))

    def at(self, step: str | int) -> "Around":
        """Return the same, one step further in."""
        return replace(self, steps=f"{self.steps}/{step}" if self.steps else str(step))


@dataclass(frozen=True)
class Item:
    """An entity, or what stands where one is expected; not yet decoded."""

    span: Span
    around: Around


@dataclass(frozen=True)
class NextLink:
    """Where a page says that it goes on; None where it is the last."""

    address: str | None


def items(text: bytes, *, lines: bool | None) -> Iterator[Item | NextLink]:
    """Give what an export consists of; raises BadRequest where it is none.

    `lines` says whether several texts may stand one after another; None, that it is to be told by the text.
    """
    start, line, counted = next_value(text, 0), 1, 0
    if start == len(text):
        raise BadRequest(f"This is empty; {EXPECTED}.")
    several = bool(lines)
    while start < len(text):
        found = _found(text, start)
        following = next_value(text, found.span.end)
        if not several and following < len(text):
            if lines is False:
                raise BadRequest("More than one JSON text stands in this file; `--format ndjson` reads them.")
            several = True
        line, counted = line + text.count(b"\n", counted, start), start
        yield from _within(text, found, Around(line=line if several else None), wrapping=0)
        start = following


@dataclass(frozen=True)
class _Found:
    """A value of the file, walked as far as tells what it is."""

    span: Span
    elements: list[Span] | None = None
    members: Members | None = None


def _found(text: bytes, start: int) -> _Found:
    match text[start : start + 1]:
        case b"[":
            inside, end = elements(text, start)
            return _Found(Span(start, end), elements=inside)
        case b"{":
            named = members(text, start, ends=_IDS, arrays=_wraps)
            return _Found(Span(start, named.end), members=named)
        case _:
            return _Found(value(text, start))


def _wraps(name: str) -> bool:
    return name == "value" or folded(name) in _COMBINED


def _within(text: bytes, found: _Found, around: Around, *, wrapping: int) -> Iterator[Item | NextLink]:
    if wrapping > _MAX_WRAPPING:
        raise BadRequest(f"The entities lie too deep, at {around.path!a}; {EXPECTED}.")
    if found.elements is not None:
        yield from _array(text, found.elements, around, wrapping=wrapping)
    elif found.members is None:
        if wrapping == 0:
            raise BadRequest(f"This is no export, at {place_in(text, found.span.start)}; {EXPECTED}.")
        yield Item(found.span, around)
    else:
        yield from _object(text, found.span, found.members, around, wrapping=wrapping)


def _array(text: bytes, spans: list[Span], around: Around, *, wrapping: int) -> Iterator[Item | NextLink]:
    for index, span in enumerate(spans):
        yield from _within(text, _found(text, span.start), around.at(index), wrapping=wrapping + 1)


def _object(
    text: bytes, span: Span, found: Members, around: Around, *, wrapping: int
) -> Iterator[Item | NextLink]:
    named = found.spans
    if not _IDS.isdisjoint(named):
        yield Item(span, around)
    elif "value" in found.elements:
        yield from _page(text, found, around, wrapping=wrapping)
    elif any(folded(name) in _COMBINED for name in named):
        yield from _combined(text, found, around, wrapping=wrapping)
    elif wrapping and "error" not in named and "value" not in named:
        yield Item(span, around)
    else:
        raise _no_export(text, named)


def _page(text: bytes, found: Members, around: Around, *, wrapping: int) -> Iterator[Item | NextLink]:
    context, placed = _text(text, found.spans, _CONTEXT), found.spans.get(PLACED)
    inside = replace(
        around.at("value"),
        entity_set=(set_of_context(context) if context is not None else None) or around.entity_set,
        placed=around.placed or (placed is not None and text[placed.start : placed.end] == b"true"),
    )
    yield from _array(text, found.elements["value"], inside, wrapping=wrapping + 1)
    yield NextLink(_text(text, found.spans, _NEXT_LINK))


def _combined(text: bytes, found: Members, around: Around, *, wrapping: int) -> Iterator[Item | NextLink]:
    for name, span in found.spans.items():
        entity_set = _COMBINED.get(folded(name))
        holds = text[span.start] in b"[{"
        inside = replace(around.at(name), entity_set=entity_set)
        if name in found.elements:
            yield from _array(text, found.elements[name], inside, wrapping=wrapping + 1)
        elif entity_set is not None and holds:
            yield from _within(text, _found(text, span.start), inside, wrapping=wrapping + 1)
        elif holds or (entity_set is not None and text[span.start : span.end] != b"null"):
            raise BadRequest(f"{shown(name)} is none of the sets of an export; {EXPECTED}.", target=name)


def _no_export(text: bytes, named: dict[str, Span]) -> BadRequest:
    error = named.get("error")
    if error is None or error.end - error.start > _MAX_TEXT_BYTES:
        return BadRequest(f"This is JSON, but no export; {EXPECTED}.")
    said = text[error.start : error.end].decode(errors="replace")
    return BadRequest(f"This is no export, but an error that Graph answered: {shown(said)}.")


# Links with a token of their own are some hundred bytes; a context may select every property.
_MAX_TEXT_BYTES = 20_000


def _text(text: bytes, named: dict[str, Span], name: str) -> str | None:
    span = named.get(name)
    if span is None or text[span.start : span.end] == b"null":
        return None
    try:
        value = json.loads(text[span.start : span.end]) if span.end - span.start <= _MAX_TEXT_BYTES else None
    except ValueError:
        value = None
    if not isinstance(value, str):
        raise BadRequest(f"This is JSON, but no export: {name!a} must be a text; {EXPECTED}.", target=name)
    return value
