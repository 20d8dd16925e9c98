"""The guard of tenancy: no statement touches a tenant-owned table without saying which tenant.

- SELECT, UPDATE, DELETE: each tenant-owned table or alias needs `tenant_id = :tenant_id` among the predicates
  that must all hold, in the very select that names it.
- UPDATE and DELETE name no other table than their own, and nothing moves a row to another tenant.
- INSERT gives `tenant_id` a value, and reads no other table.
- Text that the guard cannot read (`text()`, literal columns beyond constants) is refused.
"""

import re
from collections.abc import Iterator

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    ClauseElement,
    Delete,
    FromClause,
    Insert,
    Join,
    Select,
    Table,
    TextClause,
    Update,
)
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BooleanClauseList, ColumnClause, ColumnElement
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromGrouping, ReturnsRows

from stanchion.store.expressions import AnyOf
from stanchion.store.tables import TENANT_OWNED

_CONSTANT = re.compile(r"\*|\d+|'\w*'", re.ASCII)


class UnscopedStatement(Exception):
    """A statement would reach the rows of more than one tenant: a bug, stopped before it runs."""


def require_scope(statement: ClauseElement) -> None:
    """Raise UnscopedStatement unless every part of the statement names its tenant."""
    for element in visitors.iterate(statement):
        match element:
            case TextClause():
                raise UnscopedStatement(f"Text cannot be judged: {element}")
            case ColumnClause(is_literal=True) if not _CONSTANT.fullmatch(element.name):
                raise UnscopedStatement(f"Literal SQL cannot be judged: {element.name}")
            case Select():
                for source in element.get_final_froms():
                    _require_predicates(source, element.whereclause)
            case Update():
                _require_alone(element)
                _require_predicates(element.table, element.whereclause)
                _require_stay(element)
            case Delete():
                _require_alone(element)
                _require_predicates(element.table, element.whereclause)
            case Insert():
                _require_value(element)
                _require_stay(element)
            case _:
                pass


def _require_alone(statement: Update | Delete) -> None:
    for element in visitors.iterate(statement):
        table = element.table if isinstance(element, ColumnClause) else element
        # To SQLAlchemy every function is a table too; this one compares a column with a parameter.
        if isinstance(table, FromClause) and table is not statement.table and not isinstance(table, AnyOf):
            raise UnscopedStatement(f"{table.description} stands in a statement that writes another table.")


def _require_stay(statement: Insert | Update) -> None:
    if not _is_tenant_owned(statement.table):
        return
    assigned: list[object] = []
    if isinstance(statement, Update):
        # Nothing public tells them. An UPDATE without any gets all columns.
        assigned += statement._values or statement.table.columns  # noqa: SLF001
    for element in visitors.iterate(statement):
        # What ON CONFLICT overwrites; each dialect has a class of its own for it.
        assigned += dict(getattr(element, "update_values_to_set", ()))
    if any(getattr(column, "name", column) == "tenant_id" for column in assigned):
        raise UnscopedStatement(f"A row of {statement.table.description} may not move to another tenant.")


def _require_predicates(source: FromClause, where: ColumnElement[bool] | None) -> None:
    scoped = {id(table) for table in _scoped_tables(where)}
    for table in _tables(source):
        if _is_tenant_owned(table) and id(table) not in scoped:
            raise UnscopedStatement(f"{table.description} lacks the predicate tenant_id = :tenant_id.")


def _require_value(statement: Insert) -> None:
    if statement.table.name in TENANT_OWNED and (
        statement.select is not None or "tenant_id" not in statement.compile().params
    ):
        raise UnscopedStatement(f"An INSERT into {statement.table.name} gives tenant_id no value.")


def _tables(source: FromClause) -> Iterator[FromClause]:
    match source:
        case Join():
            yield from _tables(source.left)
            yield from _tables(source.right)
        case FromGrouping():  # A join in brackets, on the right of another one.
            yield from _tables(source.element)
        case _:
            yield source


def _is_tenant_owned(source: FromClause) -> bool:
    element: ReturnsRows = source
    while isinstance(element, AliasedReturnsRows):
        element = element.element
    return isinstance(element, Table) and element.name in TENANT_OWNED


def _scoped_tables(where: ColumnElement[bool] | None) -> Iterator[FromClause]:
    match where:
        case BooleanClauseList(operator=operators.and_):
            for clause in where.clauses:
                yield from _scoped_tables(clause)
        case BinaryExpression(
            operator=operators.eq,
            left=ColumnClause(name="tenant_id", table=FromClause() as table),
            right=BindParameter(key="tenant_id"),
        ):
            yield table
        case _:
            pass
