"""Calculations in doubles that give the same on every database and never fail.

- As IEEE 754 has it, but that a division by zero and what is no number (infinity less infinity) are null.
- What is beyond the largest double is infinite, what is below the smallest is 0. SQLite does so by itself; PostgreSQL
  fails, so that it asks first whether it would.
- `quotient` divides whole numbers and drops the fraction, within 64 bits. `mod` is what is left then; null where the
  quotient is beyond 2**53, above which doubles skip whole numbers.
"""

from stanchion.store.spelling import Spelled, Sql

# In PostgreSQL a number with a point is a decimal, unless it is said to be a double.
_INFINITY, _NAN = "CAST('Infinity' AS double precision)", "CAST('NaN' AS double precision)"
_LARGEST = "CAST('1.7976931348623157e308' AS double precision)"
_SMALLEST = "CAST('4.9406564584124654e-324' AS double precision)"
_MOST_WHOLE = "CAST('9223372036854775807' AS double precision)"
_EXACT = "9007199254740992.0"

_INFINITE = f"abs(a) = {_INFINITY} OR abs(b) = {_INFINITY}"
_SIGN = "sign(a) * sign(b)"
# First of all: what compares with null is neither true nor false, and would lead on to cases that are not meant.
_NULL = "WHEN a IS NULL OR b IS NULL THEN NULL"

_SUM = (
    f"WHEN {_INFINITE} THEN NULLIF(a + b, {_NAN})",
    "WHEN a > 0 AND b < 0 OR a < 0 AND b > 0 THEN a + b",
    f"WHEN abs(a) > {_LARGEST} - abs(b) THEN sign(a) * {_INFINITY}",
    "ELSE a + b",
)
_PRODUCT = (
    f"WHEN {_INFINITE} THEN NULLIF(a * b, {_NAN})",
    f"WHEN abs(a) > 1 AND abs(b) > {_LARGEST} / abs(a) THEN {_SIGN} * {_INFINITY}",
    "WHEN a = 0 OR b = 0 THEN 0",
    f"WHEN abs(a) < 1 AND abs(b) < {_SMALLEST} / abs(a) THEN 0",
    "ELSE a * b",
)
_DIVISION = (
    "WHEN b = 0 THEN NULL",
    f"WHEN {_INFINITE} THEN NULLIF(a / b, {_NAN})",
    f"WHEN abs(b) < 1 AND abs(a) > {_LARGEST} * abs(b) THEN {_SIGN} * {_INFINITY}",
    f"WHEN abs(b) > 1 AND abs(a) < {_SMALLEST} * abs(b) THEN 0",
    "ELSE a / b",
)
_QUOTIENT = (
    f"WHEN b = 0 OR abs(a) = {_INFINITY} AND abs(b) = {_INFINITY} THEN NULL",
    "WHEN abs(a) < abs(b) THEN 0",
    f"WHEN abs(a) / {_MOST_WHOLE} > abs(b) THEN {_SIGN} * {_MOST_WHOLE}",
    "ELSE trunc(a / b)",
)
_REMAINDER = (
    "WHEN b = 0 THEN NULL",
    "WHEN abs(b) > abs(a) THEN a",
    f"WHEN abs(a) > {_EXACT} OR abs(a) > {_EXACT} * abs(b) THEN NULL",
)


def _sqlite(*cases: str) -> str:
    return f"(SELECT CASE {_NULL} {' '.join(cases)} END FROM (SELECT @0 AS a, @1 AS b) AS pair)"


def _postgresql(*cases: str, b: str = "@1") -> str:
    """Write a choice between cases, in which a and b are the operands, each calculated once."""
    return f"(SELECT CASE {_NULL} {' '.join(cases)} END FROM (SELECT @0 AS a, {b} AS b OFFSET 0) AS pair)"


_SPELLINGS: dict[str, tuple[str, str | None]] = {
    "add": ("(@0 + @1)", _postgresql(*_SUM)),
    "sub": ("(@0 - @1)", _postgresql(*_SUM, b="-(@1)")),
    "mul": ("(@0 * @1)", _postgresql(*_PRODUCT)),
    "div": ("(@0 / @1)", _postgresql(*_DIVISION)),
    "quotient": ("CAST(CAST(@0 / @1 AS INTEGER) AS REAL)", _postgresql(*_QUOTIENT)),
    "mod": (
        _sqlite(*_REMAINDER, "ELSE a - b * CAST(a / b AS INTEGER)"),
        _postgresql(*_REMAINDER, "ELSE a - b * trunc(a / b)"),
    ),
    "minus": ("(-@0)", None),
}


def calculation(operator: str, *operands: Sql) -> Spelled:
    """Return the value of a calculation; the operands are doubles."""
    sqlite, postgresql = _SPELLINGS[operator]
    return Spelled(sqlite, postgresql, of=operands)
