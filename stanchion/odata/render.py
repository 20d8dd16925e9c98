"""Answers in OData JSON, spliced from the bytes that are stored.

- A page is one join of its envelope and its bodies; nothing is decoded but for `$select` and full metadata.
- The context names the set and what was selected (OData JSON 4.01, 10.2, 10.4, 10.7, 10.14).
- Order as on Graph's wire: context, count, next link, value.
- Without metadata there is no context; links and the count stay (OData JSON 4.01, 3.1.3).
"""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

import msgspec

from stanchion.model.edm import EntitySet, RootName, StructuredType
from stanchion.model.schema import sets_of
from stanchion.odata.annotations import annotated, annotated_value, type_annotation
from stanchion.odata.resources import PropertyResource
from stanchion.odata.select import cut, cut_value
from stanchion.odata.style import AS_GRAPH, Style
from stanchion.odata.url import entity_address

# Before it, further runs may be put, each after a comma.
PAGE_END = b"]}"

_BODIES = msgspec.json.Decoder(list[msgspec.Raw])


class _Identified(msgspec.Struct):
    id: str


_IDENTIFIED = msgspec.json.Decoder(_Identified)


def page_body(
    origin: str,
    root: RootName,
    *,
    entity_set: EntitySet,
    runs: Sequence[bytes],
    select: tuple[str, ...] | None = None,
    count: int | None = None,
    next_link: str | None = None,
    style: Style = AS_GRAPH,
) -> bytes:
    """Return one page; each run is the JSON objects of entities, one or several with commas between them."""
    parts: list[bytes] = []
    if style.metadata != "none":
        parts += (
            b'"@odata.context":',
            _context(origin, root, entity_set=entity_set, select=select, suffix=""),
            b",",
        )
    if count is not None:
        parts += (b'"@odata.count":', (b'"%d",' if style.ieee754 else b"%d,") % count)
    if next_link is not None:
        parts += (b'"@odata.nextLink":', msgspec.json.encode(next_link), b",")
    values = written(origin, root, entity_set=entity_set, runs=runs, select=select, style=style)
    separated = [part for value in values for part in (value, b",")][:-1]
    return b"".join((b"{", *parts, b'"value":[', *separated, PAGE_END))


def delta_body(
    origin: str,
    root: RootName,
    *,
    entity_set: EntitySet,
    runs: Sequence[bytes],
    removed: Sequence[str],
    select: tuple[str, ...] | None,
    link: tuple[str, str],
    style: Style = AS_GRAPH,
) -> bytes:
    """Return one page of changes, what is gone after what is there; the link is its name and address.

    Source: OData JSON 4.01, 15 "Delta Payload".
    """
    parts: list[bytes] = []
    if style.metadata != "none":
        context = _context(origin, root, entity_set=entity_set, select=select, suffix="/$delta")
        parts += (b'"@odata.context":', context, b",")
    parts += (b'"@odata.%b":' % link[0].encode(), msgspec.json.encode(link[1]))
    values = [*written(origin, root, entity_set=entity_set, runs=runs, select=select, style=style)]
    values += [b'{"@removed":{"reason":"deleted"},"id":%b}' % msgspec.json.encode(id) for id in removed]
    return b"".join((b"{", *parts, b',"value":[', b",".join(values), b"]}"))


def entity_body(
    origin: str,
    root: RootName,
    *,
    entity_set: EntitySet,
    body: bytes,
    select: tuple[str, ...] | None = None,
    style: Style = AS_GRAPH,
) -> bytes:
    """Return one entity with its context in front; the body is the entity's JSON object."""
    members = body
    if select is not None or style.metadata == "full":
        (members,) = written(origin, root, entity_set=entity_set, runs=(body,), select=select, style=style)
    if style.metadata == "none":
        return members
    opening = _entity_opening(origin, root, entity_set, select)
    # The first brace is the object's own; putting the context in its place copies the body once.
    return members.replace(b"{", opening if members != b"{}" else opening[:-1], 1)


def property_body(
    origin: str,
    resource: PropertyResource,
    *,
    value: msgspec.Raw,
    select: tuple[str, ...] | None = None,
    style: Style = AS_GRAPH,
) -> bytes:
    """Return the value of a property that is not null, with its context in front (OData JSON 4.01, 11, 12)."""
    shown = None if select is None else cut_value(value, select)
    value = value if shown is None else shown
    control: dict[str, object] = {}
    if style.metadata != "none":
        fields = "" if select is None else f"({','.join(select)})"
        control["@odata.context"] = f"{origin}/{resource.root}/$metadata#security/{_place(resource)}{fields}"
    kind = resource.type
    if style.metadata == "full" and kind is not None:
        value = annotated_value(value, kind)
        annotation = type_annotation(kind)
        if annotation is not None and not isinstance(kind, StructuredType):
            control["@odata.type"] = annotation
    text = bytes(value)
    if not text.startswith(b"{"):
        return msgspec.json.encode({**control, "value": value})
    members, head = text[1:], msgspec.json.encode(control)[:-1]
    return b"".join((head, b"" if head == b"{" or members == b"}" else b",", members))


def singleton_body(origin: str, root: RootName, *, style: Style = AS_GRAPH) -> bytes:
    """Return the `security` singleton, which has no properties of its own."""
    address = f"{origin}/{root}/security"
    control: dict[str, str] = {}
    if style.metadata != "none":
        control["@odata.context"] = f"{origin}/{root}/$metadata#security"
    if style.metadata == "full":
        control["@odata.type"] = "#microsoft.graph.security"
        control |= {"@odata.id": address, "@odata.editLink": address}
        control |= {f"{s.name}@odata.navigationLink": f"{address}/{s.name}" for s in sets_of(root)}
    return msgspec.json.encode(control)


def written(
    origin: str,
    root: RootName,
    *,
    entity_set: EntitySet,
    runs: Sequence[bytes],
    select: tuple[str, ...] | None,
    style: Style = AS_GRAPH,
) -> Sequence[bytes]:
    """Return runs of entities cut to what was selected, with the control information of the format."""
    if select is None and style.metadata != "full":
        return runs

    def one(body: bytes | msgspec.Raw) -> bytes:
        shown = bytes(body) if select is None else cut(body, select)
        if style.metadata != "full":
            return shown
        address = entity_address(origin, root, entity_set, key=_IDENTIFIED.decode(body).id)
        return annotated(shown, entity_set.type, address=address)

    return [b",".join(one(body) for body in _BODIES.decode(b"[%b]" % run)) for run in runs]


def _place(resource: PropertyResource) -> str:
    predicate = quote(resource.key.replace("'", "''"), safe="")
    path = "/".join(quote(name, safe="") for name in resource.path)
    return f"{resource.entity_set.name}('{predicate}')/{path}"


@lru_cache(maxsize=256)
def _entity_opening(
    origin: str, root: RootName, entity_set: EntitySet, select: tuple[str, ...] | None
) -> bytes:
    context = _context(origin, root, entity_set=entity_set, select=select, suffix="/$entity")
    return b'{"@odata.context":%b,' % context


@lru_cache(maxsize=256)
def _context(
    origin: str, root: RootName, *, entity_set: EntitySet, select: tuple[str, ...] | None, suffix: str
) -> bytes:
    fields = "" if select is None else f"({','.join(select)})"
    return msgspec.json.encode(f"{origin}/{root}/$metadata#security/{entity_set.name}{fields}{suffix}")
