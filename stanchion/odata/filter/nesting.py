"""How deep a filter nests, counted in what a database has to keep in mind for each level.

- SQLite reads SQL with a stack of 100 entries: whatever is begun and not ended takes some until it ends. Counted
  is the most that is open at once, so that every filter within the limit is answered by every database, alike.
- A phrase costs what its longest spelling takes: a function that is one in SQL too takes 3 steps, one that needs a
  subquery or a choice between cases more. Of what stands beside each other only the deepest counts.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias, assert_never

from stanchion.errors import BadRequest
from stanchion.odata.filter.tree import (
    Call,
    Column,
    Comparison,
    IsAbsent,
    IsNull,
    Likeness,
    Logic,
    Member,
    Membership,
    Negation,
    Nothing,
    Now,
    Parameter,
    Quantified,
    Scalar,
    Size,
)

MAX_STEPS = 72
"""What the stack of SQLite has left within the statement of a page of bodies."""

FUNCTION_STEPS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(
            ("tolower", "toupper", "trim", "length", "concat", "date", "hour", "minute", "second"), 3
        ),
        **dict.fromkeys(("add", "sub", "mul", "div", "minus"), 3),
        **dict.fromkeys(("contains", "startswith", "indexof", "quotient"), 6),
        **dict.fromkeys(("year", "month", "day"), 7),
        "endswith": 11,
        "mod": 11,
        "substring": 13,
    }
)
"""The steps of functions and calculations; `div` of whole numbers is a `quotient`."""
COMPARISON_STEPS, MEMBERSHIP_STEPS, LOGIC_STEPS, NEGATION_STEPS, NULL_STEPS, LAMBDA_STEPS = 5, 4, 3, 2, 2, 16
_TIMES = frozenset({"Edm.DateTimeOffset", "Edm.Date"})
# What is read takes steps of its own, and most where JSON is read: a value, an instant in a text.
_COLUMN_STEPS, _DECLARED_STEPS, _VALUE_STEPS, _INSTANT_STEPS = 2, 7, 10, 25
_LIKENESS_STEPS, _LIST_STEPS = 16, 13
_OWN_STEPS: Mapping[str, int] = MappingProxyType({"substring": 13, "mod": 13, "trim": 6})


def check_nesting(condition: Scalar) -> None:
    """Raise BadRequest for a filter that nests deeper than every database can follow."""
    steps = steps_of(condition)
    if steps > MAX_STEPS:
        raise BadRequest(
            f"The filter nests {steps} steps deep, and {MAX_STEPS} are allowed: of what stands within each other a "
            f"'substring' takes {FUNCTION_STEPS['substring']}, a 'mod' {FUNCTION_STEPS['mod']}, a lambda "
            f"{LAMBDA_STEPS}, most other functions and calculations 3.",
            target="$filter",
        )


def steps_of(node: Scalar) -> int:
    """Return how many steps deep a tree is."""
    match node:
        case Call(function, arguments):
            inner = max(map(steps_of, arguments), default=0)
            return FUNCTION_STEPS[function] + max(inner, _OWN_STEPS.get(function, 0))
        case Comparison(_, left, right):
            return COMPARISON_STEPS + max(steps_of(left), steps_of(right))
        case Membership(operand):
            return MEMBERSHIP_STEPS + max(steps_of(operand), _LIST_STEPS)
        case Logic(_, terms):
            return LOGIC_STEPS + max(map(steps_of, terms))
        case Negation(operand):
            return NEGATION_STEPS + steps_of(operand)
        case IsNull(operand):
            return NULL_STEPS + steps_of(operand)
        case Quantified(condition=condition):
            return LAMBDA_STEPS + (0 if condition is None else steps_of(condition))
        case _:
            return _innermost(node)


_Innermost: TypeAlias = Column | Parameter | Nothing | Now | Member | Size | IsAbsent | Likeness


def _innermost(node: _Innermost) -> int:
    match node:
        case Column() | Parameter() | Nothing() | Now():
            return _COLUMN_STEPS
        case Member(kind=kind) if kind in _TIMES:
            return _INSTANT_STEPS
        case Member(declared=True):
            return _DECLARED_STEPS
        case Member() | Size() | IsAbsent():
            return _VALUE_STEPS
        case Likeness():
            return _LIKENESS_STEPS
        case _:
            assert_never(node)
