"""Functions and calculations of a filter: whether their operands fit.

- Calculations are made in doubles; `div` of whole numbers drops the fraction, `divby` never does (URL 5.1.1.2).
- Parts of an instant are those in UTC, in which all instants are kept for comparing: a literal with another offset is
  refused there (OData 4.0 URL 5.1.1.4.8).
"""

from collections.abc import Sequence

from stanchion.model.wording import did_you_mean, shown
from stanchion.odata.filter.functions import FUNCTIONS, OF_LISTS, Function
from stanchion.odata.filter.literals import not_offered
from stanchion.odata.filter.operands import (
    TIMES,
    Many,
    Operand,
    Settled,
    Values,
    described,
    natural_kind,
    settled,
)
from stanchion.odata.filter.syntax import Call, Constant
from stanchion.odata.filter.tokens import refused
from stanchion.odata.filter.tree import Call as Called
from stanchion.odata.filter.tree import Now, Scalar

_IN_UTC = frozenset({"Z", "z", "+00:00", "-00:00", ""})
_ORDINALS = ("first", "second", "third")


def called(call: Call, operands: Sequence[Operand], values: Values) -> Settled:
    """Return the value of a function; raises BadRequest where it does not exist or does not take the operands."""
    function = _function(call)
    what = f"'{call.name}(...)'"
    most = len(function.takes)
    fewest = most - function.optional
    if not fewest <= len(operands) <= most:
        wanted = str(most) if fewest == most else f"{fewest} or {most}"
        fault = f"'{call.name}' takes {wanted} {'argument' if wanted == '1' else 'arguments'}, not {len(operands)}"
        raise refused(fault, call.place)
    if call.name == "now":
        return Settled(call.place, what, Now(), "Edm.DateTimeOffset")
    arguments = tuple(
        _argument(call, operand, values, number=number) for number, operand in enumerate(operands)
    )
    return Settled(call.place, what, Called(call.name, arguments, function.gives), function.gives)


def calculated(operator: str, operands: Sequence[Operand], values: Values, *, place: int) -> Settled:
    """Return the value of a calculation; raises BadRequest where an operand is no number."""
    whole = operator != "divby" and all(map(_is_whole, operands))
    numbers = tuple(_number(operator, operand, values) for operand in operands)
    function = _CALCULATIONS.get((operator, whole), operator)
    return Settled(place, "a calculation", Called(function, numbers, "Edm.Double"), "Edm.Double", whole=whole)


_CALCULATIONS = {("div", True): "quotient", ("divby", False): "div"}


def _function(call: Call) -> Function:
    function = FUNCTIONS.get(call.name)
    if function is None:
        hint = did_you_mean(call.name, FUNCTIONS)
        raise refused(f"There is no function {shown(call.name)}", call.place, hint=hint)
    return function


def _argument(call: Call, operand: Operand, values: Values, *, number: int) -> Scalar:
    name, function = call.name, FUNCTIONS[call.name]
    wanted = function.takes[number]
    if function.of_days and natural_kind(operand) == "Edm.Date":
        wanted = "Edm.Date"
    if isinstance(operand, Constant) and operand.kind == "instant" and operand.prefix not in _IN_UTC:
        fault = f"'{name}' reads instants in UTC; write {operand.text[:80]} with Z"
        raise refused(fault, operand.place)
    if isinstance(operand, Many) and name in OF_LISTS:
        raise not_offered(f"'{name}' of a collection", operand.place)
    argument = settled(operand, wanted, values)
    if argument is None:
        fault = f"'{name}' takes {wanted} as its {_ORDINALS[number]} argument, not {described(operand)}"
        raise refused(fault, operand.place)
    if function.of_days and wanted == "Edm.DateTimeOffset":
        return Called("date", (argument,), "Edm.Date")
    return argument


def _number(operator: str, operand: Operand, values: Values) -> Scalar:
    if natural_kind(operand) in TIMES:
        raise not_offered("A calculation with dates or instants", operand.place)
    number = settled(operand, "Edm.Double", values)
    if number is None:
        raise refused(f"'{operator}' calculates with numbers, not with {described(operand)}", operand.place)
    return number


def _is_whole(operand: Operand) -> bool:
    match operand:
        case Constant(kind=kind):
            return kind in {"integer", "null"}
        case Settled(kind=kind, whole=whole):
            return whole or kind == "Edm.Int64"
        case _:
            return False
