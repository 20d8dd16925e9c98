"""A filter's tree as a condition in SQL: the database evaluates every part of it.

- Three questions are asked of a Boolean: does it hold, does it fail, what is it. Null neither holds nor fails. A
  comparison with null is false in OData and unknown in SQL: where it must hold the two are the same, and a plain
  comparison can use an index; elsewhere SQL is told which is meant.
- `not` asks of its operand whether it fails, and so reaches the comparisons without being written.
- What needs the body's JSON comes after what columns tell, and reads the body once for each row.
- Literals are the parameters filter_0, filter_1 ..., the time of the request is filter_now; a list is one parameter.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from msgspec.structs import replace
from sqlalchemy import BigInteger, Boolean, Double, Table, Text, and_, bindparam, cast, null, or_, true
from sqlalchemy import not_ as negation
from sqlalchemy.types import TypeEngine

from stanchion.odata.filter import tree
from stanchion.odata.filter.tree import Filter, Kind, Order, Scalar, Source
from stanchion.store.calculation import calculation
from stanchion.store.instants import day_of, part_of_day, part_of_instant
from stanchion.store.members import has_element, is_absent, member, size, with_document
from stanchion.store.spelling import Spelled, Sql
from stanchion.store.texts import text_function

NOW = "filter_now"
Array: TypeAlias = Callable[[Iterable[object]], object]
"""What makes a parameter of several values, as a connection does."""

_TYPES: dict[Kind, TypeEngine[Any]] = {
    "Edm.String": Text().with_variant(Text(collation="C"), "postgresql"),
    "Edm.Boolean": Boolean(),
    "Edm.Int64": BigInteger(),
    "Edm.Double": Double(),
    "Edm.DateTimeOffset": BigInteger(),
    "Edm.Date": BigInteger(),
}
_POSTGRESQL_TYPES: dict[Kind, str] = {
    "Edm.String": "text",
    "Edm.Boolean": "boolean",
    "Edm.Int64": "bigint",
    "Edm.Double": "double precision",
    "Edm.DateTimeOffset": "bigint",
    "Edm.Date": "bigint",
}
_DAY_PARTS, _INSTANT_PARTS = frozenset({"year", "month", "day"}), frozenset({"hour", "minute", "second"})
# Whole numbers become doubles before they are calculated with.
_CALCULATIONS = frozenset({"add", "sub", "mul", "div", "quotient", "mod", "minus"})
# The kinds that plain values of JSON have.
_JSON_KINDS: tuple[Kind, ...] = ("Edm.String", "Edm.Double", "Edm.Boolean")
_ORDERS: dict[Order, Callable[[Sql, Sql], Sql]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_OPPOSITES: dict[Order, Order] = {"eq": "ne", "ne": "eq"}


def conditions(condition: Scalar, table: Table) -> Iterator[Sql]:
    """Give what must hold of a row: first what its columns tell, then one condition on its body, if there is any."""
    terms = (
        condition.terms if isinstance(condition, tree.Logic) and condition.operator == "and" else (condition,)
    )
    of_body: list[Sql] = []
    for term in terms:
        writer = _Writer(table)
        holds = writer.holds(term)
        if writer.reads_body:
            of_body.append(holds)
        else:
            yield holds
    if of_body:
        yield with_document(table, and_(*of_body))


def reads_bodies(condition: Scalar, table: Table) -> bool:
    """Whether a condition asks for what the columns do not tell."""
    writer = _Writer(table)
    writer.holds(condition)
    return writer.reads_body


def filter_parameters(asked: Filter, *, now_ticks: int, array: Array) -> dict[str, object]:
    """Return the parameters of a filter, of which a list is one that `array` makes."""
    values = {
        parameter_name(number): array(value) if isinstance(value, tuple) else value
        for number, value in enumerate(asked.values)
    }
    return {**values, NOW: now_ticks}


def parameter_name(number: int) -> str:
    """Return the name of the parameter that holds a value of a filter."""
    return f"filter_{number}"


class _Writer:
    """Writes one term; `reads_body` says afterwards whether it needs the body."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._in_parts: set[Source] = set()
        self.reads_body = False

    def holds(self, node: Scalar) -> Sql:
        """Return what is true where a Boolean is true, and false or null elsewhere."""
        match node:
            case tree.Logic("and", terms):
                return and_(*map(self.holds, terms))
            case tree.Logic("or", terms):
                return or_(*map(self.holds, terms))
            case tree.Negation(operand):
                return self.fails(operand)
            case tree.Comparison():
                return self._compared(node)
            case tree.Likeness():
                return self._alike(node)
            case tree.Membership():
                return self._among(node)
            case _:
                return self.value(node)

    def fails(self, node: Scalar) -> Sql:
        """Return what is true where a Boolean is false, and false or null elsewhere."""
        match node:
            case tree.Logic("and", terms):
                return or_(*map(self.fails, terms))
            case tree.Logic("or", terms):
                return and_(*map(self.fails, terms))
            case tree.Negation(operand):
                return self.holds(operand)
            case tree.Comparison("eq" | "ne"):
                return self._compared(replace(node, operator=_OPPOSITES[node.operator]))
            case tree.Comparison() | tree.Likeness() | tree.Membership():
                return self.holds(node).is_not(true())
            case _:
                return negation(self.value(node))

    def value(self, node: Scalar) -> Sql:
        """Return the value of a node; a Boolean may be null."""
        match node:
            case tree.Column(name):
                return self._table.c[name]
            case tree.Parameter(number, kind):
                return bindparam(parameter_name(number), type_=_TYPES[kind])
            case tree.Now(kind):
                return bindparam(NOW, type_=_TYPES[kind])
            case tree.Nothing(kind):
                return Spelled("NULL", f"CAST(NULL AS {_POSTGRESQL_TYPES[kind]})")
            case tree.Call(function, arguments):
                return self._called(function, arguments)
            case tree.Member() | tree.Size() | tree.IsAbsent() | tree.Quantified():
                return self._in_body(node)
            case _:
                return self._truth(node)

    def _truth(self, node: tree.Condition) -> Sql:
        match node:
            case tree.Logic("and", terms):
                return and_(*map(self.value, terms))
            case tree.Logic(_, terms):
                return or_(*map(self.value, terms))
            case tree.Negation(operand):
                return negation(self.value(operand))
            case tree.IsNull(operand):
                return self.value(operand).is_(null())
            case _:
                return self.holds(node).is_(true())

    def _in_body(self, node: tree.Member | tree.Size | tree.IsAbsent | tree.Quantified) -> Sql:
        self.reads_body = True
        match node:
            case tree.Member():
                return self._member(node)
            case tree.Size(source, path):
                self._note_parts(source, path)
                return size(source, path)
            case tree.IsAbsent(source, path):
                return self._absent(source, path)
            case tree.Quantified(quantifier, source, path, element, condition):
                # Asking an array within an array for its elements is asking for a part too.
                self._in_parts.add(source)
                if condition is None:
                    return has_element(source, path, element, None)
                self._in_parts.discard(element)
                sought = self.holds(condition)
                if quantifier == "all":
                    sought = sought.is_not(true())
                found = has_element(source, path, element, sought, in_parts=element in self._in_parts)
                return found if quantifier == "any" else negation(found)

    def _member(self, asked: tree.Member) -> Sql:
        self._note_parts(asked.source, asked.path)
        return member(asked)

    def _absent(self, source: Source, path: tuple[str, ...]) -> Sql:
        self._note_parts(source, path)
        return is_absent(source, path)

    def _note_parts(self, source: Source, path: tuple[str, ...]) -> None:
        if path:
            self._in_parts.add(source)

    def _compared(self, node: tree.Comparison) -> Sql:
        left, right = self.value(node.left), self.value(node.right)
        match node.operator:
            case "ne":
                return left.is_distinct_from(right)
            # Nulls are equal, which a plain comparison does not know; it serves where one side is never null.
            case "eq" if not (_is_definite(node.left) or _is_definite(node.right)):
                return left.is_not_distinct_from(right)
            case _:
                return _ORDERS[node.operator](left, right)

    def _alike(self, node: tree.Likeness) -> Sql:
        self.reads_body = True
        if node.operator == "ne":
            return self._alike(replace(node, operator="eq")).is_not(true())
        found = []
        for kind in _JSON_KINDS:
            left, right = (self._member(tree.Member(*place, kind)) for place in (node.left, node.right))
            found.append(_ORDERS[node.operator](left, right))
        if node.operator == "eq":
            found.append(and_(self._absent(*node.left), self._absent(*node.right)))
        return or_(*found)

    def _among(self, node: tree.Membership) -> Sql:
        operand = self.value(node.operand)
        found = Spelled(
            "(@0 IN (SELECT value FROM json_each(@1)))",
            f"(@0 = ANY (CAST(@1 AS {_POSTGRESQL_TYPES[node.item]}[])))",
            of=(operand, bindparam(parameter_name(node.number))),
        )
        return or_(found, operand.is_(null())) if node.with_null else found

    def _called(self, function: str, arguments: Sequence[Scalar]) -> Sql:
        operands = tuple(map(self.value, arguments))
        if function in _CALCULATIONS:
            numbers = (
                cast(operand, Double()) if argument.kind == "Edm.Int64" else operand
                for operand, argument in zip(operands, arguments, strict=True)
            )
            return calculation(function, *numbers)
        if function in _DAY_PARTS:
            return part_of_day(function, *operands)
        if function in _INSTANT_PARTS:
            return part_of_instant(function, *operands)
        return day_of(*operands) if function == "date" else text_function(function, *operands)


def _is_definite(node: Scalar) -> bool:
    """Whether a value is never null."""
    return isinstance(node, tree.Parameter | tree.Now | tree.Size) or node == tree.Column("id", "Edm.String")
