"""`cast` of a literal to a primitive type: `cast('2026-01-31',Edm.Date)` is the date (OData 4.01 URL 5.1.1.10.1).

- A string is read as a literal of the type would be; a number becomes a double or, where it is whole, an integer.
- What cannot be read so is refused and not null, which the standard has: a slip must not look like an empty answer.
- Only literals are cast; properties have one type each.
"""

from msgspec.structs import replace

from stanchion.errors import BadRequest
from stanchion.model.wording import did_you_mean, shown
from stanchion.odata.filter.literals import not_offered, number_constant, word_constant
from stanchion.odata.filter.syntax import Constant, Expression, LiteralKind
from stanchion.odata.filter.tokens import Token, refused

# The kinds of literals that each type takes.
_KINDS: dict[str, frozenset[LiteralKind]] = {
    "Edm.String": frozenset({"string"}),
    "Edm.Boolean": frozenset({"boolean"}),
    **dict.fromkeys(
        ("Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64"), frozenset[LiteralKind]({"integer"})
    ),
    **dict.fromkeys(
        ("Edm.Decimal", "Edm.Double", "Edm.Single"), frozenset[LiteralKind]({"integer", "double"})
    ),
    "Edm.Date": frozenset({"date"}),
    "Edm.DateTimeOffset": frozenset({"date", "instant"}),
}
_NOT_OFFERED = frozenset({"Edm.Binary", "Edm.Duration", "Edm.Guid", "Edm.TimeOfDay"})


def cast_literal(operand: Expression, kind: Token, *, place: int) -> Constant:
    """Return a literal as one of another type.

    Raises BadRequest for a type that there is not and for what is no literal of it, and NotImplementedFeature for
    what else OData casts.
    """
    allowed = _KINDS.get(kind.text)
    if kind.text in _NOT_OFFERED:
        raise not_offered(f"'cast' to {kind.text}", place)
    if not isinstance(operand, Constant):
        raise not_offered("'cast' of anything but a literal", place)
    if allowed is None:
        hint = did_you_mean(kind.text, _KINDS)
        raise refused(f"{kind.shown} is not a primitive type, such as Edm.Date", kind.place, hint=hint)
    constant = operand if operand.kind in allowed else _read(operand, kind.text)
    if constant.kind != "null" and constant.kind not in allowed:
        raise refused(f"{shown(operand.text)} cannot be cast to {kind.text}", operand.place)
    return replace(constant, place=operand.place)


def _read(operand: Constant, kind: str) -> Constant:
    """Return what a literal says when it is written as text, or read from it."""
    if operand.kind == "null":
        return operand
    if kind == "Edm.String":
        return Constant(operand.place, "string", operand.text, operand.text)
    token = Token("number", str(operand.value), operand.place)
    if operand.kind != "string" or not token.text:
        return operand
    try:
        return word_constant(token) or number_constant(token)
    except BadRequest:
        return operand
