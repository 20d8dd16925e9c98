"""Exports of Microsoft Graph: a REST page (`{"value": [...]}`) or a bare array of entities.

- Which set an entity belongs to is told by its `@odata.type`, else by the page's `@odata.context`, else
  by the properties that only one of the types has. What is told to be of another kind is refused.
- Every entity is checked against the model as a request body would be; a fault names its place in the file.
- Entities are decoded one at a time, so that memory holds the file about once and other threads get a turn.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from stanchion.errors import BadRequest
from stanchion.model.check import check_entity
from stanchion.model.edm import CONTROL_PROFILES, GRAPH_SETS, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import MAX_DEPTH, JsonObject, JsonValue, parse_object
from stanchion.model.wording import shown

Imported: TypeAlias = tuple[EntitySet, JsonObject]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_EXPECTED = (
    'expected a page of Microsoft Graph ({"value": [...]}) or an array of secureScores, '
    "secureScoreControlProfiles or userSecurityProfiles"
)

# Declared by one of the three types only, there in every real entity of it, and not in Graph's alerts or users.
_TELLTALES = MappingProxyType(
    {
        "controlScores": SECURE_SCORES,
        "currentScore": SECURE_SCORES,
        "controlStateUpdates": CONTROL_PROFILES,
        "implementationCost": CONTROL_PROFILES,
        "accounts": USER_PROFILES,
        "riskScore": USER_PROFILES,
    }
)

# The last segment of a context's fragment, without key or $select: `security/secureScores(id,currentScore)`.
_SET_NAME = re.compile(r"(?:^|/)(\w+)(?:\(.*\))?$", re.ASCII)

# Room for a $select of every property; a bound, because the search is quadratic in what it reads.
_CONTEXT_CHARACTERS = 2_000


# Written by `stanchion export`: the ids of its controls are encoded and placed among providers already.
PLACED = "@stanchion.placed"


class _Page(
    msgspec.Struct,
    rename={"context": "@odata.context", "next_link": "@odata.nextLink", "placed": PLACED},
):
    value: list[msgspec.Raw]
    context: str | None = None
    next_link: str | None = None
    placed: bool = False


@dataclass(frozen=True)
class GraphExport:
    """A file of entities, not yet read.

    `next_link` is where a page says that it goes on; `placed` tells an export of this ledger.
    """

    items: tuple[msgspec.Raw, ...]
    entity_set: EntitySet | None = None
    next_link: str | None = None
    placed: bool = False

    def __len__(self) -> int:
        return len(self.items)

    def entities(self, *, tenant_id: str) -> Iterator[Imported]:
        """Give each entity with its set; raises BadRequest at the first that is none or another tenant's."""
        for index, item in enumerate(self.items):
            try:
                yield self._entity(parse_object(bytes(item), what="An entity"), tenant_id)
            except BadRequest as error:
                place = f"Entity {index + 1} of {len(self)}"
                raise BadRequest(f"{place}: {error.message}", target=error.target) from None

    def _entity(self, value: JsonObject, tenant_id: str) -> Imported:
        entity_set = _typed(value.get("@odata.type")) or self.entity_set or _recognised(value)
        owned = value if value.get("azureTenantId") is not None else {**value, "azureTenantId": tenant_id}
        checked = check_entity(owned, entity_set, whole=True)
        named = checked.get("azureTenantId")
        if isinstance(named, str) and named.lower() != tenant_id:
            raise BadRequest(
                f"{shown(str(checked['id']))} belongs to tenant {shown(named)}, not to '{tenant_id}'.",
                target="azureTenantId",
            )
        return entity_set, checked


def open_export(data: bytes) -> GraphExport:
    """Read the outside of an export; raises BadRequest for what is none."""
    text = data.removeprefix(_BYTE_ORDER_MARK).lstrip()
    try:
        if text[:1] == b"[":
            return GraphExport(tuple(msgspec.json.decode(text, type=list[msgspec.Raw])))
        page = msgspec.json.decode(text, type=_Page)
    except msgspec.ValidationError:
        raise BadRequest(f"This is JSON, but no export: {_EXPECTED}.") from None
    except RecursionError:
        raise BadRequest(f"This nests deeper than {MAX_DEPTH} levels; {_EXPECTED}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"This is no JSON, or it is cut off ({error}); {_EXPECTED}.") from None
    return GraphExport(tuple(page.value), _set_of(page.context), page.next_link, page.placed)


def _set_of(context: str | None) -> EntitySet | None:
    named = _SET_NAME.search((context or "").partition("#")[2][:_CONTEXT_CHARACTERS])
    if named is None:
        return None
    for entity_set in GRAPH_SETS:
        if entity_set.name.lower() == named[1].lower():
            return entity_set
    raise BadRequest(f"This is a page of {shown(named[1])}; {_EXPECTED}.", target="@odata.context")


def _typed(odata_type: JsonValue) -> EntitySet | None:
    if not isinstance(odata_type, str):
        return None
    name = odata_type.rpartition("#")[2]
    for entity_set in GRAPH_SETS:
        if name == f"microsoft.graph.{entity_set.type.name}":
            return entity_set
    raise BadRequest(f"It is of type {shown(name)}; {_EXPECTED}.", target="@odata.type")


def _recognised(value: JsonObject) -> EntitySet:
    for name in value:
        if name in _TELLTALES:
            return _TELLTALES[name]
    raise BadRequest(f"It is no entity of a known kind; {_EXPECTED}.")
