"""What a filter says, before anything is known of types: a tree of its phrases, each with its place.

A place counts the characters of the filter from 1; what an alias stands for has the place of the alias.
"""

from typing import Literal, TypeAlias

import msgspec

LiteralKind: TypeAlias = Literal[
    "string", "integer", "double", "boolean", "null", "instant", "date", "enumeration", "guid"
]
LiteralValue: TypeAlias = bool | int | float | str | None


class Constant(msgspec.Struct, frozen=True):
    """A literal; an instant is ticks, a date the days since 1970-01-01, of an enumeration the name or number.

    `prefix` is the type that an enumeration names, or the zone in which an instant is written.
    """

    place: int
    kind: LiteralKind
    value: LiteralValue
    text: str
    prefix: str = ""


class Constants(msgspec.Struct, frozen=True):
    """The literals behind `in`."""

    place: int
    items: tuple[Constant, ...]


class Name(msgspec.Struct, frozen=True):
    """One segment of a path."""

    place: int
    text: str


class Path(msgspec.Struct, frozen=True):
    """A property of the entity, or of the variable of an `any` or `all` around it."""

    names: tuple[Name, ...]

    @property
    def place(self) -> int:
        """Where the path begins."""
        return self.names[0].place

    @property
    def text(self) -> str:
        """The path with its slashes."""
        return "/".join(name.text for name in self.names)


class Size(msgspec.Struct, frozen=True):
    """`{collection}/$count`."""

    place: int
    path: Path


class Call(msgspec.Struct, frozen=True):
    """A function and its arguments; the name is in lower case."""

    place: int
    name: str
    arguments: "tuple[Expression, ...]"


class Quantified(msgspec.Struct, frozen=True):
    """`any` or `all`; without a variable it has no condition."""

    place: int
    quantifier: Literal["any", "all"]
    path: Path
    variable: Name | None
    condition: "Expression | None"


class Negation(msgspec.Struct, frozen=True):
    """`not`."""

    place: int
    operand: "Expression"


class Minus(msgspec.Struct, frozen=True):
    """A minus sign before anything but a number."""

    place: int
    operand: "Expression"


class Binary(msgspec.Struct, frozen=True):
    """A comparison or a calculation; the place is that of the operator."""

    place: int
    operator: str
    left: "Expression"
    right: "Expression"


class Membership(msgspec.Struct, frozen=True):
    """`in`."""

    place: int
    left: "Expression"
    right: "Constants | Path"


class Logic(msgspec.Struct, frozen=True):
    """Two or more terms between which stands the same word."""

    place: int
    operator: Literal["and", "or"]
    terms: "tuple[Expression, ...]"


Expression: TypeAlias = (
    Constant | Path | Size | Call | Quantified | Negation | Minus | Binary | Membership | Logic
)
