"""Answers in OData JSON, spliced from the bytes that are stored.

- A page is one join of its envelope and its bodies; nothing is decoded but for `$select`.
- The context names the set and what was selected (OData JSON 4.01, 10.2, 10.4, 10.7).
- Order as on Graph's wire: context, count, next link, value.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from stanchion.model.edm import EntitySet, RootName

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BODIES = msgspec.json.Decoder(list[msgspec.Raw])


def page_body(
    origin: str,
    root: RootName,
    *,
    entity_set: EntitySet,
    runs: Sequence[bytes],
    select: tuple[str, ...] | None = None,
    count: int | None = None,
    next_link: str | None = None,
) -> bytes:
    """Return one page; each run is the JSON objects of entities, one or several with commas between them."""
    context = _context(origin, root, entity_set=entity_set, select=select, suffix="")
    parts = [b'{"@odata.context":', context]
    if count is not None:
        parts += (b',"@odata.count":', str(count).encode())
    if next_link is not None:
        parts += (b',"@odata.nextLink":', msgspec.json.encode(next_link))
    parts.append(b',"value":[')
    values = runs if select is None else [_all_selected(run, select) for run in runs]
    parts += [part for value in values for part in (value, b",")][:-1]
    parts.append(b"]}")
    return b"".join(parts)


def entity_body(
    origin: str,
    root: RootName,
    *,
    entity_set: EntitySet,
    body: bytes,
    select: tuple[str, ...] | None = None,
) -> bytes:
    """Return one entity with its context in front; the body is the entity's JSON object."""
    opening = _entity_opening(origin, root, entity_set, select)
    members = body if select is None else selected(body, select)
    # The first brace is the object's own; putting the context in its place copies the body once.
    return members.replace(b"{", opening if members != b"{}" else opening[:-1], 1)


def singleton_body(origin: str, root: RootName) -> bytes:
    """Return the `security` singleton, which has no properties of its own."""
    return b"".join((b'{"@odata.context":', msgspec.json.encode(f"{origin}/{root}/$metadata#security"), b"}"))


def selected(body: bytes | msgspec.Raw, select: Sequence[str]) -> bytes:
    """Return the body cut to the names selected, in the order of the body; a name it lacks stays absent."""
    wanted = frozenset(select)
    members = _MEMBERS.decode(body)
    return msgspec.json.encode({name: value for name, value in members.items() if name in wanted})


def _all_selected(run: bytes, select: Sequence[str]) -> bytes:
    return b",".join(selected(body, select) for body in _BODIES.decode(b"[%b]" % run))


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
