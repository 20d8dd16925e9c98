"""What the description of a root is made from: the routes that are served, their methods, and what holds for all.

- Paths and methods come from what the server dispatches by, so that no operation can be missing.
- The issuer's lie beside the roots, and are listed here.
"""

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from stanchion import __version__
from stanchion.access.permission import Need
from stanchion.model.edm import GRAPH_SETS, Collection, EntitySet, RootName
from stanchion.model.json_text import MAX_DEPTH as MAX_JSON_DEPTH
from stanchion.model.json_text import JsonObject
from stanchion.model.openapi import Facts, Kind, Route, openapi_document
from stanchion.odata.batch import MAX_REQUESTS
from stanchion.odata.filter import MAX_BYTES, MAX_DEPTH, MAX_TESTS
from stanchion.odata.options import MAX_PAGE_SIZE
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
)
from stanchion.settings import Settings

_ISSUER: tuple[Route, ...] = (
    Route("/{tenant}/oauth2/v2.0/token", "token", ("POST",)),
    Route("/{tenant}/oauth2/token", "resource token", ("POST",)),
    Route("/{tenant}/v2.0/.well-known/openid-configuration", "configuration", ("GET",)),
    Route("/{tenant}/discovery/v2.0/keys", "keys", ("GET",)),
)


def described(
    root: RootName, origin: str, *, methods: Callable[[Resource], tuple[str, ...]], facts: Facts
) -> JsonObject:
    """Return the OpenAPI document of a root at an origin."""
    return openapi_document(root, origin, routes=[*routes(root, methods), *_ISSUER], facts=facts)


def routes(root: RootName, methods: Callable[[Resource], tuple[str, ...]]) -> Iterator[Route]:
    """Yield the routes of a root with the methods that are offered there."""
    for path, kind, resource in resources(root):
        offered = methods(resource)
        if offered:
            yield Route(path, kind, offered, getattr(resource, "entity_set", None))


def resources(root: RootName) -> Iterator[tuple[str, Kind, Resource]]:
    """Yield a resource of each kind that a root has, with the template of its path."""
    yield "/", "service document", ServiceDocument(root)
    yield "/$metadata", "metadata", Metadata(root)
    yield "/openapi.json", "openapi", OpenApiResource(root)
    yield "/docs", "documentation", DocumentationResource(root)
    yield "/$batch", "batch", BatchResource(root)
    yield "/security", "singleton", SecuritySingleton(root)
    for entity_set in GRAPH_SETS:
        if root in entity_set.roots:
            yield from _of_set(root, entity_set)


def _of_set(root: RootName, entity_set: EntitySet) -> Iterator[tuple[str, Kind, Resource]]:
    path = f"/security/{entity_set.name}"
    entity, properties = f"{path}/{{id}}", entity_set.type.properties
    counted = next(p for p in properties if isinstance(p.type, Collection))
    yield path, "set", SetResource(root, entity_set)
    yield f"{path}/$count", "count", CountResource(root, entity_set)
    yield f"{path}/delta()", "delta", DeltaResource(root, entity_set)
    yield entity, "entity", EntityResource(root, entity_set, "id")
    yield f"{entity}/{{property}}", "property", _property(root, entity_set)
    yield f"{entity}/{{property}}/$value", "value", replace(_property(root, entity_set), raw=True)
    items = PropertyCountResource(root, entity_set, "id", (counted.name,))
    yield f"{entity}/{{property}}/$count", "property count", items


def _property(root: RootName, entity_set: EntitySet) -> PropertyResource:
    first, *_ = entity_set.type.properties
    return PropertyResource(root, entity_set, "id", (first.name,), type=first.type)


def facts_of(settings: Settings) -> Facts:
    """Return what holds for all operations of a server with these settings."""
    return Facts(
        version=__version__,
        read=tuple(sorted(Need.READ.permissions)),
        write=tuple(sorted(Need.WRITE.permissions)),
        read_roles=Need.READ.roles,
        write_roles=Need.WRITE.roles,
        body_bytes=settings.max_body_bytes,
        url_bytes=settings.max_url_bytes,
        header_bytes=settings.max_header_bytes,
        page_bytes=settings.max_page_bytes,
        page_rows=MAX_PAGE_SIZE,
        filter_bytes=MAX_BYTES,
        filter_tests=MAX_TESTS,
        filter_depth=MAX_DEPTH,
        batch_requests=MAX_REQUESTS,
        json_depth=MAX_JSON_DEPTH,
    )
