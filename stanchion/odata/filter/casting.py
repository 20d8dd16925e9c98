"""`cast` of a literal to a primitive type: `cast('2026-01-31',Edm.Date)` is the date (OData 4.01 URL 5.1.1.10.1).

- A string is read as a literal of the type would be; a number becomes a double or, where it is whole, an integer.
- A string that cannot be read so and a number beyond the type are null. A type that there is not is refused.
- Only literals are cast, in the text or in an alias, and none but strings to a type that says less than theirs.
"""

from msgspec.structs import replace

from stanchion.errors import BadRequest
from stanchion.model.wording import did_you_mean
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
# The whole numbers of the types that have fewer than literals can say.
_RANGES: dict[str, range] = {
    "Edm.Byte": range(2**8),
    "Edm.SByte": range(-(2**7), 2**7),
    "Edm.Int16": range(-(2**15), 2**15),
    "Edm.Int32": range(-(2**31), 2**31),
}
_NOT_OFFERED = frozenset({"Edm.Binary", "Edm.Duration", "Edm.Guid", "Edm.TimeOfDay"})


def cast_literal(operand: Expression, kind: Token, *, place: int) -> Constant:
    """Return a literal as one of another type, null where it fails.

    Raises BadRequest for a type that there is not, and NotImplementedFeature for what else OData casts.
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
    if constant.kind in allowed and _within(constant, kind.text):
        return replace(constant, place=operand.place)
    if operand.kind not in {"string", "null", *allowed}:
        raise not_offered(f"'cast' of {operand.text[:80]} to {kind.text}", place)
    return Constant(operand.place, "null", None, "null")


def _within(constant: Constant, kind: str) -> bool:
    return kind not in _RANGES or constant.value in _RANGES[kind]


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
