"""Filters that differ in their literals only are read once: the tree of one is that of all.

- A text is cut at its plain literals: strings, numbers, days, instants in UTC, each between blanks, parentheses and
  commas. What is between them, and the kinds of the literals, make the shape.
- Only a text that was read, whole or phrase by phrase, makes a shape. It makes none with `cast` or an alias in it,
  for there the tree may depend on what a literal says, and none with a quotation mark left between its literals:
  without one, each literal is a token of its own, and those between them are the same, in all texts of the shape.
- A literal that does not fit has the text read whole, which then says what is wrong with it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from stanchion.errors import StanchionError
from stanchion.model.edm import EntitySet
from stanchion.odata.filter.literals import number_constant, string_constant
from stanchion.odata.filter.parse import MAX_BYTES
from stanchion.odata.filter.phrases import MARK, Part, put_together
from stanchion.odata.filter.slots import Unfit, slots_of, value_in
from stanchion.odata.filter.syntax import Constant
from stanchion.odata.filter.tokens import Token
from stanchion.odata.filter.tree import Filter, Scalar
from stanchion.odata.filter.typing import typed_filter

MAX_SHAPES = 512

_LITERAL = re.compile(
    r"""(?<=[ (,])(
    '(?:[^']|'')*+'
  | -?[0-9]++(?:\.[0-9]++)?
  | [0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]++Z)?
    )(?=[ ),]|\Z)""",
    re.VERBOSE,
)
# No text has it, and no word reaches over it.
_BETWEEN = "\n"
_READ_EACH_TIME = re.compile(r"['\"@]|cast", re.IGNORECASE)

# The set, what is between the literals, and the kind of each.
_Key: TypeAlias = tuple[EntitySet, tuple[str, ...], tuple[str, ...]]


class _Shape(msgspec.Struct, frozen=True):
    """What all texts of a shape have in common."""

    tree: Scalar
    parts: tuple[Part, ...]


@dataclass(slots=True)
class _Counts:
    """How often a shape was known, and how often a text was read, whole or phrase by phrase."""

    known: int = 0
    read: int = 0


_shapes: dict[_Key, _Shape] = {}
_counts = _Counts()


def shape_counts() -> tuple[int, int, int]:
    """Return how often a filter had a shape that was known, how often it was read, and how many are kept."""
    return _counts.known, _counts.read, len(_shapes)


def parse_filter(text: str, entity_set: EntitySet, *, aliases: Mapping[str, str]) -> Filter:
    """Return the filter that a text asks for; raises BadRequest or NotImplementedFeature, naming the place.

    `aliases` are the values of parameter aliases by name, `@` included.
    """
    cut = _LITERAL.split(text)
    key = None
    try:
        literals = [_constant(literal) for literal in cut[1::2]]
        key = (entity_set, tuple(cut[::2]), tuple([literal.kind for literal in literals]))
        shape = _shapes.get(key)
        known = shape is not None
        if len(text.encode()) <= MAX_BYTES and (shape := shape or _put_together(key, cut[1::2])) is not None:
            found = _filled(shape, literals)
            _counts.known += known
            _counts.read += not known
            return found
    except (StanchionError, Unfit):
        # Whatever it is, the text says it best as a whole.
        pass
    _counts.read += 1
    typed = typed_filter(text, entity_set, aliases=aliases)
    if key is not None and key not in _shapes and _may_be_kept(key):
        _keep(key, _Shape(typed.filter.tree, (Part(0, slots_of(typed.readings, cut)),)))
    return typed.filter


def _filled(shape: _Shape, literals: Sequence[Constant]) -> Filter:
    """Return the filter of a shape with these literals; raises Unfit, or BadRequest, where they are none of it."""
    values = [value_in(slot, literals, part.first_literal) for part in shape.parts for slot in part.slots]
    return Filter(shape.tree, tuple(values))


def _put_together(key: _Key, literals: Sequence[str]) -> _Shape | None:
    """Return the shape of a text that nobody asked before, of its phrases, and keep it."""
    entity_set, between, kinds = key
    if not _may_be_kept(key):
        return None
    found = put_together(MARK.join(between), literals, kinds, entity_set)
    if found is None:
        return None
    shape = _Shape(*found)
    _keep(key, shape)
    return shape


def _may_be_kept(key: _Key) -> bool:
    return _READ_EACH_TIME.search(_BETWEEN.join(key[1])) is None


def _constant(text: str) -> Constant:
    """Return a literal of the text, without its place."""
    if text[0] == "'":
        return string_constant(Token("string", text, 0))
    return number_constant(Token("number", text, 0))


def _keep(key: _Key, shape: _Shape) -> None:
    # Anyone may send shapes without end.
    if len(_shapes) >= MAX_SHAPES:
        _shapes.clear()
    _shapes[key] = shape
