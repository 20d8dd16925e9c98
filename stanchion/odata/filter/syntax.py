"""What a filter says, before anything is known of types: a tree of its phrases, each with its place.

A place counts the characters of the filter from 1; what an alias stands for has the place of the alias.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

LiteralKind: TypeAlias = Literal[
    "string", "integer", "double", "boolean", "null", "instant", "date", "enumeration", "guid"
]
LiteralValue: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; an instant is ticks, a date the days since 1970-01-01, of an enumeration the name or number.

    `prefix` is the type that an enumeration names, or the zone in which an instant is written.
    """

    place: int
    kind: LiteralKind
    value: LiteralValue
    text: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Constants:
    """The literals behind `in`."""

    place: int
    items: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """One segment of a path."""

    place: int
    text: str


@dataclass(frozen=True, slots=True)
class Path:
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


@dataclass(frozen=True, slots=True)
class Size:
    """`{collection}/$count`."""

    place: int
    path: Path


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments; the name is in lower case."""

    place: int
    name: str
    arguments: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Quantified:
    """`any` or `all`; without a variable it has no condition."""

    place: int
    quantifier: Literal["any", "all"]
    path: Path
    variable: Name | None
    condition: "Expression | None"


@dataclass(frozen=True, slots=True)
class Negation:
    """`not`."""

    place: int
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Minus:
    """A minus sign before anything but a number."""

    place: int
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison or a calculation; the place is that of the operator."""

    place: int
    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Membership:
    """`in`."""

    place: int
    left: "Expression"
    right: "Constants | Path"


@dataclass(frozen=True, slots=True)
class Logic:
    """Two or more terms between which stands the same word."""

    place: int
    operator: Literal["and", "or"]
    terms: "tuple[Expression, ...]"


Expression: TypeAlias = (
    Constant | Path | Size | Call | Quantified | Negation | Minus | Binary | Membership | Logic
)
