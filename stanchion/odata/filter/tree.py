"""A filter as the database is to answer it: typed, every property found, every literal a numbered parameter.

- Filters that differ in their literals only have equal trees: the tree is the shape by which a compiled statement is
  kept, and the values travel beside it.
- Each node knows the kind of its value. Whole numbers are `Edm.Int64` where they are read and doubles once they are
  calculated with; names of an enumeration are `Edm.String`.
- A column is read where the property has one, else a member of the body's JSON, which counts as null where it is of
  another kind than asked.
"""

from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal[
    "Edm.String", "Edm.Boolean", "Edm.Int64", "Edm.Double", "Edm.DateTimeOffset", "Edm.Date"
]
Order: TypeAlias = Literal["eq", "ne", "gt", "ge", "lt", "le"]
Value: TypeAlias = bool | int | float | str
"""The value of a parameter: an instant is ticks, a date the days since 1970-01-01."""


class Entity(msgspec.Struct, frozen=True):
    """Where a path begins outside of lambdas: the entity of the row."""


class Element(msgspec.Struct, frozen=True):
    """Where a path begins that starts with a variable: the element at hand; the outermost variable is 0."""

    variable: int


Source: TypeAlias = Entity | Element


class Column(msgspec.Struct, frozen=True):
    """A property of the entity that has a column."""

    name: str
    kind: Kind


class Member(msgspec.Struct, frozen=True):
    """A value in JSON; `path` is empty where the element itself is meant.

    What the model declares was checked when it was written; of the rest only the JSON knows the kind.
    """

    source: Source
    path: tuple[str, ...]
    kind: Kind
    declared: bool = False


class Parameter(msgspec.Struct, frozen=True):
    """A literal: the value of that number."""

    number: int
    kind: Kind


class Nothing(msgspec.Struct, frozen=True):
    """The literal null in the place of a value of a kind."""

    kind: Kind


class Now(msgspec.Struct, frozen=True):
    """The time of the request."""

    kind: Kind = "Edm.DateTimeOffset"


class Size(msgspec.Struct, frozen=True):
    """The number of elements of a collection."""

    source: Source
    path: tuple[str, ...]
    kind: Kind = "Edm.Int64"


class Call(msgspec.Struct, frozen=True):
    """A function or a calculation; null where an argument is null."""

    function: str
    arguments: "tuple[Scalar, ...]"
    kind: Kind


class Comparison(msgspec.Struct, frozen=True):
    """Two values of kinds that compare; never null: equal nulls are equal, and null is in no other order."""

    operator: Order
    left: "Scalar"
    right: "Scalar"
    kind: Kind = "Edm.Boolean"


class Likeness(msgspec.Struct, frozen=True):
    """Two values whose kinds only the JSON tells; of different kinds they are different and in no order."""

    operator: Order
    left: tuple[Source, tuple[str, ...]]
    right: tuple[Source, tuple[str, ...]]
    kind: Kind = "Edm.Boolean"


class IsNull(msgspec.Struct, frozen=True):
    """Whether a value is null."""

    operand: "Scalar"
    kind: Kind = "Edm.Boolean"


class IsAbsent(msgspec.Struct, frozen=True):
    """Whether a member is null or absent, whatever its kind."""

    source: Source
    path: tuple[str, ...]
    kind: Kind = "Edm.Boolean"


class Membership(msgspec.Struct, frozen=True):
    """Whether a value is in the list that the parameter of that number holds, or is null where that is in it too."""

    operand: "Scalar"
    number: int
    item: Kind
    with_null: bool
    kind: Kind = "Edm.Boolean"


class Quantified(msgspec.Struct, frozen=True):
    """Whether a condition is true of any or all elements of a collection; without a condition, whether it has any."""

    quantifier: Literal["any", "all"]
    source: Source
    path: tuple[str, ...]
    element: Element
    condition: "Scalar | None"
    kind: Kind = "Edm.Boolean"


class Logic(msgspec.Struct, frozen=True):
    """Terms joined by one word, each a Boolean that may be null."""

    operator: Literal["and", "or"]
    terms: "tuple[Scalar, ...]"
    kind: Kind = "Edm.Boolean"


class Negation(msgspec.Struct, frozen=True):
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


class Filter(msgspec.Struct, frozen=True):
    """A condition on entities: its shape, and the values of its parameters; a list is a tuple."""

    tree: Scalar
    values: tuple[Value | tuple[Value, ...], ...]
