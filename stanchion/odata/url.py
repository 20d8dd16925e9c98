"""The path of a request, read into the resource that it names, and the address of what is named.

- Split on `/` before percent-decoding, so that an id may hold an encoded slash (OData 4.01 URL 2).
- Segments match without regard to case; empty ones are skipped, as in a base URL that ends in a slash.
- A key is a segment of its own, or in parentheses: quoted, quotes inside doubled, or an alias (URL 4.3.1, 4.3.6).
- Only a set that the root has is found under it. A cast to the type at hand changes nothing (URL 4.11).
- An id that as a segment of its own would name something else stands in parentheses in every address of ours.
"""

import re
from collections.abc import Callable
from itertools import dropwhile
from urllib.parse import quote, unquote_to_bytes

from stanchion.model.check import is_id
from stanchion.model.edm import (
    GRAPH_SETS,
    Collection,
    EntitySet,
    Enumeration,
    Item,
    Primitive,
    RootName,
    StructuredType,
)
from stanchion.model.schema import ALIAS, NAMESPACE
from stanchion.odata.aliases import aliases_in
from stanchion.odata.resources import (
    BatchResource,
    CountResource,
    DeltaResource,
    DocumentationResource,
    EntityResource,
    Metadata,
    OpenApiResource,
    PropertyCountResource,
    PropertyResource,
    Resource,
    SecuritySingleton,
    ServiceDocument,
    SetResource,
    UnknownSegment,
)

# A function may leave out its namespace, and without parameters its parentheses (URL 4.5).
_QUALIFIERS = (f"{NAMESPACE}.", f"{ALIAS}.")
_DELTA = frozenset(f"{q}delta{p}" for q in ("", *_QUALIFIERS) for p in ("", "()"))
_CASTS = {s.type.name: frozenset(f"{q}{s.type.name}".lower() for q in _QUALIFIERS) for s in GRAPH_SETS}
# Ids that as a segment of their own would mean something else, or be resolved by the client before it asks.
_NO_SEGMENTS = frozenset({"$count", ".", ".."}).union(_DELTA, *_CASTS.values())
_ROOTS: dict[bytes, RootName] = {b"v1.0": "v1.0", b"beta": "beta"}
_OF_ROOT: dict[bytes, Callable[[RootName], Resource]] = {
    b"$metadata": Metadata,
    b"$batch": BatchResource,
    b"openapi.json": OpenApiResource,
    b"docs": DocumentationResource,
}
_SETS: dict[RootName, dict[bytes, EntitySet]] = {
    root: {s.name.lower().encode(): s for s in GRAPH_SETS if root in s.roots} for root in _ROOTS.values()
}
# The usual spelling of a set's path, and of the key of an entity behind it.
_SET_PATHS = {
    f"/{root}/security/{s.name}".encode(): SetResource(root, s)
    for root in _ROOTS.values()
    for s in _SETS[root].values()
}
_PLAIN_KEY = re.compile(rb"(?![Dd][Ee][Ll][Tt][Aa]\Z)[A-Za-z0-9_-]{1,256}")


def set_address(origin: str, root: RootName, entity_set: EntitySet) -> str:
    """Return the address of a set; `origin` is scheme, host and port, without a slash at the end."""
    return f"{origin}/{root}/security/{entity_set.name}"


def entity_address(origin: str, root: RootName, entity_set: EntitySet, *, key: str) -> str:
    """Return the address of an entity, which `parse_path` reads back."""
    segment = quote(key, safe="")
    predicate = f"('{segment}')" if key.lower() in _NO_SEGMENTS else f"/{segment}"
    return set_address(origin, root, entity_set) + predicate


def parse_path(raw_path: bytes, query: bytes = b"") -> Resource | None:
    """Read a path as it came, still encoded; None where it is below no Graph root.

    Of the query only the aliases matter, one of which may hold a key.
    """
    # As nearly every client spells an entity or a set: this costs a fifth of reading the path segment by segment.
    parent, _, key = raw_path.rpartition(b"/")
    known = _SET_PATHS.get(parent)
    if known is not None and _PLAIN_KEY.fullmatch(key):
        return EntityResource(known.root, known.entity_set, key.decode())
    return _SET_PATHS.get(raw_path) or _parse_any_path(raw_path, query)


def _parse_any_path(raw_path: bytes, query: bytes) -> Resource | None:
    segments = [segment for segment in raw_path.split(b"/") if segment]
    root = _ROOTS.get(_folded(segments[0])) if segments else None
    if root is None:
        return None
    if len(segments) == 1:
        return ServiceDocument(root)
    first, rest = segments[1], segments[2:]
    if _folded(first) == b"security":
        return _below_security(root, rest, query)
    named = None if rest else _OF_ROOT.get(_folded(first))
    return UnknownSegment(root, _text(first)) if named is None else named(root)


def _below_security(root: RootName, segments: list[bytes], query: bytes) -> Resource:
    if not segments:
        return SecuritySingleton(root)
    first, *rest = segments
    entity_set = _SETS[root].get(_folded(first))
    if entity_set is not None:
        return _below_set(root, entity_set, rest, query)
    # No name of a set holds a parenthesis, so a client may encode the whole segment.
    name, parenthesis, predicate = _decoded(first).partition(b"(")
    entity_set = _SETS[root].get(name.lower())
    key = _key_of_predicate(parenthesis + predicate, query)
    if entity_set is None or key is None:
        return UnknownSegment(root, _text(first))
    return _below_entity(EntityResource(root, entity_set, key), rest)


def _below_set(root: RootName, entity_set: EntitySet, segments: list[bytes], query: bytes) -> Resource:
    casts = _CASTS[entity_set.type.name]
    uncast = list(dropwhile(lambda segment: _text(segment).lower() in casts, segments))
    if not uncast:
        return SetResource(root, entity_set)
    first, *rest = uncast
    text = _text(first).lower()
    if text in _DELTA or text == "$count":
        named = CountResource if text == "$count" else DeltaResource
        return UnknownSegment(root, _text(rest[0])) if rest else named(root, entity_set)
    name, parenthesis, predicate = _decoded(first).partition(b"(")
    key = None
    if name.lower().decode("latin-1") in casts:
        key = _key_of_predicate(parenthesis + predicate, query)
    if key is None:
        key = _key(_decoded(first))
    return _below_entity(EntityResource(root, entity_set, key), rest)


def _below_entity(entity: EntityResource, segments: list[bytes]) -> Resource:
    """Return the entity, or what of it the segments lead to, name by name."""
    kind: Item | Collection | None = entity.entity_set.type
    path: list[str] = []
    for place, segment in enumerate(segments):
        text = _text(segment)
        if path and place == len(segments) - 1 and text.lower() in {"$value", "$count"}:
            return _of_property(entity, tuple(path), kind, text.lower()) or UnknownSegment(entity.root, text)
        name = _property_name(kind, text)
        if name is None:
            return UnknownSegment(entity.root, text)
        if name:
            path.append(name)
            kind = _type_of(kind, name)
    if not path:
        return entity
    return PropertyResource(entity.root, entity.entity_set, entity.key, tuple(path), type=kind)


def _property_name(kind: Item | Collection | None, text: str) -> str | None:
    """Return the name of a property of a type, declared or not; None where it has none, nothing for a cast."""
    item = kind.item if isinstance(kind, Collection) else kind
    if isinstance(item, StructuredType) and text.lower() in {f"{q}{item.name}".lower() for q in _QUALIFIERS}:
        return ""
    if isinstance(kind, Collection | Primitive | Enumeration):
        return None
    if kind is not None and text not in kind.by_name:
        text = next((name for name in kind.by_name if name.lower() == text.lower()), text)
        if text not in kind.by_name and not kind.is_open:
            return None
    return None if text.startswith(("$", NAMESPACE)) else text


def _type_of(kind: Item | Collection | None, name: str) -> Item | Collection | None:
    declared = kind.by_name.get(name) if isinstance(kind, StructuredType) else None
    return None if declared is None else declared.type


def _of_property(
    entity: EntityResource, path: tuple[str, ...], kind: Item | Collection | None, asked: str
) -> Resource | None:
    """Return the raw value of a property, or the number of its items; None where its type has no such thing."""
    if asked == "$count":
        counted = kind is None or isinstance(kind, Collection)
        return (
            PropertyCountResource(entity.root, entity.entity_set, entity.key, path, kind) if counted else None
        )
    if isinstance(kind, Collection | StructuredType):
        return None
    return PropertyResource(entity.root, entity.entity_set, entity.key, path, raw=True, type=kind)


def _key_of_predicate(predicate: bytes, query: bytes) -> str | None:
    """Return the key in `('x')`, `(id='x')` or `(@x)`; None for anything else."""
    if not (predicate.startswith(b"(") and predicate.endswith(b")")):
        return None
    literal = predicate[1:-1].removeprefix(b"id=")
    if literal.startswith(b"@"):
        alias = literal.decode("utf-8", "backslashreplace")
        given = [value for name, value in aliases_in(query) if name == alias]
        literal = unquote_to_bytes(given[0].replace(b"+", b" ")).strip() if len(given) == 1 else b""
    return _key(literal[1:-1].replace(b"''", b"'")) if _is_quoted(literal) else None


def _is_quoted(text: bytes) -> bool:
    """Whether the text stands in single quotes, those inside it doubled."""
    quoted = text != b"'" and text.startswith(b"'") and text.endswith(b"'")
    return quoted and b"'" not in text[1:-1].replace(b"''", b"")


def _key(decoded: bytes) -> str:
    try:
        key = decoded.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return key if is_id(key) else ""


def _folded(segment: bytes) -> bytes:
    return _decoded(segment).lower()


def _decoded(segment: bytes) -> bytes:
    return unquote_to_bytes(segment) if b"%" in segment else segment


def _text(segment: bytes) -> str:
    return _decoded(segment).decode("utf-8", "backslashreplace")
