"""What stands on either side of an operator, and how it becomes a value of the kind that is wanted there.

- A literal takes the kind of what it meets: a whole number is a double beside a double, a date is its midnight in UTC
  beside an instant, a string a name beside an enumeration.
- What no type declares takes the kind of what it meets, too, and is null where the JSON holds another kind.
- A string beside an instant is refused in Graph's words: instants are written without quotes.
"""

from collections.abc import Sequence
from typing import TypeAlias, assert_never

import msgspec

from stanchion.errors import BadRequest
from stanchion.model.edm import Collection, Enumeration, Item, StructuredType, type_name
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.model.wording import shown
from stanchion.odata.filter.syntax import Constant
from stanchion.odata.filter.tokens import refused
from stanchion.odata.filter.tree import Call, Column, Kind, Member, Nothing, Parameter, Scalar, Source, Value

TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND
NUMBERS = frozenset({"Edm.Int64", "Edm.Double"})
TIMES = frozenset({"Edm.DateTimeOffset", "Edm.Date"})
# Before the name of an enumeration a literal may have the namespace or its alias.
_NAMESPACES = ("microsoft.graph.", "graph.")


class Settled(msgspec.Struct, frozen=True):
    """A value whose kind is known; `whole` says of a double that it is calculated from whole numbers only."""

    place: int
    what: str
    tree: Scalar
    kind: Kind
    whole: bool = False
    declared: str | None = None  # the type that the model declares, where it is another

    @property
    def type(self) -> str:
        """The name of its type, for messages."""
        return self.declared or self.kind


class Named(msgspec.Struct, frozen=True):
    """A property of an enumeration."""

    place: int
    what: str
    tree: Column | Member
    enumeration: Enumeration


class Open(msgspec.Struct, frozen=True):
    """A member that no type declares."""

    place: int
    what: str
    source: Source
    path: tuple[str, ...]


class Structured(msgspec.Struct, frozen=True):
    """A complex value."""

    place: int
    what: str
    source: Source
    path: tuple[str, ...]
    type: StructuredType


class Many(msgspec.Struct, frozen=True):
    """A collection; `item` is None where no type declares it."""

    place: int
    what: str
    source: Source
    path: tuple[str, ...]
    item: Item | None


Operand: TypeAlias = Settled | Named | Open | Structured | Many | Constant


Meaning: TypeAlias = Kind | Enumeration
"""As what a literal is read: as a value of a kind, or as the name of a member."""


class Reading(msgspec.Struct, frozen=True):
    """Where the value of a parameter comes from: literals, and as what each is read; only a list is of several."""

    literals: tuple[Constant, ...]
    meaning: Meaning
    is_list: bool = False


class Values:
    """The values of the parameters, numbered from the first one, and how each was read."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.found: list[Value | tuple[Value, ...]] = []
        self.readings: list[Reading] = []

    def parameter(self, constant: Constant, value: Value, meaning: Meaning) -> Parameter:
        """Number the value of a literal."""
        kind: Kind = "Edm.String" if isinstance(meaning, Enumeration) else meaning
        return Parameter(self._number(value, Reading((constant,), meaning)), kind)

    def list_number(self, constants: Sequence[Constant], values: tuple[Value, ...], meaning: Meaning) -> int:
        """Number the values of a list of literals."""
        return self._number(values, Reading(tuple(constants), meaning, is_list=True))

    def _number(self, value: Value | tuple[Value, ...], reading: Reading) -> int:
        self.found.append(value)
        self.readings.append(reading)
        return self._first + len(self.found) - 1


def natural_kind(operand: Operand) -> Kind | None:
    """Return the kind that an operand has by itself; None where it has none, or parts."""
    match operand:
        case Settled():
            return operand.kind
        case Constant():
            return _NATURAL[operand.kind]
        case Named():
            return "Edm.String"
        case Open() | Structured() | Many():
            return None
        case _:
            assert_never(operand)


_NATURAL: dict[str, Kind | None] = {
    "string": "Edm.String",
    "integer": "Edm.Int64",
    "double": "Edm.Double",
    "boolean": "Edm.Boolean",
    "instant": "Edm.DateTimeOffset",
    "date": "Edm.Date",
    "null": None,
    "enumeration": None,
    "guid": None,
}


def settled(operand: Operand, kind: Kind, values: Values) -> Scalar | None:
    """Return an operand as a value of a kind; None where it cannot be one."""
    match operand:
        case Settled():
            return operand.tree if _fits(operand, kind) else None
        case Open(source=source, path=path):
            return _opened(source, path, kind)
        case Constant():
            return _constant(operand, kind, values)
        case Named() | Structured() | Many():
            return None
        case _:
            assert_never(operand)


def constant_value(constant: Constant, kind: Kind) -> Value | None:
    """Return the value of a literal as one of a kind; None where it cannot be one."""
    value = constant.value
    match constant.kind, kind:
        case "integer", "Edm.Double" if isinstance(value, int):
            return float(value)
        case "date", "Edm.DateTimeOffset" if isinstance(value, int):
            return value * TICKS_PER_DAY
        case _ if _NATURAL[constant.kind] == kind:
            return value
        case _:
            return None


def literal_value(constant: Constant, meaning: Meaning) -> Value | None:
    """Return what a literal says that was found to have a meaning; None, or BadRequest, where it has not."""
    if isinstance(meaning, Enumeration):
        return member_name(constant, meaning)
    return constant_value(constant, meaning)


def member_name(constant: Constant, enumeration: Enumeration) -> str:
    """Return the name that a literal beside an enumeration stands for, by itself or as a number in quotes.

    Raises BadRequest for any other literal.
    """
    kind = f"microsoft.graph.{enumeration.name}"
    if constant.kind not in {"string", "enumeration"}:
        raise refused(f"{kind} does not compare with {described(constant)}", constant.place)
    if constant.prefix not in {"", enumeration.name, *(f"{n}{enumeration.name}" for n in _NAMESPACES)}:
        raise refused(f"{shown(constant.prefix)} is not the type {kind}", constant.place)
    text = str(constant.value)
    name = next((name for name, number in enumeration.members.items() if str(number) == text), text)
    if name not in enumeration.members:
        allowed = ", ".join(enumeration.members)
        raise refused(f"{shown(text)} is no member of {kind}; allowed: {allowed}", constant.place)
    return name


def described(operand: Operand) -> str:
    """Name an operand with its type, for messages."""
    match operand:
        case Constant():
            return _constant_described(operand)
        case Settled():
            return f"{operand.what} of type {operand.type}"
        case Named(enumeration=kind) | Structured(type=kind):
            return f"{operand.what} of type {type_name(kind)}"
        case Many(item=item):
            return f"{operand.what} of type {'Collection' if item is None else type_name(Collection(item))}"
        case Open():
            return operand.what
        case _:
            assert_never(operand)


def _constant_described(constant: Constant) -> str:
    match constant.kind:
        case "null" | "boolean":
            return constant.text[:80].lower()
        case "string":
            return f"the string {shown(str(constant.value))}"
        case "integer" | "double":
            return f"the number {constant.text[:24]}"
        case _:
            return f"the {constant.kind} {constant.text[:80]}"


def mismatch(left: Operand, right: Operand, place: int) -> BadRequest:
    """Return the failure for two operands that do not compare."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Constant) and one.kind == "string" and natural_kind(other) in TIMES:
            return refused(
                f"Invalid filter clause: {described(other)} does not compare with a string; "
                "write instants and dates without quotes",
                place,
            )
        if isinstance(one, Constant) and one.kind == "guid" and natural_kind(other) == "Edm.String":
            return refused(f"{described(other)} compares with a string; write the guid in quotes", place)
    text = f"{described(left)} does not compare with {described(right)}"
    return refused(text[0].upper() + text[1:], place)


def _fits(operand: Settled, kind: Kind) -> bool:
    if kind == "Edm.Int64":
        return operand.kind == kind or operand.whole
    return operand.kind == kind or {operand.kind, kind} <= NUMBERS


def _opened(source: Source, path: tuple[str, ...], kind: Kind) -> Scalar:
    match kind:
        case "Edm.Int64":
            return Member(source, path, "Edm.Double")
        case "Edm.Date":
            return Call("date", (Member(source, path, "Edm.DateTimeOffset"),), "Edm.Date")
        case _:
            return Member(source, path, kind)


def _constant(constant: Constant, kind: Kind, values: Values) -> Scalar | None:
    if constant.kind == "null":
        return Nothing(kind)
    value = constant_value(constant, kind)
    return None if value is None else values.parameter(constant, value, kind)
