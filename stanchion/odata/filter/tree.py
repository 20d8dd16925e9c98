"""A filter as the database is to answer it: typed, every property found, every literal a numbered parameter.

- Filters that differ in their literals only have equal trees: the tree is the shape by which a compiled statement is
  kept, and the values travel beside it.
- Each node knows the kind of its value. Whole numbers are `Edm.Int64` where they are read and doubles once they are
  calculated with; names of an enumeration are `Edm.String`.
- A column is read where the property has one, else a member of the body's JSON, which counts as null where it is of
  another kind than asked.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "Edm.String", "Edm.Boolean", "Edm.Int64", "Edm.Double", "Edm.DateTimeOffset", "Edm.Date"
]
Order: TypeAlias = Literal["eq", "ne", "gt", "ge", "lt", "le"]
Value: TypeAlias = bool | int | float | str
"""The value of a parameter: an instant is ticks, a date the days since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Where a path begins outside of lambdas: the entity of the row."""


@dataclass(frozen=True, slots=True)
class Element:
    """Where a path begins that starts with a variable: the element at hand; the outermost variable is 0."""

    variable: int


Source: TypeAlias = Entity | Element


@dataclass(frozen=True, slots=True)
class Column:
    """A property of the entity that has a column."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Member:
    """A value in JSON; `path` is empty where the element itself is meant.

    What the model declares was checked when it was written; of the rest only the JSON knows the kind.
    """

    source: Source
    path: tuple[str, ...]
    kind: Kind
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A literal: the value of that number."""

    number: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Nothing:
    """The literal null in the place of a value of a kind."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Now:
    """The time of the request."""

    kind: Kind = "Edm.DateTimeOffset"


@dataclass(frozen=True, slots=True)
class Size:
    """The number of elements of a collection."""

    source: Source
    path: tuple[str, ...]
    kind: Kind = "Edm.Int64"


@dataclass(frozen=True, slots=True)
class Call:
    """A function or a calculation; null where an argument is null."""

    function: str
    arguments: "tuple[Scalar, ...]"
    kind: Kind


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values of kinds that compare; never null: equal nulls are equal, and null is in no other order."""

    operator: Order
    left: "Scalar"
    right: "Scalar"
    kind: Kind = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two values whose kinds only the JSON tells; of different kinds they are different and in no order."""

    operator: Order
    left: tuple[Source, tuple[str, ...]]
    right: tuple[Source, tuple[str, ...]]
    kind: Kind = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class IsNull:
    """Whether a value is null."""

    operand: "Scalar"
    kind: Kind = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class IsAbsent:
    """Whether a member is null or absent, whatever its kind."""

    source: Source
    path: tuple[str, ...]
    kind: Kind = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether a value is in the list that the parameter of that number holds, or is null where that is in it too."""

    operand: "Scalar"
    number: int
    item: Kind
    with_null: bool
    kind: Kind = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Quantified:
    """Whether a condition is true of any or all elements of a collection; without a condition, whether it has any."""

    quantifier: Literal["any", "all"]
    source: Source
    path: tuple[str, ...]
    element: Element
    condition: "Scalar | None"
    kind: Kind = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Logic:
    """Terms joined by one word, each a Boolean that may be null."""

    operator: Literal["and", "or"]
    terms: "tuple[Scalar, ...]"
    kind: Kind = "Edm.Boolean"


@dataclass(frozen=True, slots=True)
class Negation:
    """The opposite of a Boolean; null of null."""

    operand: "Scalar"
    kind: Kind = "Edm.Boolean"


Scalar: TypeAlias = (
    Column
    | Member
    | Parameter
    | Nothing
    | Now
    | Size
    | Call
    | Comparison
    | Likeness
    | IsNull
    | IsAbsent
    | Membership
    | Quantified
    | Logic
    | Negation
)


Condition: TypeAlias = Comparison | Likeness | IsNull | Membership | Logic | Negation


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on entities: its shape, and the values of its parameters; a list is a tuple."""

    tree: Scalar
    values: tuple[Value | tuple[Value, ...], ...]
