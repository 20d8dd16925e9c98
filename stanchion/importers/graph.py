"""Entities of Microsoft Graph out of an export of any shape: REST pages, arrays, lines, PowerShell's form.

- Every entity is checked against the model as a request body would be. A fault names the entity and its place, and
  the entities behind it are read all the same.
- Entities are decoded one at a time, so that memory holds the file once and little beside it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stanchion.errors import BadRequest
from stanchion.importers.encoding import as_utf8
from stanchion.importers.kind import set_of_entity
from stanchion.importers.powershell import graph_form, is_powershell, laid_flat, was_cut_off
from stanchion.importers.retarget import retargeted
from stanchion.importers.shape import Item, NextLink, items
from stanchion.model.check import check_entity
from stanchion.model.edm import EntitySet
from stanchion.model.json_text import JsonObject, parse_object
from stanchion.model.wording import shown

Format: TypeAlias = Literal["graph", "ndjson", "powershell"]
FORMATS: tuple[Format, ...] = ("graph", "ndjson", "powershell")

# How a message of the strict reader begins, which does not know that it reads a part.
_THE_BODY = re.compile(r"^The body\b")


@dataclass(frozen=True)
class Place:
    """Where an entity stands in its file: its number, from 1, and the path to it."""

    number: int
    path: str


@dataclass(frozen=True)
class Found:
    """An entity that may come in, checked; `placed` says that its id is encoded and placed already."""

    place: Place
    entity_set: EntitySet
    value: JsonObject
    placed: bool = False


@dataclass(frozen=True)
class Fault:
    """An entity that may not come in, and why. `id` is None where it has none that could be read."""

    place: Place
    id: str | None
    reason: str


class GraphExport:
    """The entities of a file, read one at a time; what is told of the file is whole when they are read."""

    def __init__(self, data: bytes, *, asked: Format | None = None) -> None:
        """Take a file's bytes, unpacked; `asked` is the only format that may be found, None to recognise it."""
        self._text = as_utf8(data)
        self._asked = asked
        self.format: Format = asked or "graph"
        self.next_link: str | None = None
        """Where the last page says that it goes on."""
        self.position = 0
        """How many of the bytes are read."""

    def __len__(self) -> int:
        return len(self._text)

    def entities(self, *, tenant_id: str, retarget: bool = False) -> Iterator[Found | Fault]:
        """Give each entity; raises BadRequest where the file is no export, or stops being one.

        Entities of another tenant are faults, or with `retarget` are brought under `tenant_id`.
        """
        lines = None if self._asked is None else self._asked == "ndjson"
        number = 0
        for part in items(self._text, lines=lines):
            match part:
                case NextLink():
                    self.next_link = part.address
                case Item():
                    number += 1
                    yield self._read(part, Place(number, part.around.path), tenant_id, retarget=retarget)
                    self.position = part.span.end

    def _read(self, item: Item, place: Place, tenant_id: str, *, retarget: bool) -> Found | Fault:
        text = self._text[item.span.start : item.span.end]
        value: JsonObject = {}
        if item.around.line is not None and self._asked is None and self.format == "graph":
            self.format = "ndjson"
        try:
            value = parse_object(text, what="An entity")
            entity_set, graph = self._as_graph(value, item.around.entity_set)
            checked = _owned(graph, entity_set, tenant_id, retarget=retarget)
        except BadRequest as error:
            return Fault(place, _id_of(value), _reason(error, text))
        return Found(place, entity_set, checked, item.around.placed)

    def _as_graph(self, value: JsonObject, around: EntitySet | None) -> tuple[EntitySet, JsonObject]:
        written_by_powershell = is_powershell(value)
        if self._asked == "graph" and written_by_powershell and "id" not in value:
            raise BadRequest("It is in PowerShell's form, not Graph's own; leave out --format.")
        if self._asked == "graph" or not (self._asked == "powershell" or written_by_powershell):
            return set_of_entity(value, around), value
        if self._asked is None:
            self.format = "powershell"
        entity_set = set_of_entity(laid_flat(value), around)
        return entity_set, graph_form(value, entity_set.type)


def _owned(value: JsonObject, entity_set: EntitySet, tenant_id: str, *, retarget: bool) -> JsonObject:
    if retarget:
        value = retargeted(value, tenant_id=tenant_id)
    if value.get("azureTenantId") is None:
        value = {**value, "azureTenantId": tenant_id}
    checked = check_entity(value, entity_set, whole=True)
    named = str(checked["azureTenantId"])
    if named.lower() != tenant_id:
        raise BadRequest(
            f"It belongs to tenant {shown(named)}, not to '{tenant_id}'; --retarget brings it under that id.",
            target="azureTenantId",
        )
    return checked


def _id_of(value: JsonObject) -> str | None:
    entity_id = value.get("id", value.get("Id"))
    return entity_id if isinstance(entity_id, str) else None


def _reason(error: BadRequest, text: bytes) -> str:
    reason = _THE_BODY.sub("It", error.message)
    if reason.startswith("It is not UTF-8"):
        reason += " Save it as UTF-8; in PowerShell with -Encoding utf8."
    if was_cut_off(text):
        reason += " ConvertTo-Json cut it off at its depth: write the file again with -Depth 10."
    return reason
