"""Comparisons of a filter: which operands compare, and as values of which kind.

- With null, `eq` and `ne` ask whether a value is null; in any other order null stands nowhere.
- Members of an enumeration are the same or not; they have no order here.
- Two members that no type declares compare as what the JSON says they are.
"""

from stanchion.odata.filter.literals import not_offered
from stanchion.odata.filter.operands import (
    NUMBERS,
    TIMES,
    Many,
    Named,
    Open,
    Operand,
    Structured,
    Values,
    constant_value,
    described,
    member_name,
    mismatch,
    natural_kind,
    settled,
)
from stanchion.odata.filter.syntax import Constant, Constants
from stanchion.odata.filter.tokens import refused
from stanchion.odata.filter.tree import (
    Comparison,
    IsAbsent,
    IsNull,
    Kind,
    Likeness,
    Logic,
    Membership,
    Negation,
    Nothing,
    Order,
    Parameter,
    Scalar,
    Value,
)


def compared(operator: Order, left: Operand, right: Operand, values: Values, *, place: int) -> Scalar:
    """Return the comparison of two operands; raises BadRequest where they do not compare."""
    if _is_null(right):
        return _with_null(operator, left, values, place=place)
    if _is_null(left):
        return _with_null(operator, right, values, place=place)
    match left, right:
        case Open(), Open():
            return Likeness(operator, (left.source, left.path), (right.source, right.path))
        case (Structured() | Many(), Structured() | Many() | Open()) | (Open(), Structured() | Many()):
            raise not_offered("A comparison of whole complex values or collections", place)
        case (Named(), _) | (_, Named()):
            return _of_names(operator, left, right, values, place=place)
        case _:
            kind = _common_kind(left, right)
    if kind is None:
        raise mismatch(left, right, place)
    one, other = settled(left, kind, values), settled(right, kind, values)
    if one is None or other is None:
        raise mismatch(left, right, place)
    return Comparison(operator, one, other)


def member_of(left: Operand, constants: Constants, values: Values) -> Scalar:
    """Return whether an operand is one of a list of literals."""
    items = [constant for constant in constants.items if not _is_null(constant)]
    with_null = len(items) < len(constants.items)
    if not items:
        return compared("eq", left, constants.items[0], values, place=constants.place)
    if isinstance(left, Named):
        names = tuple(member_name(constant, left.enumeration) for constant in items)
        number = values.list_number(items, names, left.enumeration)
        return Membership(left.tree, number, "Edm.String", with_null)
    kind = _list_kind(left, items)
    operand = None if kind is None else settled(left, kind, values)
    if kind is None or operand is None:
        raise mismatch(left, items[0], items[0].place)
    found = tuple(_item_value(left, constant, kind) for constant in items)
    number = values.list_number(items, found, kind)
    if isinstance(left, Open) and with_null:
        # A member of another kind is not null because it is not what the others in the list are.
        among = Membership(operand, number, kind, with_null=False)
        return Logic("or", (among, IsAbsent(left.source, left.path)))
    return Membership(operand, number, kind, with_null)


def _is_null(operand: Operand) -> bool:
    return isinstance(operand, Constant) and operand.kind == "null"


def _with_null(operator: Order, operand: Operand, values: Values, *, place: int) -> Scalar:
    is_null: Scalar
    match operand:
        case Many():
            raise refused(f"{described(operand)} is a collection, which is never null", place)
        case Structured(source=source, path=path) | Open(source=source, path=path):
            is_null = IsAbsent(source, path)
        case Named(tree=tree):
            is_null = IsNull(tree)
        case _:
            is_null = IsNull(_by_itself(operand, values))
    match operator:
        case "eq":
            return is_null
        case "ne":
            return Negation(is_null)
        case _:
            if isinstance(operand, Structured):
                raise refused(f"{described(operand)} has no order", place)
            return Comparison(operator, Nothing("Edm.Boolean"), Nothing("Edm.Boolean"))


def _by_itself(operand: Operand, values: Values) -> Scalar:
    """Return an operand that meets nothing but null."""
    kind = natural_kind(operand)
    found = None if kind is None else settled(operand, kind, values)
    return Nothing("Edm.String") if found is None else found


def _of_names(operator: Order, left: Operand, right: Operand, values: Values, *, place: int) -> Scalar:
    if operator not in {"eq", "ne"}:
        named = left if isinstance(left, Named) else right
        raise refused(f"{described(named)} has no order; it compares by eq, ne and in", place)
    match left, right:
        case Named(), Named() if left.enumeration == right.enumeration:
            return Comparison(operator, left.tree, right.tree)
        case Named(), Constant():
            return Comparison(operator, left.tree, _name(right, left, values))
        case Constant(), Named():
            return Comparison(operator, _name(left, right, values), right.tree)
        case _:
            raise mismatch(left, right, place)


def _name(constant: Constant, named: Named, values: Values) -> Parameter:
    return values.parameter(constant, member_name(constant, named.enumeration), named.enumeration)


def _common_kind(left: Operand, right: Operand) -> Kind | None:
    a = natural_kind(right if isinstance(left, Open) else left)
    b = natural_kind(left if isinstance(right, Open) else right)
    if isinstance(left, Open) or isinstance(right, Open):
        return _kind_of_open(a, left, right)
    if a in NUMBERS and b in NUMBERS:
        return "Edm.Int64" if a == b == "Edm.Int64" else "Edm.Double"
    if a in TIMES and b in TIMES and a != b:
        return "Edm.DateTimeOffset"
    return a if a == b else None


def _kind_of_open(kind: Kind | None, *operands: Operand) -> Kind | None:
    """Return the kind in which a member that no type declares is read beside another operand."""
    if kind == "Edm.Int64":
        return "Edm.Double"
    is_date = any(isinstance(operand, Constant) and operand.kind == "date" for operand in operands)
    return "Edm.DateTimeOffset" if is_date else kind


def _list_kind(left: Operand, items: list[Constant]) -> Kind | None:
    """Return the kind in which an operand and the items of a list meet; what does not fit is found later."""
    if isinstance(left, Open):
        return _kind_of_open(natural_kind(items[0]), *items)
    kinds = {natural_kind(left), *map(natural_kind, items)}
    if kinds == NUMBERS:
        return "Edm.Double"
    return "Edm.DateTimeOffset" if kinds == TIMES else natural_kind(left)


def _item_value(left: Operand, constant: Constant, kind: Kind) -> Value:
    value = constant_value(constant, kind)
    if value is None:
        raise mismatch(left, constant, constant.place)
    return value
