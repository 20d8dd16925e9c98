"""A filter's tree as a condition in SQL: the database evaluates every part of it.

- What needs the body's JSON comes after what columns tell, and reads the body once for each row.
- Literals are the parameters filter_0, filter_1 ..., the time of the request is filter_now; a list is one parameter.
- A condition is written as text, for to describe one and to compile it costs a hundred times as much. It goes, in
  brackets, into the place that a `FilterPlace` has left in a statement, which was judged by the guard and compiled
  without it: there it can only leave rows out, as it reads no table (0032). `terms` says why nothing of a caller's is
  in it.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from sqlalchemy import Table

from stanchion.odata.filter import tree
from stanchion.odata.filter.tree import Filter, Scalar
from stanchion.store.compile import Compiled, DialectName
from stanchion.store.expressions import filled
from stanchion.store.members import with_document
from stanchion.store.spelling import written
from stanchion.store.terms import NOW, parameter_name, term

Array: TypeAlias = Callable[[Iterable[object]], object]
"""What makes a parameter of several values, as a connection does."""

_PARAMETER = re.compile(r":(filter_\w+)")


class Unfilled(NamedTuple):
    """A statement that has a place for a filter, and is none until that is filled."""

    compiled: Compiled


def asked_by(unfilled: Unfilled, asked: Scalar, table: Table, dialect: DialectName) -> Compiled:
    """Return a statement with a filter in its place, whose parameters come after those that it had."""
    statement, text = unfilled.compiled, conditions(asked, table, dialect)
    if dialect == "sqlite":
        names = dict.fromkeys([*statement.parameters, *_PARAMETER.findall(text)])
        return Compiled(filled(statement.sql, text), tuple(names))
    places = {name: place for place, name in enumerate(statement.parameters, start=1)}
    by_place = _PARAMETER.sub(lambda match: f"${places.setdefault(match[1], len(places) + 1)}", text)
    return Compiled(filled(statement.sql, by_place), tuple(places))


def conditions(asked: Scalar, table: Table, dialect: DialectName) -> str:
    """Return what must hold of a row: first what its columns tell, then one condition on its body, if it has any."""
    terms = [term(each, table, dialect) for each in _terms(asked)]
    found = [each.beside for each in terms if not each.reads_body]
    if of_body := [each for each in terms if each.reads_body]:
        condition = of_body[0].alone if len(of_body) == 1 else _all_of(each.beside for each in of_body)
        found.append(written(with_document(table.name, condition), dialect))
    return _all_of(found)


def reads_bodies(asked: Scalar, table: Table, dialect: DialectName) -> bool:
    """Whether a filter asks for what the columns do not tell."""
    return any(term(each, table, dialect).reads_body for each in _terms(asked))


def filter_parameters(asked: Filter, *, now_ticks: int, array: Array) -> dict[str, object]:
    """Return the parameters of a filter, of which a list is one that `array` makes."""
    values = {
        parameter_name(number): array(value) if isinstance(value, tuple) else value
        for number, value in enumerate(asked.values)
    }
    return {**values, NOW: now_ticks}


def _all_of(texts: Iterable[str]) -> str:
    return " AND ".join(texts)


def _terms(asked: Scalar) -> tuple[Scalar, ...]:
    return asked.terms if isinstance(asked, tree.Logic) and asked.operator == "and" else (asked,)
