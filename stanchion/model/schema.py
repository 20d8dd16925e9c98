"""What the metadata of a root says, in whichever format it is written: its sets, their types, what they can do.

Source: OData CSDL 4.01; OData Vocabularies Capabilities.V1 and Core.V1.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from types import MappingProxyType

from stanchion.model.edm import (
    GRAPH_SETS,
    Collection,
    EntitySet,
    Enumeration,
    Item,
    RootName,
    StructuredType,
)

NAMESPACE = "microsoft.graph"
ALIAS = "graph"
CONTAINER = "GraphService"
CORE = "Org.OData.Core.V1"
CAPABILITIES = "Org.OData.Capabilities.V1"
ODATA_VERSIONS = "4.0"

# Terms of Capabilities.V1, each with the member of its record that carries the value, if it has a record.
_SET_CAPABILITIES = MappingProxyType(
    {
        "CountRestrictions/Countable": True,
        "FilterRestrictions/Filterable": True,
        "SelectSupport/Supported": True,
        "SkipSupported": True,
        "SortRestrictions/Sortable": True,
        "TopSupported": True,
    }
)
_SINGLETON_CAPABILITIES = MappingProxyType(
    {
        "CountRestrictions/Countable": False,
        "ExpandRestrictions/Expandable": True,
        "FilterRestrictions/Filterable": False,
        "SearchRestrictions/Searchable": False,
        "SelectSupport/Supported": False,
        "SkipSupported": True,
        "SortRestrictions/Sortable": True,
        "TopSupported": False,
    }
)


def sets_of(root: RootName) -> list[EntitySet]:
    """Return the sets of a root in declared order."""
    return [s for s in GRAPH_SETS if root in s.roots]


def enumerations(sets: Iterable[EntitySet]) -> list[Enumeration]:
    """Return the enumerations that the sets use, by name."""
    found = {kind.name: kind for kind in _all_types(sets) if isinstance(kind, Enumeration)}
    return [kind for _, kind in sorted(found.items())]


def complex_types(sets: Iterable[EntitySet]) -> list[StructuredType]:
    """Return the complex types that the sets use, by name."""
    structured = (kind for kind in _all_types(sets) if isinstance(kind, StructuredType))
    found = {kind.name: kind for kind in structured if not kind.is_entity}
    return [kind for _, kind in sorted(found.items())]


def types_within(kind: Item | Collection) -> Iterator[Item]:
    """Yield a type and every type that its properties are of, at any depth."""
    if isinstance(kind, Collection):
        kind = kind.item
    yield kind
    if isinstance(kind, StructuredType):
        for prop in kind.properties:
            yield from types_within(prop.type)


def capabilities(sets: Iterable[EntitySet]) -> list[tuple[str, MappingProxyType[str, bool]]]:
    """Return the name of each type with capabilities, and whether it has each, by its path in the vocabulary."""
    found = {s.type.name: _SET_CAPABILITIES for s in sets} | {"security": _SINGLETON_CAPABILITIES}
    return sorted(found.items())


def _all_types(sets: Iterable[EntitySet]) -> Iterator[Item]:
    return chain.from_iterable(types_within(s.type) for s in sets)
