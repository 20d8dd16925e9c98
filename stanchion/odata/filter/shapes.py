"""Filters that differ in their literals only are read once: the tree of one is that of all.

- A text is cut at its plain literals: strings, numbers, days, instants in UTC, each between blanks, parentheses and
  commas. What is between them, and the kinds of the literals, make the shape.
- Only a text that was read whole makes a shape. It makes none with `cast` or an alias in it, for there the tree may
  depend on what a literal says, and none with a quotation mark left between its literals: without one, each literal
  is a token of its own, and the tokens between them are the same, in all texts of the shape.
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
from stanchion.odata.filter.operands import Meaning, Reading, literal_value
from stanchion.odata.filter.parse import MAX_BYTES
from stanchion.odata.filter.syntax import Constant
from stanchion.odata.filter.tokens import Token
from stanchion.odata.filter.tree import Filter, Scalar, Value
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
_READ_EACH_TIME = re.compile(r"['\"@]|cast", re.IGNORECASE)

# The set, what is between the literals, and the kind of each.
_Key: TypeAlias = tuple[EntitySet, tuple[str, ...], tuple[str, ...]]


class _Slot(msgspec.Struct, frozen=True):
    """How the value of a parameter is read: from literals of the text, by number, or from what all texts have."""

    literals: tuple[int | Constant, ...]
    meaning: Meaning
    is_list: bool


class _Shape(msgspec.Struct, frozen=True):
    """What all texts of a shape have in common."""

    tree: Scalar
    slots: tuple[_Slot, ...]


@dataclass(slots=True)
class _Counts:
    """How often a shape was known, and how often a text was read whole."""

    known: int = 0
    read: int = 0


_shapes: dict[_Key, _Shape] = {}
_counts = _Counts()


def shape_counts() -> tuple[int, int, int]:
    """Return how often a filter had a shape that was known, how often it was read whole, and how many are kept."""
    return _counts.known, _counts.read, len(_shapes)


def parse_filter(text: str, entity_set: EntitySet, *, aliases: Mapping[str, str]) -> Filter:
    """Return the filter that a text asks for; raises BadRequest or NotImplementedFeature, naming the place.

    `aliases` are the values of parameter aliases by name, `@` included.
    """
    cut = _LITERAL.split(text)
    try:
        literals = [_constant(literal) for literal in cut[1::2]]
        key = (entity_set, tuple(cut[::2]), tuple([literal.kind for literal in literals]))
        shape = _shapes.get(key)
        if shape is not None and len(text.encode()) <= MAX_BYTES:
            known = Filter(shape.tree, tuple([_value(slot, literals) for slot in shape.slots]))
            _counts.known += 1
            return known
    except (StanchionError, _Unfit):
        _counts.read += 1
        return typed_filter(text, entity_set, aliases=aliases).filter
    _counts.read += 1
    typed = typed_filter(text, entity_set, aliases=aliases)
    if shape is None and not any(map(_READ_EACH_TIME.search, cut[::2])):
        _keep(key, _Shape(typed.filter.tree, _slots(typed.readings, cut)))
    return typed.filter


class _Unfit(Exception):
    """A literal cannot be read as those of its shape are."""


def _constant(text: str) -> Constant:
    """Return a literal of the text, without its place."""
    if text[0] == "'":
        return string_constant(Token("string", text, 0))
    return number_constant(Token("number", text, 0))


def _value(slot: _Slot, literals: Sequence[Constant]) -> Value | tuple[Value, ...]:
    meaning, values = slot.meaning, []
    for each in slot.literals:
        value = literal_value(literals[each] if isinstance(each, int) else each, meaning)
        if value is None:
            raise _Unfit
        values.append(value)
    return tuple(values) if slot.is_list else values[0]


def _slots(readings: Sequence[Reading], cut: Sequence[str]) -> tuple[_Slot, ...]:
    numbers: dict[int, int] = {}
    place = 1
    for number, part in enumerate(cut):
        if number % 2 == 1:
            numbers[place] = number // 2
        place += len(part)
    return tuple(
        _Slot(
            tuple(numbers.get(constant.place, constant) for constant in reading.literals),
            reading.meaning,
            reading.is_list,
        )
        for reading in readings
    )


def _keep(key: _Key, shape: _Shape) -> None:
    # Anyone may send shapes without end.
    if len(_shapes) >= MAX_SHAPES:
        _shapes.clear()
    _shapes[key] = shape
