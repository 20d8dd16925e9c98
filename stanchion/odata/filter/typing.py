"""A filter's phrases against the entity data model: what each means, or why it means nothing.

- Literals become parameters numbered in the order of the text, so that the tree is the shape of the filter.
- `eq` and `ne` compare with null; in any other order null stands nowhere, and the comparison is false (OData 4.01
  URL 5.1.1.1). Functions and calculations of null are null; `and`, `or`, `not` know true, false and null.
- Whatever is wrong is a BadRequest with its place; a function that OData has and we lack is NotImplementedFeature.
- At most 100 tests: comparisons, lambdas and other conditions; and no deeper than every database follows.
"""

from collections.abc import Mapping
from typing import cast

import msgspec

from stanchion.model.edm import EntitySet, Item
from stanchion.odata.filter import tree
from stanchion.odata.filter.calls import calculated, called
from stanchion.odata.filter.comparing import compared, member_of
from stanchion.odata.filter.nesting import check_nesting
from stanchion.odata.filter.operands import Many, Open, Operand, Reading, Settled, Values, described, settled
from stanchion.odata.filter.parse import parse, parse_phrase
from stanchion.odata.filter.paths import Scope, Variable, operand_at, operand_of
from stanchion.odata.filter.syntax import (
    Binary,
    Call,
    Constant,
    Constants,
    Expression,
    Logic,
    Membership,
    Minus,
    Negation,
    Path,
    Quantified,
    Size,
)
from stanchion.odata.filter.tokens import refused
from stanchion.odata.filter.tree import Element, Filter, Order, Scalar

MAX_TESTS = 100

_ORDERS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})


class Typed(msgspec.Struct, frozen=True):
    """A filter, how the value of each of its parameters was read, and how many tests it has."""

    filter: Filter
    readings: tuple[Reading, ...]
    tests: int


def typed_filter(text: str, entity_set: EntitySet, *, aliases: Mapping[str, str]) -> Typed:
    """Return what a text asks for; raises BadRequest or NotImplementedFeature, naming the place.

    `aliases` are the values of parameter aliases by name, `@` included.
    """
    found = _typed(parse(text, aliases), entity_set, first_parameter=0)
    check_nesting(found.filter.tree)
    return found


def typed_phrase(text: str, entity_set: EntitySet, *, first_parameter: int) -> Typed:
    """Return what a part of a filter asks for that has no `and` and no `or` outside of parentheses, and no alias.

    Its parameters are numbered from `first_parameter`. How deep it nests is not judged.
    """
    return _typed(parse_phrase(text), entity_set, first_parameter=first_parameter)


def _typed(phrase: Expression, entity_set: EntitySet, *, first_parameter: int) -> Typed:
    typist = _Typist(entity_set, first_parameter=first_parameter)
    condition = typist.condition(phrase, {})
    values = typist.values
    return Typed(Filter(condition, tuple(values.found)), tuple(values.readings), typist.tests)


class _Typist:
    def __init__(self, entity_set: EntitySet, *, first_parameter: int) -> None:
        self._entity_set = entity_set
        self.tests = 0
        self.values = Values(first_parameter)

    def condition(self, phrase: Expression, scope: Scope) -> Scalar:
        """Return what is true, false or null."""
        match phrase:
            case Logic(_, operator, terms):
                return tree.Logic(operator, tuple(self.condition(term, scope) for term in terms))
            case Negation(_, operand):
                return tree.Negation(self.condition(operand, scope))
            case Binary() if phrase.operator in _ORDERS:
                return self._comparison(phrase, scope)
            case Membership():
                return self._membership(phrase, scope)
            case Quantified():
                return self._quantified(phrase, scope)
            case _:
                self._count_test(phrase.place)
                found = self._operand(phrase, scope)
                condition = settled(found, "Edm.Boolean", self.values)
                if condition is None:
                    raise refused(f"A condition is expected, not {described(found)}", phrase.place)
                return condition

    def _operand(self, phrase: Expression, scope: Scope) -> Operand:
        match phrase:
            case Constant():
                return phrase
            case Path():
                return operand_at(phrase, self._entity_set, scope)
            case Size():
                return self._size(phrase, scope)
            case Call(arguments=arguments):
                return called(phrase, [self._operand(each, scope) for each in arguments], self.values)
            case Minus(place, operand):
                return calculated("minus", [self._operand(operand, scope)], self.values, place=place)
            case Binary(place, operator, left, right) if operator not in _ORDERS:
                operands = [self._operand(left, scope), self._operand(right, scope)]
                return calculated(operator, operands, self.values, place=place)
            case _:
                return Settled(phrase.place, "a condition", self.condition(phrase, scope), "Edm.Boolean")

    def _comparison(self, phrase: Binary, scope: Scope) -> Scalar:
        self._count_test(phrase.place)
        left, right = self._operand(phrase.left, scope), self._operand(phrase.right, scope)
        return compared(cast("Order", phrase.operator), left, right, self.values, place=phrase.place)

    def _membership(self, phrase: Membership, scope: Scope) -> Scalar:
        self._count_test(phrase.place)
        left = self._operand(phrase.left, scope)
        match phrase.right:
            case Constants() as constants:
                return member_of(left, constants, self.values)
            case Path() as path:
                collection = self._collection(path, scope)
                variable = Variable(Element(len(scope)), _item(collection))
                element = operand_of(path, variable, self._entity_set)
                condition = compared("eq", left, element, self.values, place=phrase.place)
                return tree.Quantified("any", collection.source, collection.path, variable.element, condition)

    def _quantified(self, phrase: Quantified, scope: Scope) -> Scalar:
        self._count_test(phrase.place)
        collection = self._collection(phrase.path, scope)
        element, condition = Element(len(scope)), None
        if phrase.variable is not None and phrase.condition is not None:
            name = phrase.variable.text
            if name in scope:
                fault = f"The variable '{name}' is that of a lambda around this one; take another name"
                raise refused(fault, phrase.variable.place)
            inner = {**scope, name: Variable(element, _item(collection))}
            condition = self.condition(phrase.condition, inner)
        return tree.Quantified(phrase.quantifier, collection.source, collection.path, element, condition)

    def _size(self, phrase: Size, scope: Scope) -> Operand:
        collection = self._collection(phrase.path, scope)
        size = tree.Size(collection.source, collection.path)
        return Settled(phrase.place, f"'{phrase.path.text[:80]}/$count'", size, size.kind)

    def _collection(self, path: Path, scope: Scope) -> Many | Open:
        operand = operand_at(path, self._entity_set, scope)
        if not isinstance(operand, Many | Open):
            raise refused(f"A collection is expected, not {described(operand)}", path.place)
        return operand

    def _count_test(self, place: int) -> None:
        self.tests += 1
        if self.tests > MAX_TESTS:
            raise refused(f"The filter has more than {MAX_TESTS} tests", place)


def _item(collection: Many | Open) -> Item | None:
    return collection.item if isinstance(collection, Many) else None
