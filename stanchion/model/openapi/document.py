"""The whole document of a root at an origin: paths, components, who may ask, and within which limits.

Source: OpenAPI Specification 3.1. The same routes, facts, root and origin give the same document.
"""

from collections.abc import Iterable, Sequence

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, EntitySet, RootName
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.openapi.batches import batch_answer_schema, batch_schema
from stanchion.model.openapi.bodies import (
    change_schema,
    creation_schema,
    decision_schema,
    named_change_schema,
    product_schema,
)
from stanchion.model.openapi.entity_operations import ENTITY_OPERATIONS
from stanchion.model.openapi.facts import ANONYMOUS, ISSUER, Facts, Kind, Route
from stanchion.model.openapi.issuer_operations import ISSUER_OPERATIONS
from stanchion.model.openapi.operation import Describe, Place
from stanchion.model.openapi.parameters import option_schemas
from stanchion.model.openapi.responses import failure_components, header_components
from stanchion.model.openapi.root_operations import ROOT_OPERATIONS
from stanchion.model.openapi.schemas import (
    common_schemas,
    delta_schema,
    entity_schemas,
    page_schema,
    value_schema,
)
from stanchion.model.openapi.set_operations import SET_OPERATIONS
from stanchion.model.openapi.tokens import token_schemas

_OPERATIONS: dict[tuple[Kind, str], Describe] = {
    **ROOT_OPERATIONS,
    **SET_OPERATIONS,
    **ENTITY_OPERATIONS,
    **ISSUER_OPERATIONS,
}


def openapi_document(root: RootName, origin: str, *, routes: Sequence[Route], facts: Facts) -> JsonObject:
    """Return the description; raises KeyError for a route or method that nobody described."""
    sets = list(dict.fromkeys(route.entity_set for route in routes if route.entity_set is not None))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stanchion",
            "version": facts.version,
            "summary": f"The security-posture API of Microsoft Graph, /{root}, over a ledger of your own.",
            "description": _introduction(facts),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": f"{origin}/{root}"}],
        "tags": _tags(sets),
        "security": _security(facts.read),
        "paths": _paths(root, origin, routes, facts=facts),
        "components": {
            "schemas": _schemas(root, sets, facts=facts),
            "headers": header_components(deprecated=any(s.deprecated for s in sets)),
            "responses": failure_components(),
            "securitySchemes": _schemes(origin, facts),
        },
        "x-limits": dict(facts.limits),
    }


def _paths(root: RootName, origin: str, routes: Iterable[Route], *, facts: Facts) -> JsonObject:
    paths: JsonObject = {}
    for route in routes:
        place = Place(root, origin, route, facts)
        item: JsonObject = {"servers": [{"url": origin}]} if route.kind in ISSUER else {}
        for method in route.methods:
            operation = _OPERATIONS[route.kind, method](place)
            item[method.lower()] = {**operation, **_permission(route, method, facts)}
        paths[route.path] = item
    return paths


def _permission(route: Route, method: str, facts: Facts) -> JsonObject:
    if route.kind in ANONYMOUS:
        return {"security": []}
    if route.kind == "batch":
        # Any token will do: each request in it is judged by itself.
        return {"security": [{"oauth2": []}, {"bearer": []}], "x-permissions": [], "x-roles": []}
    reads = method == "GET"
    permissions, roles = (facts.read, facts.read_roles) if reads else (facts.write, facts.write_roles)
    return {"security": _security(permissions), "x-permissions": [*permissions], "x-roles": [*roles]}


def _security(permissions: Iterable[str]) -> JsonValue:
    """Return what lets a caller in: any one of the permissions, by a token of ours or of another issuer."""
    names = list(permissions)
    return [{scheme: [name]} for name in names for scheme in ("oauth2", "bearer")]


def _schemes(origin: str, facts: Facts) -> JsonObject:
    read_only = [name for name in facts.read if name not in facts.write]
    scopes: JsonObject = {
        **dict.fromkeys(read_only, "Read."),
        **dict.fromkeys(facts.write, "Read and write."),
    }
    flow: JsonObject = {"tokenUrl": f"{origin}/common/oauth2/v2.0/token", "scopes": scopes}
    return {
        "oauth2": {
            "type": "oauth2",
            "description": "A token of our own issuer. Ask for the scope `https://graph.microsoft.com/.default`; "
            "the token has the permissions that the app was given, in `roles`.",
            "flows": {"clientCredentials": flow},
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Any token that the server trusts, also of Entra or another issuer.",
        },
    }


def _schemas(root: RootName, sets: Sequence[EntitySet], *, facts: Facts) -> JsonObject:
    schemas: dict[str, JsonObject] = {
        **common_schemas(root),
        **entity_schemas(sets),
        **option_schemas(),
        **token_schemas(),
    }
    for entity_set in sets:
        name = entity_set.type.name
        schemas[f"{name}Page"] = page_schema(entity_set)
        schemas[f"{name}Delta"] = delta_schema(entity_set)
        schemas[f"{name}Creation"] = creation_schema(entity_set)
        if entity_set is not CONTROL_PROFILES:
            schemas[f"{name}Change"] = change_schema(entity_set)
    schemas["secureScoreNamedChange"] = named_change_schema(SECURE_SCORES)
    schemas["decision"] = decision_schema(root)
    schemas["product"] = product_schema()
    schemas["propertyValue"] = value_schema()
    schemas["batch"] = batch_schema(most=facts.batch_requests)
    schemas["batchAnswer"] = batch_answer_schema()
    return dict(sorted(schemas.items()))


def _tags(sets: Iterable[EntitySet]) -> JsonValue:
    described: list[JsonValue] = [{"name": s.name, "description": s.type.description} for s in sets]
    return [
        *described,
        {"name": "root", "description": "What a root says of itself, and batches."},
        {"name": "issuer", "description": "The built-in issuer of tokens."},
    ]


def _introduction(facts: Facts) -> str:
    return (
        "Answers are in OData JSON 4.0, errors in Graph's envelope. Each operation lists every status that it can "
        "answer with; any other method is 405, but HEAD, which answers wherever GET does, without a body. Segments "
        "of paths match without regard to case. Every answer has `request-id` and `client-request-id`; a long one "
        "is compressed for callers that accept zstd or gzip.\n\n"
        f"Limits: a body of {facts.body_bytes:,} bytes and {facts.json_depth} levels, a path with its query of "
        f"{facts.url_bytes:,} bytes, headers of {facts.header_bytes:,} bytes, a page of {facts.page_rows} rows or "
        f"{facts.page_bytes:,} bytes, a filter of {facts.filter_bytes:,} bytes, {facts.filter_tests} tests and "
        f"{facts.filter_depth} levels, a batch of {facts.batch_requests} requests.\n\n"
        "Text may not hold U+0000, and a number must fit into 64 bits; both are 400. Query options that are "
        "not listed and begin with a dollar sign are 400, or 501 where OData has them."
    )
