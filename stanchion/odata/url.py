"""The path of a request, read into the resource that it names, and the address of what is named.

- Split on `/` before percent-decoding, so that an id may hold an encoded slash (OData 4.01 URL 2).
- Segments match without regard to case; empty ones are skipped, as in a base URL that ends in a slash.
- A key is a segment of its own or quoted in parentheses, quotes inside doubled (URL 4.3.1, 4.3.6).
- Only a set that the root has is found under it.
"""

import re
from typing import TypeAlias
from urllib.parse import quote, unquote_to_bytes

import msgspec

from stanchion.model.check import is_id
from stanchion.model.edm import GRAPH_SETS, EntitySet, RootName


class ServiceDocument(msgspec.Struct, frozen=True):
    """`/v1.0`: the list of what the root has."""

    root: RootName


class Metadata(msgspec.Struct, frozen=True):
    """`/v1.0/$metadata`."""

    root: RootName


class SecuritySingleton(msgspec.Struct, frozen=True):
    """`/v1.0/security`."""

    root: RootName


class SetResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores`."""

    root: RootName
    entity_set: EntitySet


class CountResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/$count`."""

    root: RootName
    entity_set: EntitySet


class EntityResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/{key}`; the key is empty where no entity can have the one sent."""

    root: RootName
    entity_set: EntitySet
    key: str


class UnknownSegment(msgspec.Struct, frozen=True):
    """A path below a Graph root of which `segment`, decoded, names nothing."""

    root: RootName
    segment: str


Resource: TypeAlias = (
    ServiceDocument
    | Metadata
    | SecuritySingleton
    | SetResource
    | CountResource
    | EntityResource
    | UnknownSegment
)

# Ids that as a segment of their own would ask for the count, or be resolved by the client before it asks.
_NO_SEGMENTS = frozenset({"$count", ".", ".."})
_ROOTS: dict[bytes, RootName] = {b"v1.0": "v1.0", b"beta": "beta"}
_SETS: dict[RootName, dict[bytes, EntitySet]] = {
    root: {s.name.lower().encode(): s for s in GRAPH_SETS if root in s.roots} for root in _ROOTS.values()
}
# The usual spelling of a set's path, and of the key of an entity behind it.
_SET_PATHS = {
    f"/{root}/security/{s.name}".encode(): SetResource(root, s)
    for root in _ROOTS.values()
    for s in _SETS[root].values()
}
_PLAIN_KEY = re.compile(rb"[A-Za-z0-9_-]{1,256}")


def set_address(origin: str, root: RootName, entity_set: EntitySet) -> str:
    """Return the address of a set; `origin` is scheme, host and port, without a slash at the end."""
    return f"{origin}/{root}/security/{entity_set.name}"


def entity_address(origin: str, root: RootName, entity_set: EntitySet, *, key: str) -> str:
    """Return the address of an entity, which `parse_path` reads back."""
    segment = quote(key, safe="")
    predicate = f"('{segment}')" if key.lower() in _NO_SEGMENTS else f"/{segment}"
    return set_address(origin, root, entity_set) + predicate


def parse_path(raw_path: bytes) -> Resource | None:
    """Read a path as it came, still encoded and without its query; None where it is below no Graph root."""
    # As nearly every client spells an entity or a set: this costs a fifth of reading the path segment by segment.
    parent, _, key = raw_path.rpartition(b"/")
    known = _SET_PATHS.get(parent)
    if known is not None and _PLAIN_KEY.fullmatch(key):
        return EntityResource(known.root, known.entity_set, key.decode())
    return _SET_PATHS.get(raw_path) or _parse_any_path(raw_path)


def _parse_any_path(raw_path: bytes) -> Resource | None:
    segments = [segment for segment in raw_path.split(b"/") if segment]
    root = _ROOTS.get(_folded(segments[0])) if segments else None
    if root is None:
        return None
    if len(segments) == 1:
        return ServiceDocument(root)
    first, rest = segments[1], segments[2:]
    match _folded(first):
        case b"security":
            return _below_security(root, rest)
        case b"$metadata" if not rest:
            return Metadata(root)
        case _:
            return UnknownSegment(root, _text(first))


def _below_security(root: RootName, segments: list[bytes]) -> Resource:
    if not segments:
        return SecuritySingleton(root)
    first, *rest = segments
    entity_set = _SETS[root].get(_folded(first))
    if entity_set is None:
        return _with_quoted_key(root, first, rest)
    if not rest:
        return SetResource(root, entity_set)
    if len(rest) > 1:
        return UnknownSegment(root, _text(rest[1]))
    if _folded(rest[0]) == b"$count":
        return CountResource(root, entity_set)
    return EntityResource(root, entity_set, _key(_decoded(rest[0])))


def _with_quoted_key(root: RootName, segment: bytes, rest: list[bytes]) -> Resource:
    # No name of a set holds a parenthesis, so a client may encode the whole segment.
    name, parenthesis, predicate = _decoded(segment).partition(b"(")
    entity_set = _SETS[root].get(name.lower())
    quoted = predicate[:-1].removeprefix(b"id=")
    if entity_set is None or not parenthesis or not predicate.endswith(b")") or not _is_quoted(quoted):
        return UnknownSegment(root, _text(segment))
    if rest:
        return UnknownSegment(root, _text(rest[0]))
    return EntityResource(root, entity_set, _key(quoted[1:-1].replace(b"''", b"'")))


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
