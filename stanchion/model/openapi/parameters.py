"""The parameters of operations: keys in the path, query options, headers.

- What can be named in `$orderby` is read from the entity types; `$select` may name what no type declares.
- `$search`, `$expand`, `$apply` and `$compute` are refused, and so are no parameters.
"""

from collections.abc import Iterator

from stanchion.model.check import MAX_ID_CHARACTERS
from stanchion.model.edm import EntitySet, Primitive, StructuredType
from stanchion.model.json_text import JsonObject
from stanchion.model.openapi.examples import FILTERS, KEYS, ORDERS, PROPERTIES, SELECTIONS
from stanchion.model.openapi.facts import Facts
from stanchion.model.openapi.schemas import reference


def key_parameter(entity_set: EntitySet) -> JsonObject:
    """Return the parameter that names one entity."""
    return {
        "name": "id",
        "in": "path",
        "required": True,
        "description": f"The id of one of {entity_set.name}, percent-encoded; "
        f"`/{entity_set.name}('{{id}}')` with quotes doubled says the same.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARACTERS},
        "example": KEYS[entity_set.name],
    }


def property_parameter(entity_set: EntitySet, *, of: tuple[type, ...]) -> JsonObject:
    """Return the parameter that names a property of an entity, of one of these kinds of type."""
    names = [p.name for p in entity_set.type.properties if isinstance(p.type, of)]
    usual = PROPERTIES[entity_set.name]
    return {
        "name": "property",
        "in": "path",
        "required": True,
        "description": "A property; parts of it follow as further segments, such as `vendorInformation/provider`.",
        "schema": {"type": "string", "enum": [*names]},
        "example": usual if usual in names else names[0],
    }


def tenant_parameter() -> JsonObject:
    """Return the parameter that names a tenant to the issuer."""
    return {
        "name": "tenant",
        "in": "path",
        "required": True,
        "description": "A tenant id, or a name such as `common`: the app says which tenant it is of.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$"},
        "example": "common",
    }


def list_options(entity_set: EntitySet, facts: Facts) -> list[JsonObject]:
    """Return the query options of a list."""
    count = _option("$count", {"type": "boolean"}, "Whether to say how many there are.", example=True)
    return [
        *page_options(entity_set, facts),
        filter_option(entity_set, facts),
        _order_option(entity_set),
        count,
        *item_options(entity_set),
    ]


def page_options(entity_set: EntitySet, facts: Facts) -> list[JsonObject]:
    """Return the options by which a client goes through pages."""
    skip: JsonObject = {"type": "integer", "minimum": 0}
    return [
        top_option(entity_set, facts, least=0),
        _option("$skip", skip, "Rows to leave out before the first.", example=1),
    ]


def top_option(entity_set: EntitySet, facts: Facts, *, least: int) -> JsonObject:
    """Return the option that says how long a page is."""
    description = (
        f"Rows of a page, {entity_set.default_page_size} unless given; more than {facts.page_rows} are "
        f"{facts.page_rows}. A page ends at {facts.page_bytes:,} bytes."
    )
    return _option("$top", {"type": "integer", "minimum": least}, description, example=5)


def filter_option(entity_set: EntitySet, facts: Facts) -> JsonObject:
    """Return the option that says which entities."""
    description = (
        f"Which entities: up to {facts.filter_bytes:,} bytes, {facts.filter_tests} tests and "
        f"{facts.filter_depth} levels."
    )
    return _option("$filter", {"type": "string"}, description, example=FILTERS[entity_set.name])


def metadata_format_option() -> JsonObject:
    """Return the option that names the media type of the entity data model."""
    described = "The media type of the answer, before `Accept`."
    return _option("$format", reference("metadataFormat"), described, example="xml")


def item_options(entity_set: EntitySet) -> list[JsonObject]:
    """Return the query options of a request for one entity."""
    name = r"[A-Za-z_][A-Za-z0-9_]*"
    path = rf"({name}(/{name})*|\*)"
    pattern = rf"^{path}(,{path})*$"
    description = "The properties to answer, separated by commas; parts of them by paths, * for all."
    select = _option(
        "$select", {"type": "string", "pattern": pattern}, description, example=SELECTIONS[entity_set.name]
    )
    return [select, format_option()]


def format_option() -> JsonObject:
    """Return the option that names the media type."""
    described = (
        "The media type of the answer, before `Accept`: JSON, and how much of its metadata. With "
        "`;IEEE754Compatible=true` counts are texts."
    )
    return _option("$format", reference("format"), described, example="json")


def option_schemas() -> dict[str, JsonObject]:
    """Return the schemas that parameters of many operations share, by their names."""
    levels = "(;odata\\.metadata=(none|minimal|full))?"
    return {
        "format": {"type": "string", "pattern": f"^(json|application/json){levels}$"},
        "metadataFormat": {"type": "string", "enum": ["xml", "application/xml", "json", "application/json"]},
        "odataVersion": {"type": "string", "enum": ["4.0", "4.01"]},
    }


def request_header(name: str) -> JsonObject:
    """Return a header that a request may have, by its name; `maxpagesize` is the `Prefer` of lists."""
    schema, description, example = _HEADERS[name]
    header = "Prefer" if name == "maxpagesize" else name
    return {"name": header, "in": "header", "description": description, "schema": schema, "example": example}


def _option(
    name: str, schema: JsonObject, description: str, *, example: str | int | bool | None = None
) -> JsonObject:
    option: JsonObject = {"name": name, "in": "query", "description": description, "schema": schema}
    return option if example is None else {**option, "example": example}


def _order_option(entity_set: EntitySet) -> JsonObject:
    names = "|".join(_sortable(entity_set.type, prefix=""))
    key = f"({names})( (asc|desc))?"
    default = "newest first" if entity_set.newest_first else "id"
    description = (
        f"The order: properties, each with asc or desc, separated by commas; {default} unless given."
    )
    return _option(
        "$orderby",
        {"type": "string", "pattern": f"^{key}(,{key})*$"},
        description,
        example=ORDERS[entity_set.name],
    )


def _sortable(kind: StructuredType, *, prefix: str) -> Iterator[str]:
    for prop in kind.properties:
        if isinstance(prop.type, StructuredType):
            yield from _sortable(prop.type, prefix=f"{prefix}{prop.name}/")
        elif isinstance(prop.type, Primitive):
            yield prefix + prop.name


_TAGS: JsonObject = {"type": "string", "pattern": r'^(\*|W/"[A-Za-z0-9-]+")$'}
_HEADERS: dict[str, tuple[JsonObject, str, str]] = {
    "If-Match": (
        _TAGS,
        "The entity tag that the entity must have, or *; else 412. Several are separated by commas.",
        "*",
    ),
    "If-None-Match": (
        _TAGS,
        "The entity tag that the caller holds: 304 where it is the present one.",
        'W/"4c1f9a-17"',
    ),
    "Prefer": (
        {"type": "string"},
        "`return=representation` or `return=minimal`: whether the answer holds the entity.",
        "return=representation",
    ),
    "client-request-id": (
        {"type": "string"},
        "The caller's own id of the request, which comes back where it is 1 to 128 printable characters.",
        "4d6f2c1e-8a53-4b7f-9e20-53c1a7d80b96",
    ),
    "maxpagesize": (
        {"type": "string"},
        "`odata.maxpagesize` with a number: rows of a page, where that is less than it would be.",
        "odata.maxpagesize=50",
    ),
    "OData-MaxVersion": (reference("odataVersion"), "At least 4.0, else 400.", "4.0"),
}
