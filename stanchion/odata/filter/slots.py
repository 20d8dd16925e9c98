"""Slots: how the values of a filter's parameters are read from the literals of its text.

All texts of a shape have the same slots; a literal is known by its number in the text.
"""

from collections.abc import Sequence

import msgspec

from stanchion.odata.filter.operands import Meaning, Reading, literal_value
from stanchion.odata.filter.syntax import Constant
from stanchion.odata.filter.tree import Value


class Unfit(Exception):
    """A literal cannot be read as those of its shape are."""


class Slot(msgspec.Struct, frozen=True):
    """How the value of a parameter is read: from literals of the text, by number, or from what all texts have."""

    literals: tuple[int | Constant, ...]
    meaning: Meaning
    is_list: bool


def slots_of(readings: Sequence[Reading], cut: Sequence[str]) -> tuple[Slot, ...]:
    """Return the slots of what was read from a text that is cut at its literals, every second part."""
    numbers: dict[int, int] = {}
    place = 1
    for number, part in enumerate(cut):
        if number % 2 == 1:
            numbers[place] = number // 2
        place += len(part)
    return tuple(
        Slot(
            tuple(numbers.get(constant.place, constant) for constant in reading.literals),
            reading.meaning,
            reading.is_list,
        )
        for reading in readings
    )


def value_in(slot: Slot, literals: Sequence[Constant], first: int) -> Value | tuple[Value, ...]:
    """Return the value of a parameter; those of the text that its numbers count from `first` are given.

    Raises Unfit, or BadRequest, for a literal that is none of its meaning.
    """
    meaning, values = slot.meaning, []
    for each in slot.literals:
        value = literal_value(literals[first + each] if isinstance(each, int) else each, meaning)
        if value is None:
            raise Unfit
        values.append(value)
    return tuple(values) if slot.is_list else values[0]
