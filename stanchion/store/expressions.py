"""Expressions that each database spells in its own way; the spelling of SQLite is the default."""

from collections.abc import Iterable, Mapping
from typing import cast

from sqlalchemy import Join, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from stanchion.model.json_text import dump_json
from stanchion.store.bodies import COMPRESS_OVER_BYTES, NO_TEXT, document_of

# In no other text of ours, and none that a database would understand.
_FILTER_PLACE = "(@filter)"


class BodyValue(FunctionElement[object]):
    """A scalar inside a body, at a path of declared names."""

    inherit_cache = False

    def __init__(
        self, body: ColumnElement[object], path: tuple[str, ...], *, tenant_id: ColumnElement[str]
    ) -> None:
        super().__init__(body, tenant_id)
        self.type = cast("TypeEngine[object]", Text())
        if not all(name.isidentifier() for name in path):
            raise ValueError(f"{path!r} is not a path of property names.")
        self.path = path


class AnyOf(FunctionElement[bool]):
    """Whether a text column equals one of an array: one parameter, however many values.

    SQLite gets the array as JSON text, PostgreSQL as `text[]`.
    """

    inherit_cache = False

    def __init__(self, column: ColumnElement[object], parameter: str) -> None:
        super().__init__(column, bindparam(parameter))


class LookedUp(Join):
    """A join in the order in which it is written: rows of the right are looked up for each row of the left.

    SQLite alone is asked so: knowing nothing of the left, it may go through all rows of the right instead.
    """

    inherit_cache = False


class PlainBody(FunctionElement[object]):
    """A body that is small; in place of another one what tells that it is missing (`NO_TEXT`)."""

    inherit_cache = False

    def __init__(self, body: ColumnElement[object]) -> None:
        super().__init__(body)


class BodyBytes(FunctionElement[object]):
    """How long a body is, which is not unpacked for it."""

    inherit_cache = False

    def __init__(self, body: ColumnElement[object]) -> None:
        super().__init__(body)


class Joined(FunctionElement[bytes]):
    """The texts of all rows in one value, in the order of the rows, with commas between them."""

    inherit_cache = False

    def __init__(self, text: ColumnElement[object]) -> None:
        super().__init__(text)


class FilterPlace(FunctionElement[bool]):
    """Where the condition of a filter will stand in a statement, among what must hold; `filled` puts it there."""

    inherit_cache = False


def filled(sql: str, condition: str) -> str:
    """Return the text of a statement with a condition in the one place that it has for it; raises ValueError.

    Whatever the condition is, it stands in brackets: what must hold besides holds of every row.
    """
    before, *after = sql.split(_FILTER_PLACE)
    if len(after) != 1:
        raise ValueError(f"No statement with one place for a filter: {sql}")
    return f"{before}({condition}){after[0]}"


def text_array(values: Iterable[object]) -> str:
    """Return the parameter of `AnyOf`, or of another array, as SQLite gets it."""
    return dump_json(list(values)).decode()


@compiles(FilterPlace)
def _filter_place(element: FilterPlace, compiler: SQLCompiler, **kw: object) -> str:  # noqa: ARG001 (they are SQLAlchemy's)
    return _FILTER_PLACE


@compiles(BodyValue)
def _sqlite_body_value(element: BodyValue, compiler: SQLCompiler, **kw: object) -> str:
    path = "".join(f'."{name}"' for name in element.path)
    body, tenant_id = (_process(compiler, clause, kw) for clause in element.clauses)
    return f"json_extract({document_of(body, tenant_id)}, '${path}')"


@compiles(BodyValue, "postgresql")
def _postgresql_body_value(element: BodyValue, compiler: SQLCompiler, **kw: object) -> str:
    path, (body, _) = ",".join(element.path), element.clauses
    return f"((CAST({_process(compiler, body, kw)} AS jsonb) #>> '{{{path}}}') COLLATE \"C\")"


@compiles(LookedUp)
def _sqlite_looked_up(element: LookedUp, compiler: SQLCompiler, **kw: object) -> str:
    return _joined(element, "CROSS JOIN", compiler, kw)


@compiles(LookedUp, "postgresql")
def _postgresql_looked_up(element: LookedUp, compiler: SQLCompiler, **kw: object) -> str:
    return _joined(element, "JOIN", compiler, kw)


@compiles(PlainBody)
def _sqlite_plain_body(element: PlainBody, compiler: SQLCompiler, **kw: object) -> str:
    body = _process(compiler, element.clauses, kw)
    missing = f"x'{NO_TEXT['sqlite'].hex()}'"
    return f"CASE WHEN length({body}) <= {COMPRESS_OVER_BYTES} THEN {body} ELSE {missing} END"


@compiles(PlainBody, "postgresql")
def _postgresql_plain_body(element: PlainBody, compiler: SQLCompiler, **kw: object) -> str:
    body = _process(compiler, element.clauses, kw)
    missing = f"chr({NO_TEXT['postgresql'][0]})"
    return f"CASE WHEN octet_length({body}) <= {COMPRESS_OVER_BYTES} THEN {body} ELSE {missing} END"


@compiles(BodyBytes)
def _sqlite_body_bytes(element: BodyBytes, compiler: SQLCompiler, **kw: object) -> str:
    return f"body_bytes({_process(compiler, element.clauses, kw)})"


@compiles(BodyBytes, "postgresql")
def _postgresql_body_bytes(element: BodyBytes, compiler: SQLCompiler, **kw: object) -> str:
    return f"octet_length({_process(compiler, element.clauses, kw)})"


@compiles(Joined)
def _sqlite_joined(element: Joined, compiler: SQLCompiler, **kw: object) -> str:
    return f"CAST(group_concat({_process(compiler, element.clauses, kw)}, ',') AS BLOB)"


@compiles(Joined, "postgresql")
def _postgresql_joined(element: Joined, compiler: SQLCompiler, **kw: object) -> str:
    # The rows come in the order of the subquery, for nothing but this stands around it.
    return f"string_agg({_process(compiler, element.clauses, kw)}, ',')"


@compiles(AnyOf)
def _sqlite_any_of(element: AnyOf, compiler: SQLCompiler, **kw: object) -> str:
    column, array = (_process(compiler, clause, kw) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({array}))"  # noqa: S608 (both parts are compiled expressions)


@compiles(AnyOf, "postgresql")
def _postgresql_any_of(element: AnyOf, compiler: SQLCompiler, **kw: object) -> str:
    column, array = (_process(compiler, clause, kw) for clause in element.clauses)
    return f"{column} = ANY (CAST({array} AS text[]))"


def _joined(element: LookedUp, join: str, compiler: SQLCompiler, kw: Mapping[str, object]) -> str:
    left, right, on = (
        _process(compiler, part, kw) for part in (element.left, element.right, element.onclause)
    )
    return f"{left} {join} {right} ON {on}"


def _process(compiler: SQLCompiler, element: object, options: Mapping[str, object]) -> str:
    return compiler.process(cast("ColumnElement[object]", element), **options)
