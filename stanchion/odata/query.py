"""What a list request asks for: the typed query, and the order of its rows.

- Every order ends in the id, so that it is total and a page can go on after any row (keyset paging).
- Null is lower than any value (OData 4.01 Protocol 11.2.6.2).
- Rows that compare equal under `$orderby` keep the set's own order among themselves.
"""

from typing import TypeAlias

import msgspec

from stanchion.model.edm import Collection, EntitySet, Item, Primitive, RootName, StructuredType
from stanchion.odata.filter.tree import Filter

KeyValue: TypeAlias = "bool | int | float | str | None"
"""The value of one order key in one row; instants are ticks."""


class PropertyKey(msgspec.Struct, frozen=True):
    """Order by a property; `column` is None where it has none and is read from the body by its path."""

    path: tuple[str, ...]
    type: Primitive
    column: str | None
    descending: bool = False


class MicrosoftFirst(msgspec.Struct, frozen=True):
    """Order by 0 for rows of vendor Microsoft and provider SecureScore, 1 for all others, ascending."""


class IdKey(msgspec.Struct, frozen=True):
    """Order by id; unique, so it is the last key of every order."""

    descending: bool = False


OrderKey: TypeAlias = PropertyKey | MicrosoftFirst | IdKey


class ListQuery(msgspec.Struct, frozen=True):
    """What a list request asks for.

    `select` is None for every property. `carried` are the caller's options that a next link repeats, by
    canonical name, decoded, in the order sent; `$top`, `$skip` and `$skiptoken` are not among them.
    `after` holds the values of the order keys of the row before the page, once `skip_token` was read.
    """

    entity_set: EntitySet
    root: RootName
    order: tuple[OrderKey, ...]
    select: tuple[str, ...] | None = None
    top: int | None = None
    skip: int = 0
    count: bool = False
    skip_token: str | None = None
    after: tuple[KeyValue, ...] | None = None
    carried: tuple[tuple[str, str], ...] = ()
    provider: str | None = None  # the only provider whose rows the caller may see, in any case of A to Z
    filter: Filter | None = None
    max_page_size: int | None = None  # that the caller prefers
    now_ticks: int = 0  # the time of the request, for filters that ask for it

    @property
    def page_size(self) -> int:
        """The number of rows of a full page."""
        size = self.entity_set.default_page_size if self.top is None else self.top
        return size if self.max_page_size is None else min(size, self.max_page_size)


def default_order(entity_set: EntitySet) -> tuple[OrderKey, ...]:
    """Return the order of a set that nobody asked to be ordered."""
    if not entity_set.newest_first:
        return (IdKey(),)
    return (
        property_key(entity_set, ("createdDateTime",), descending=True),
        MicrosoftFirst(),
        property_key(entity_set, ("vendorInformation", "provider")),
        IdKey(),
    )


def total_order(entity_set: EntitySet, asked: tuple[OrderKey, ...]) -> tuple[OrderKey, ...]:
    """Return the keys asked for, then those of the set's own order that still tell rows apart."""
    keys: dict[OrderKey | tuple[str, ...], OrderKey] = {}
    for key in (*asked, *default_order(entity_set)):
        keys.setdefault(key.path if isinstance(key, PropertyKey) else key, key)
        if isinstance(key, IdKey):
            break
    return tuple(keys.values())


def property_key(entity_set: EntitySet, path: tuple[str, ...], *, descending: bool = False) -> PropertyKey:
    """Return the order key of a declared primitive property; raises KeyError for any other path."""
    for column in entity_set.columns:
        if column.path == path:
            return PropertyKey(path, column.type, column.name, descending)
    kind: Item | Collection = entity_set.type
    for name in path:
        if not isinstance(kind, StructuredType):
            raise KeyError(path)
        kind = kind.by_name[name].type
    if not isinstance(kind, Primitive):
        raise KeyError(path)
    return PropertyKey(path, kind, None, descending)
