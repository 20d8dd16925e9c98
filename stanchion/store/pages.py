"""The statements of lists: a page of a set in its order, and the count of its entities.

- A page goes on after the order keys of the row before it (keyset paging), so that no row is read twice and
  rows written meanwhile move nothing.
- Text sorts by its first 256 characters, so that the keys of a row fit into a link whatever they hold.
- Null is lower than any value, on every database (OData 4.01 Protocol 11.2.6.2).
- Every order ends in the id, by which bodies are looked up that are read later than their keys.
- A filter is a further condition; its statements are kept apart, so that whoever varies filters without end pushes
  out nothing but filters.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace
from sqlalchemy import Select, Table, bindparam, case, false, func, literal_column, or_, select
from sqlalchemy.sql.elements import ColumnElement, UnaryExpression

from stanchion.model.edm import EntitySet
from stanchion.model.text import folded
from stanchion.odata.filter.tree import Scalar
from stanchion.odata.query import IdKey, KeyValue, ListQuery, MicrosoftFirst, OrderKey, PropertyKey
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.conditions import Array, Unfilled, asked_by, filter_parameters, reads_bodies
from stanchion.store.expressions import (
    AnyOf,
    BodyBytes,
    BodyValue,
    FilterPlace,
    Joined,
    PlainBody,
    text_array,
)
from stanchion.store.tables import ENTITY_TABLES

# A shape is an entity set, an order and the nulls of the row before: a few hundred in practice.
SHAPES_KEPT = 512
# And filters without their literals. Most take some 2 KB, the largest some 500, with what the database makes of it.
FILTERS_KEPT = 256

_FIRST: ColumnElement[int] = literal_column("1")
# Characters of a text that its rows are sorted by; shared among the texts of an order, so that the link to the
# next page, which holds them, stays well under the longest address that is read.
_SORTED_CHARACTERS, _SHARED_CHARACTERS = 256, 512


class _Shape(NamedTuple):
    """What the text of a statement depends on; `nulls` tells which keys of the row before the page are null."""

    entity_set: EntitySet
    order: tuple[OrderKey, ...]
    nulls: tuple[bool, ...] | None
    limited: bool  # to one provider
    filtered: bool


_Description: TypeAlias = Callable[[_Shape], Select[*tuple[object, ...]]]


def page_statement(query: ListQuery, *, dialect: DialectName = "sqlite") -> Compiled:
    """Return the statement of a page, a row for each body: it, then the order keys.

    Its parameters, like those of the next two, are tenant_id, limit, skip, key_0, key_1 ... for the values of
    `query.after`, provider where the query has one, and those of its filter.
    """
    return _statement(_page, query, dialect)


def joined_statement(query: ListQuery, *, dialect: DialectName = "sqlite") -> Compiled:
    """Return the statement of a page in one row: how many bodies it has, and all of them in one value.

    Each row costs the driver as much as SQLite, and lets other threads interrupt.
    """
    return _statement(_joined, query, dialect)


def keys_statement(query: ListQuery, *, dialect: DialectName = "sqlite") -> Compiled:
    """Return the statement of the order keys of rows, without their bodies."""
    return _statement(_page_keys, query, dialect)


def plan_statement(query: ListQuery, *, dialect: DialectName = "sqlite") -> Compiled:
    """Return the statement of a page without its bodies, a row for each: its bytes, then the order keys."""
    return _statement(_plan, query, dialect)


def named_statement(query: ListQuery, *, dialect: DialectName = "sqlite") -> Compiled:
    """Return the statement of those of some bodies that are of the query still, in any order: ids and bodies.

    Its parameters are ids, an array, and those of a count.
    """
    return _statement(_named, replace(query, order=(IdKey(),), after=None), dialect)


def sorts_bodies(order: Sequence[OrderKey]) -> bool:
    """Whether an order depends on what is in the bodies alone: no index has it, and all of them are read for it."""
    return any(isinstance(key, PropertyKey) and key.column is None for key in order)


def filters_bodies(entity_set: EntitySet, asked: Scalar, *, dialect: DialectName = "sqlite") -> bool:
    """Whether a filter asks for what is in the bodies alone: each of them is read for it."""
    return reads_bodies(asked, ENTITY_TABLES[entity_set.name], dialect)


def page_parameters(
    query: ListQuery, *, tenant_id: str, limit: int, skip: int, array: Array = text_array
) -> dict[str, object]:
    """Return the parameters of so many rows of a list, after some that are skipped; `array` is the connection's."""
    keys = {f"key_{place}": value for place, value in enumerate(query.after or ())}
    return {**count_parameters(query, tenant_id=tenant_id, array=array), "limit": limit, "skip": skip, **keys}


def count_parameters(query: ListQuery, *, tenant_id: str, array: Array = text_array) -> dict[str, object]:
    """Return the parameters of a count; `array` is the connection's."""
    parameters: dict[str, object] = {"tenant_id": tenant_id}
    if query.provider is not None:
        parameters["provider"] = folded(query.provider)
    if query.filter is not None:
        parameters |= filter_parameters(query.filter, now_ticks=query.now_ticks, array=array)
    return parameters


def last_key(query: ListQuery, values: Sequence[KeyValue]) -> tuple[KeyValue, ...]:
    """Return the order keys of a row as values of their types; SQLite has no Booleans of its own."""
    return tuple(
        bool(value) if value is not None and _is_boolean(key) else value
        for key, value in zip(query.order, values, strict=True)
    )


@lru_cache(maxsize=SHAPES_KEPT)
def count_statement(
    entity_set: EntitySet, *, limited: bool = False, dialect: DialectName = "sqlite"
) -> Compiled:
    """Return the statement that counts the entities of a set, those of one provider where `limited`.

    Its parameters are tenant_id and, where limited, provider.
    """
    return compile_statement(_count(entity_set, limited=limited), dialect)


@lru_cache(maxsize=SHAPES_KEPT)
def _unfilled_count(entity_set: EntitySet, *, limited: bool, dialect: DialectName) -> Unfilled:
    return Unfilled(compile_statement(_count(entity_set, limited=limited).where(FilterPlace()), dialect))


@lru_cache(maxsize=FILTERS_KEPT)
def filtered_count_statement(
    entity_set: EntitySet, asked: Scalar, *, limited: bool = False, dialect: DialectName = "sqlite"
) -> Compiled:
    """Return the statement that counts the entities for which a filter holds; its parameters are further ones."""
    unfilled = _unfilled_count(entity_set, limited=limited, dialect=dialect)
    return asked_by(unfilled, asked, ENTITY_TABLES[entity_set.name], dialect)


def _count(entity_set: EntitySet, *, limited: bool) -> Select[int]:
    table = ENTITY_TABLES[entity_set.name]
    statement = select(func.count()).select_from(table).where(table.c.tenant_id == bindparam("tenant_id"))
    if limited:
        statement = statement.where(is_of_provider(table))
    return statement


def _shape(query: ListQuery) -> _Shape:
    nulls = None if query.after is None else tuple(value is None for value in query.after)
    limited, filtered = query.provider is not None, query.filter is not None
    return _Shape(query.entity_set, query.order, nulls, limited, filtered)


def _statement(describe: _Description, query: ListQuery, dialect: DialectName) -> Compiled:
    shape = _shape(query)
    if query.filter is None:
        return _plain_statement(describe, shape, dialect)
    return _filtered_statement(describe, shape, query.filter.tree, dialect)


# Five descriptions of each shape.
@lru_cache(maxsize=5 * SHAPES_KEPT)
def _plain_statement(describe: _Description, shape: _Shape, dialect: DialectName) -> Compiled:
    return compile_statement(describe(shape), dialect)


@lru_cache(maxsize=5 * SHAPES_KEPT)
def _unfilled_statement(describe: _Description, shape: _Shape, dialect: DialectName) -> Unfilled:
    return Unfilled(compile_statement(describe(shape), dialect))


@lru_cache(maxsize=FILTERS_KEPT)
def _filtered_statement(
    describe: _Description, shape: _Shape, asked: Scalar, dialect: DialectName
) -> Compiled:
    unfilled = _unfilled_statement(describe, shape, dialect)
    return asked_by(unfilled, asked, ENTITY_TABLES[shape.entity_set.name], dialect)


def _page(shape: _Shape) -> Select[*tuple[object, ...]]:
    table = ENTITY_TABLES[shape.entity_set.name]
    return _rows(shape, table.c.body, *(key.label(None) for key in _keys(shape)))


def _joined(shape: _Shape) -> Select[int, bytes]:
    # An aggregate sees the rows of a subquery in the order that its LIMIT needs.
    body: ColumnElement[object] = PlainBody(ENTITY_TABLES[shape.entity_set.name].c.body).label("body")
    page = _rows(shape, body).subquery("page")
    return select(func.count(), Joined(page.c.body)).select_from(page)


def _page_keys(shape: _Shape) -> Select[*tuple[object, ...]]:
    return _rows(shape, *(key.label(None) for key in _keys(shape)))


def _plan(shape: _Shape) -> Select[*tuple[object, ...]]:
    size: ColumnElement[object] = BodyBytes(ENTITY_TABLES[shape.entity_set.name].c.body)
    return _rows(shape, size, *(key.label(None) for key in _keys(shape)))


def _named(shape: _Shape) -> Select[*tuple[object, ...]]:
    table = ENTITY_TABLES[shape.entity_set.name]
    statement = (
        select(table.c.id, table.c.body)
        .where(table.c.tenant_id == bindparam("tenant_id"))
        .where(AnyOf(table.c.id, "ids"))
    )
    return _asked(statement, shape)


def _rows(shape: _Shape, *columns: ColumnElement[object]) -> Select[*tuple[object, ...]]:
    """Describe the rows of a page in their order."""
    table, keys = ENTITY_TABLES[shape.entity_set.name], _keys(shape)
    statement = (
        select(*columns)
        .where(table.c.tenant_id == bindparam("tenant_id"))
        .order_by(*(_ordering(key, by=shape.order[place]) for place, key in enumerate(keys)))
        .limit(bindparam("limit"))
        .offset(bindparam("skip"))
    )
    if shape.nulls is not None:
        statement = statement.where(_after(keys, shape.order, shape.nulls))
    return _asked(statement, shape)


def _asked(statement: Select[*tuple[object, ...]], shape: _Shape) -> Select[*tuple[object, ...]]:
    """Leave of the rows those that are seen and asked for."""
    table = ENTITY_TABLES[shape.entity_set.name]
    if shape.limited:
        statement = statement.where(is_of_provider(table))
    return statement.where(FilterPlace()) if shape.filtered else statement


def _keys(shape: _Shape) -> list[ColumnElement[object]]:
    characters = _characters(shape.order)
    return [
        _expression(key, ENTITY_TABLES[shape.entity_set.name], characters=characters) for key in shape.order
    ]


def is_of_provider(table: Table) -> ColumnElement[bool]:
    """Describe that a row is of the provider in the parameter of this name, A to Z in lower case."""
    return func.lower(table.c.vendor_information_provider) == bindparam("provider")


def _characters(order: Sequence[OrderKey]) -> ColumnElement[int]:
    texts = sum(isinstance(key, PropertyKey) and key.type.name == "Edm.String" for key in order)
    return literal_column(str(min(_SORTED_CHARACTERS, _SHARED_CHARACTERS // max(texts, 1))))


def _expression(key: OrderKey, table: Table, *, characters: ColumnElement[int]) -> ColumnElement[object]:
    match key:
        case IdKey():
            return table.c.id
        case MicrosoftFirst():
            is_microsoft = (
                func.lower(table.c.vendor_information_vendor) == literal_column("'microsoft'")
            ) & (func.lower(table.c.vendor_information_provider) == literal_column("'securescore'"))
            return case((is_microsoft, literal_column("0")), else_=literal_column("1"))
        case PropertyKey(path, kind, column):
            value = (
                BodyValue(table.c.body, path, tenant_id=table.c.tenant_id)
                if column is None
                else table.c[column]
            )
            return func.substr(value, _FIRST, characters) if kind.name == "Edm.String" else value


def _ordering(expression: ColumnElement[object], *, by: OrderKey) -> UnaryExpression[object]:
    if _descends(by):
        return expression.desc().nulls_last() if _may_be_null(by) else expression.desc()
    return expression.asc().nulls_first() if _may_be_null(by) else expression.asc()


def _after(
    keys: Sequence[ColumnElement[object]], order: Sequence[OrderKey], nulls: Sequence[bool]
) -> ColumnElement[bool]:
    """Return the predicate of the rows after one row: beyond it in some key, equal to it in all before."""
    last = len(keys) - 1
    # Nothing is put around the last key, so that where it is the only one an index leads to the first row.
    rest = _beyond(keys[last], order[last], place=last, null=nulls[last])

    def beyond(rest: ColumnElement[bool], place: int) -> ColumnElement[bool]:
        equal = keys[place].is_(None) if nulls[place] else keys[place] == bindparam(f"key_{place}")
        return or_(_beyond(keys[place], order[place], place=place, null=nulls[place]), equal & rest)

    return reduce(beyond, reversed(range(last)), rest)


def _beyond(
    expression: ColumnElement[object], key: OrderKey, *, place: int, null: bool
) -> ColumnElement[bool]:
    if _descends(key):
        if null:
            return false()
        lower = expression < bindparam(f"key_{place}")
        return lower | expression.is_(None) if _may_be_null(key) else lower
    return expression.is_not(None) if null else expression > bindparam(f"key_{place}")


def _descends(key: OrderKey) -> bool:
    return not isinstance(key, MicrosoftFirst) and key.descending


def _may_be_null(key: OrderKey) -> bool:
    return isinstance(key, PropertyKey)


def _is_boolean(key: OrderKey) -> bool:
    return isinstance(key, PropertyKey) and key.type.name == "Edm.Boolean"
