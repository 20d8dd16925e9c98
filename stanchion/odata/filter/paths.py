"""Paths of a filter, found in the entity data model.

- A path begins at the entity (`$it` may say so) or at the variable of a lambda around it.
- An undeclared name of the entity, though its type is open, is refused: a typo must not look like an empty answer.
  Inside open complex values any name may be used.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from stanchion.errors import BadRequest
from stanchion.model.edm import Collection, EntitySet, Enumeration, Item, Primitive, StructuredType, type_name
from stanchion.model.wording import declared_ones, shown
from stanchion.odata.filter.literals import not_offered
from stanchion.odata.filter.operands import Many, Named, Open, Operand, Settled, Structured
from stanchion.odata.filter.syntax import Name, Path
from stanchion.odata.filter.tokens import refused
from stanchion.odata.filter.tree import Column, Element, Entity, Kind, Member, Source

_THE_ENTITY = "$it"


class Variable(msgspec.Struct, frozen=True):
    """The element at hand in a lambda; `item` is None where no type declares it."""

    element: Element
    item: Item | None


Scope: TypeAlias = Mapping[str, Variable]


class _Reached(msgspec.Struct, frozen=True):
    """Where a path has led so far; `type` is None where no type declares it."""

    source: Source
    path: tuple[str, ...]
    type: Item | Collection | None


def operand_at(path: Path, entity_set: EntitySet, scope: Scope) -> Operand:
    """Return what a path leads to; raises BadRequest naming the first name at fault."""
    first, *rest = path.names
    variable = scope.get(first.text)
    if variable is not None:
        reached = _Reached(variable.element, (), variable.item)
    else:
        reached = _Reached(Entity(), (), entity_set.type)
        if first.text != _THE_ENTITY:
            rest = [first, *rest]
    before = first
    for name in rest:
        reached = _step(reached, name, before=before)
        before = name
    return _operand(path, reached, entity_set)


def operand_of(path: Path, variable: Variable, entity_set: EntitySet) -> Operand:
    """Return the element at hand, of the collection at a path."""
    return _operand(path, _Reached(variable.element, (), variable.item), entity_set)


def _step(reached: _Reached, name: Name, *, before: Name) -> _Reached:
    path = (*reached.path, name.text)
    match reached.type:
        case None:
            _check_open_name(name)
            return _Reached(reached.source, path, None)
        case StructuredType() as kind:
            prop = kind.by_name.get(name.text)
            if prop is not None:
                return _Reached(reached.source, path, prop.type)
            _check_open_name(name)
            if kind.is_entity or not kind.is_open:
                raise _unknown(kind, name)
            return _Reached(reached.source, path, None)
        case Collection():
            fault = f"{shown(before.text)} is a collection; ask about its elements with any or all"
            raise refused(f"{fault}, as in {before.text}/any(x:x/{name.text} eq ...)", name.place)
        case kind:
            fault = f"{shown(before.text)} is of type {type_name(kind)}, which has no parts"
            raise refused(fault, name.place)


def _check_open_name(name: Name) -> None:
    if name.text.lower().startswith(("microsoft.graph.", "graph.", "$")):
        raise not_offered(f"The segment {shown(name.text)}", name.place)
    if not name.text.isidentifier():
        raise refused(f"{shown(name.text)} is no name of a property", name.place)


def _unknown(kind: StructuredType, name: Name) -> BadRequest:
    fault = f"Could not find a property named {shown(name.text)} on type 'microsoft.graph.{kind.name}'"
    return refused(fault, name.place, hint=declared_ones(name.text, kind.by_name))


def _operand(path: Path, reached: _Reached, entity_set: EntitySet) -> Operand:
    place, what = path.place, shown(path.text)
    match reached.type:
        case None:
            return Open(place, what, reached.source, reached.path)
        case StructuredType() as kind:
            return Structured(place, what, reached.source, reached.path, kind)
        case Collection(item):
            return Many(place, what, reached.source, reached.path, item)
        case Enumeration() as kind:
            return Named(place, what, _value(reached, "Edm.String", entity_set), kind)
        case Primitive() as kind:
            value = _value(reached, _kind(kind), entity_set)
            return Settled(place, what, value, value.kind, declared=kind.name)


def _value(reached: _Reached, kind: Kind, entity_set: EntitySet) -> Column | Member:
    if reached.source == Entity():
        if reached.path == ("id",):
            return Column("id", kind)
        for column in entity_set.columns:
            if column.path == reached.path:
                return Column(column.name, kind)
    return Member(reached.source, reached.path, kind, declared=True)


def _kind(primitive: Primitive) -> Kind:
    return "Edm.Int64" if primitive.name == "Edm.Int32" else primitive.name
