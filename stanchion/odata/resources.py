"""What a path below a Graph root can name: one type for each kind of resource.

`kind` is its name in a word, by which requests are logged and counted.
"""

from typing import ClassVar, TypeAlias

import msgspec

from stanchion.model.edm import Collection, EntitySet, Item, RootName


class ServiceDocument(msgspec.Struct, frozen=True):
    """`/v1.0`: the list of what the root has."""

    kind: ClassVar[str] = "service"
    root: RootName


class Metadata(msgspec.Struct, frozen=True):
    """`/v1.0/$metadata`."""

    kind: ClassVar[str] = "metadata"
    root: RootName


class OpenApiResource(msgspec.Struct, frozen=True):
    """`/v1.0/openapi.json`."""

    kind: ClassVar[str] = "openapi"
    root: RootName


class DocumentationResource(msgspec.Struct, frozen=True):
    """`/v1.0/docs`: the API as a page for people."""

    kind: ClassVar[str] = "docs"
    root: RootName


class BatchResource(msgspec.Struct, frozen=True):
    """`/v1.0/$batch`."""

    kind: ClassVar[str] = "batch"
    root: RootName


class SecuritySingleton(msgspec.Struct, frozen=True):
    """`/v1.0/security`."""

    kind: ClassVar[str] = "security"
    root: RootName


class SetResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores`."""

    kind: ClassVar[str] = "list"
    root: RootName
    entity_set: EntitySet


class CountResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/$count`."""

    kind: ClassVar[str] = "count"
    root: RootName
    entity_set: EntitySet


class DeltaResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/delta()`."""

    kind: ClassVar[str] = "delta"
    root: RootName
    entity_set: EntitySet


class EntityResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/{key}`; the key is empty where no entity can have the one sent."""

    kind: ClassVar[str] = "entity"
    root: RootName
    entity_set: EntitySet
    key: str


class PropertyResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/{key}/vendorInformation/provider`, with `/$value` where `raw`.

    `type` is None where no type declares the property: the entity may have it all the same.
    """

    kind: ClassVar[str] = "property"
    root: RootName
    entity_set: EntitySet
    key: str
    path: tuple[str, ...]
    raw: bool = False
    type: Item | Collection | None = None


class PropertyCountResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/{key}/controlScores/$count`."""

    kind: ClassVar[str] = "property_count"
    root: RootName
    entity_set: EntitySet
    key: str
    path: tuple[str, ...]
    type: Item | Collection | None = None


class UnknownSegment(msgspec.Struct, frozen=True):
    """A path below a Graph root of which `segment`, decoded, names nothing."""

    kind: ClassVar[str] = "unknown"
    root: RootName
    segment: str


Resource: TypeAlias = (
    ServiceDocument
    | Metadata
    | OpenApiResource
    | DocumentationResource
    | BatchResource
    | SecuritySingleton
    | SetResource
    | CountResource
    | DeltaResource
    | EntityResource
    | PropertyResource
    | PropertyCountResource
    | UnknownSegment
)
