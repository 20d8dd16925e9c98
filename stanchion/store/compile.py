"""The compile seam: SQLAlchemy describes a statement, the driver gets text and parameters.

Compiling takes some 450 us and running a point read 20, so a statement is compiled once for each shape and
kept: the functions that build statements carry `lru_cache`. Values are parameters, never part of the text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import ClauseElement, Table, bindparam
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect, make_url

from stanchion.store.guard import require_scope

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

DialectName: TypeAlias = Literal["sqlite", "postgresql"]
# Each table that commands write, in each power of two that a batch is made of.
_ROW_COUNTS_KEPT = 256
# Citus finds the node of a tenant at once where the parameter stands by itself; the column's collation holds anyway.
_TENANT = re.compile(r'(\btenant_id = \$\d+)::VARCHAR COLLATE "C"')
_Spelling: TypeAlias = Literal["sqlite", "sqlite by place", "postgresql"]


@dataclass(frozen=True)
class Compiled:
    """A statement for a driver: its text, and its parameters in the order of their places."""

    sql: str
    parameters: tuple[str, ...]


def compile_statement(
    statement: ClauseElement, dialect: _Spelling = "sqlite", *, fleet: str | None = None
) -> Compiled:
    """Return the text of a statement that names its tenant.

    `fleet` gives the reason why a statement may read several tenants; it is written into the text. Raises
    UnscopedStatement for any other statement that does, and ValueError for a value where a parameter belongs.
    """
    if fleet is None:
        require_scope(statement)
    compiled = statement.compile(dialect=_dialect(dialect), compile_kwargs={"render_postcompile": True})
    if fixed := [name for name, value in compiled.params.items() if value is not None]:
        raise ValueError(f"Values stand where parameters belong: {', '.join(fixed)}.")
    names = getattr(compiled, "positiontup", None) or tuple(compiled.params)
    prefix = f"/* fleet: {fleet} */ " if fleet is not None else ""
    return Compiled(prefix + _TENANT.sub(r"\1::TEXT", str(compiled)), tuple(names))


def compile_for_rows(statement: ClauseElement, dialect: DialectName = "sqlite") -> Compiled:
    """Return the text of a statement that is run for many rows, each a tuple in the order of its parameters.

    SQLite's driver binds by place several times as fast as by name, and gives other threads no turn meanwhile.
    """
    return compile_statement(statement, "sqlite by place" if dialect == "sqlite" else dialect)


@lru_cache(maxsize=_ROW_COUNTS_KEPT)
def repeated(insert: Compiled, rows: int) -> str:
    """Return the text of an INSERT of one row, made for so many rows of SQLite, one after the other."""
    row = f"({', '.join('?' * len(insert.parameters))})"
    if insert.sql.count(f"VALUES {row}") != 1:
        raise ValueError(f"No INSERT of one row: {insert.sql}")
    return insert.sql.replace(f"VALUES {row}", f"VALUES {', '.join([row] * rows)}")


def upsert(table: Table, dialect: DialectName = "sqlite", *, only: Sequence[str] = ()) -> ClauseElement:
    """Describe an INSERT of a whole row that overwrites the row with the same primary key.

    Of a row that is known to be there, some columns `only` may be overwritten.
    """
    insert = sqlite.insert(table) if dialect == "sqlite" else _postgresql_insert(table)
    key = [column.name for column in table.primary_key]
    names = only or [column.name for column in table.columns if column.name not in key]
    if only:
        insert = insert.values({name: bindparam(name) for name in (*key, *only)})
    overwritten = {name: insert.excluded[name] for name in names}
    return insert.on_conflict_do_update(index_elements=key, set_=overwritten)


def _postgresql_insert(table: Table) -> "postgresql.Insert":
    # Loaded where PostgreSQL is used: it takes a tenth of the start of a server on SQLite.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


@cache
def _dialect(name: _Spelling) -> Dialect:
    if name == "sqlite":
        return sqlite.dialect(paramstyle="named")
    if name == "sqlite by place":
        return sqlite.dialect(paramstyle="qmark")
    # By its URL, so that nothing of asyncpg is loaded where SQLite serves.
    return make_url("postgresql+asyncpg://").get_dialect()()
