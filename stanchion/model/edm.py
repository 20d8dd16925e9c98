"""The entity data model (EDM): types and sets, read from the struct classes of `entities`.

Source: OData CSDL 4.01. Type names are written as Graph writes them, with the alias `graph`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Literal, TypeAlias, cast

import msgspec
from msgspec import inspect

from stanchion.model import entities

PrimitiveName = Literal["Edm.String", "Edm.Boolean", "Edm.Int32", "Edm.Double", "Edm.DateTimeOffset"]
RootName = Literal["v1.0", "beta"]


@dataclass(frozen=True)
class Primitive:
    """A value without parts."""

    name: PrimitiveName


@dataclass(frozen=True)
class Enumeration:
    """A closed list of names, each with its number; not flags."""

    name: str
    description: str
    members: MappingProxyType[str, int]


@dataclass(frozen=True)
class Collection:
    """An ordered list, never null."""

    item: "Item"


@dataclass(frozen=True)
class Property:
    """One declared property of an entity or complex type."""

    name: str  # on the wire
    attribute: str  # in Python and SQL
    type: "Item | Collection"
    nullable: bool
    description: str
    indexed: bool

    @property
    def edm_type(self) -> str:
        """The type's name as CSDL writes it, such as `Collection(graph.controlScore)`."""
        return type_name(self.type)


@dataclass(frozen=True)
class StructuredType:
    """An entity or complex type and its properties in declared order, the key first."""

    name: str
    description: str
    properties: tuple[Property, ...]
    is_entity: bool
    is_open: bool

    @cached_property
    def by_name(self) -> MappingProxyType[str, Property]:
        """The properties by wire name."""
        return MappingProxyType({p.name: p for p in self.properties})


Item: TypeAlias = Primitive | Enumeration | StructuredType


@dataclass(frozen=True)
class Column:
    """A property that has a column: `path` leads to it in the body."""

    name: str
    path: tuple[str, ...]
    type: Primitive


@dataclass(frozen=True, eq=False)
class EntitySet:
    """A collection of entities: `/security/{name}` of each Graph root in `roots`, else the ledger's own.

    There is one object for each set, so that they compare and hash by identity.
    """

    name: str
    cls: type[entities.Entity]
    roots: tuple[RootName, ...]
    default_page_size: int = 100
    newest_first: bool = False  # by createdDateTime; else by id
    deprecated: bool = False

    @cached_property
    def type(self) -> StructuredType:
        """The entity type of the set's members."""
        return structured_type(self.cls)

    @cached_property
    def table_name(self) -> str:
        """The name of the table that holds the set, in snake_case."""
        return "".join("_" + c.lower() if c.isupper() else c for c in self.name)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the set's table beside `tenant_id`, `id`, `version` and `body`."""
        return tuple(_columns(self.type, path=(), prefix=""))


def type_name(kind: Item | Collection) -> str:
    """Return the name of a type as CSDL writes it."""
    match kind:
        case Primitive(name):
            return name
        case Collection(item):
            return f"Collection({type_name(item)})"
        case Enumeration() | StructuredType():
            return f"graph.{kind.name}"


@cache
def structured_type(cls: type[msgspec.Struct]) -> StructuredType:
    """Read a struct class; raises KeyError for a Python type that OData lacks."""
    info = cast("inspect.StructType", inspect.type_info(cls))
    is_entity = issubclass(cls, entities.Entity)
    return StructuredType(
        name=_lower_first(cls.__name__),
        description=_first_line(cls),
        properties=tuple(_property(field) for field in info.fields),
        is_entity=is_entity,
        is_open=is_entity or issubclass(cls, entities.OpenComplex),
    )


def _columns(kind: StructuredType, *, path: tuple[str, ...], prefix: str) -> Iterator[Column]:
    for prop in kind.properties:
        if isinstance(prop.type, StructuredType):
            yield from _columns(prop.type, path=(*path, prop.name), prefix=f"{prefix}{prop.attribute}_")
        elif prop.indexed and isinstance(prop.type, Primitive):
            yield Column(f"{prefix}{prop.attribute}", (*path, prop.name), prop.type)


def _property(field: inspect.Field) -> Property:
    metadata = cast("inspect.Metadata", field.type)
    kind, nullable = metadata.type, False
    if isinstance(kind, inspect.UnionType):
        nullable = kind.includes_none
        kind = next(t for t in kind.types if not isinstance(t, inspect.NoneType))
    schema = cast("dict[str, str]", metadata.extra_json_schema)
    extra = cast("dict[str, bool]", metadata.extra)
    return Property(
        name=field.encode_name,
        attribute=field.name,
        type=_collection_or_item(kind),
        nullable=nullable,
        description=schema["description"],
        indexed=extra["indexed"],
    )


def _collection_or_item(kind: inspect.Type) -> Item | Collection:
    return Collection(_item(kind.item_type)) if isinstance(kind, inspect.ListType) else _item(kind)


def _item(kind: inspect.Type) -> Item:
    match kind:
        case inspect.Metadata(type=inspect.StrType()):
            return Primitive("Edm.DateTimeOffset")
        case inspect.StructType(cls=cls):
            return structured_type(cls)
        case inspect.EnumType(cls=cls):
            members = MappingProxyType({name: member.value for name, member in cls.__members__.items()})
            return Enumeration(_lower_first(cls.__name__), _first_line(cls), members)
        case _:
            return _PRIMITIVES[type(kind)]


def _lower_first(name: str) -> str:
    return name[0].lower() + name[1:]


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().splitlines()[0]


_PRIMITIVES: dict[type[inspect.Type], Primitive] = {
    inspect.StrType: Primitive("Edm.String"),
    inspect.BoolType: Primitive("Edm.Boolean"),
    inspect.IntType: Primitive("Edm.Int32"),
    inspect.FloatType: Primitive("Edm.Double"),
}

SECURE_SCORES = EntitySet("secureScores", entities.SecureScore, ("v1.0", "beta"), newest_first=True)
CONTROL_PROFILES = EntitySet(
    "secureScoreControlProfiles", entities.SecureScoreControlProfile, ("v1.0", "beta"), default_page_size=200
)
USER_PROFILES = EntitySet("userSecurityProfiles", entities.UserSecurityProfile, ("beta",), deprecated=True)
DECISIONS = EntitySet("decisions", entities.Decision, ())

GRAPH_SETS = (SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES)
ENTITY_SETS = MappingProxyType({s.name: s for s in (*GRAPH_SETS, DECISIONS)})
