"""What a path below a Graph root can name: one type for each kind of resource."""

from typing import TypeAlias

import msgspec

from stanchion.model.edm import Collection, EntitySet, Item, RootName


class ServiceDocument(msgspec.Struct, frozen=True):
    """`/v1.0`: the list of what the root has."""

    root: RootName


class Metadata(msgspec.Struct, frozen=True):
    """`/v1.0/$metadata`."""

    root: RootName


class OpenApiResource(msgspec.Struct, frozen=True):
    """`/v1.0/openapi.json`."""

    root: RootName


class DocumentationResource(msgspec.Struct, frozen=True):
    """`/v1.0/docs`: the API as a page for people."""

    root: RootName


class BatchResource(msgspec.Struct, frozen=True):
    """`/v1.0/$batch`."""

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


class DeltaResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/delta()`."""

    root: RootName
    entity_set: EntitySet


class EntityResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/{key}`; the key is empty where no entity can have the one sent."""

    root: RootName
    entity_set: EntitySet
    key: str


class PropertyResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/{key}/vendorInformation/provider`, with `/$value` where `raw`.

    `type` is None where no type declares the property: the entity may have it all the same.
    """

    root: RootName
    entity_set: EntitySet
    key: str
    path: tuple[str, ...]
    raw: bool = False
    type: Item | Collection | None = None


class PropertyCountResource(msgspec.Struct, frozen=True):
    """`/v1.0/security/secureScores/{key}/controlScores/$count`."""

    root: RootName
    entity_set: EntitySet
    key: str
    path: tuple[str, ...]
    type: Item | Collection | None = None


class UnknownSegment(msgspec.Struct, frozen=True):
    """A path below a Graph root of which `segment`, decoded, names nothing."""

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
