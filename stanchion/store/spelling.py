"""SQL that each database spells in its own way, written out for both side by side.

`@0`, `@1` ... stand for the operands, each wherever it is needed; a spelling can stand anywhere as it is, in brackets
where it needs them. What is written around the operands is constant and ours, but for the names of members, which are
checked to be names.
"""

import re
from typing import TypeAlias

import msgspec

from stanchion.store.compile import DialectName

_OPERAND = re.compile(r"@(\d)")


class Spelled(msgspec.Struct, frozen=True):
    """An expression and its operands; one spelling serves both databases where only one is given."""

    sqlite: str
    postgresql: str | None = None
    of: "tuple[Sql, ...]" = ()


Sql: TypeAlias = str | Spelled
"""An expression: as the database at hand has it, or as each would."""


def written(sql: Sql, dialect: DialectName) -> str:
    """Return an expression as one database has it."""
    if isinstance(sql, str):
        return sql
    spelling = sql.sqlite if dialect == "sqlite" or sql.postgresql is None else sql.postgresql
    if not sql.of:
        return spelling
    operands = [written(each, dialect) for each in sql.of]
    return _OPERAND.sub(lambda match: operands[int(match[1])], spelling)
