"""SQL that each database spells in its own way, written out for both side by side.

`@0`, `@1` ... stand for the operands, each wherever it is needed; a spelling can stand anywhere as it is, in brackets
where it needs them. What is written around the operands is constant and ours, but for the names of members, which are
checked to be names.
"""

import re
from typing import Any, TypeAlias

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

Sql: TypeAlias = ColumnElement[Any]
"""An expression; SQLAlchemy's type of a value says nothing of one that two databases write in two ways."""

_OPERAND = re.compile(r"@(\d)")


class Spelled(FunctionElement[Any]):
    """An expression and its operands; one spelling serves both databases where only one is given."""

    inherit_cache = False

    def __init__(self, sqlite: str, postgresql: str | None = None, *, of: tuple[Sql, ...] = ()) -> None:
        super().__init__(*of)
        self.sqlite, self.postgresql = sqlite, sqlite if postgresql is None else postgresql


@compiles(Spelled)
def _sqlite(element: Spelled, compiler: SQLCompiler, **kw: object) -> str:
    return _written(element.sqlite, element, compiler, kw)


@compiles(Spelled, "postgresql")
def _postgresql(element: Spelled, compiler: SQLCompiler, **kw: object) -> str:
    return _written(element.postgresql, element, compiler, kw)


def _written(spelling: str, element: Spelled, compiler: SQLCompiler, options: dict[str, object]) -> str:
    texts = [compiler.process(each, **options) for each in element.clauses]
    return _OPERAND.sub(lambda match: texts[int(match[1])], spelling)
