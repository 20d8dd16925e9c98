"""Microsoft's own description of these paths, with what it says otherwise than Graph does laid over it.

Answers are held to it as it is, but for what no store keeps. Of what may be sent it says far too much: which names
can be ordered by, what a new entity needs and what of a control may change stands in Graph's documentation only.
That is laid over it, so that most requests made up from it succeed, and the answers to them are seen.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import yaml

from stanchion.model.edm import RootName
from stanchion.model.json_text import JsonObject, JsonValue
from tests.contract.running import Target, known_ids

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "reference" / "openapi"
_STATES: list[JsonValue] = ["Default", "Ignored", "ThirdParty", "Reviewed", "AlternateMitigation"]
_COMMANDS: dict[str, JsonObject] = {
    "assignedTo": {"type": "string", "nullable": True},
    "comment": {"type": "string", "nullable": True},
    "state": {"type": "string", "enum": _STATES},
}
_PRODUCT: JsonObject = {
    "type": "object",
    "required": ["vendor", "provider"],
    "properties": {
        "vendor": {"type": "string", "enum": ["Microsoft"]},
        "provider": {"type": "string", "enum": ["SecureScore"]},
    },
    "additionalProperties": False,
}
_NEW_ID: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
_DAY: JsonObject = {
    "type": "string",
    "format": "date-time",
    "pattern": "^20[0-9]{2}-0[1-9]-[12][0-9]T00:00:00Z$",
}
_FILTERS: list[JsonValue] = [
    "id eq 'control-007'",
    "contains(id,'1') and not endswith(id,'2')",
    "azureTenantId ne null or id in ('a','b')",
    "vendorInformation/vendor eq 'Microsoft'",
    "length(id) mod 2 eq 1",
]
_NULL_OBJECT: list[JsonObject] = [{"nullable": True, "type": "object"}]
_NAMES_OF_NUMBERS: list[JsonObject] = [
    {"type": "string"},
    {"$ref": "#/components/schemas/ReferenceNumeric"},
]


def description(root: RootName, *, own: JsonObject, target: Target) -> JsonObject:
    """Return Microsoft's description of a root; `own` is ours, whose lists of statuses are more exact."""
    text = (FOLDER / f"openapi-{root}-security.yaml").read_text(encoding="utf-8")
    document = cast("JsonObject", yaml.safe_load(text))
    _require_no_type(document)
    _keep_to_stored_values(document)
    for path, method, operation in _operations(document):
        ours = _own_operation(own, path, method)
        operation["responses"] = _responses(operation, statuses=_object(ours["responses"]))
        _offer_what_is_taken(document, operation, ours)
        _name_what_is_there(operation, known_ids(target.ids, path, method=method))
        if "requestBody" in operation:
            sent = _sent(_declared(document, operation), path, method, tenant=target.tenant)
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": sent}}}
    return document


def _offer_what_is_taken(document: JsonObject, operation: JsonObject, ours: JsonObject) -> None:
    """Leave the options that are there for these types, with values that mean something."""
    schemas = {p["name"]: _object(p["schema"]) for p in cast("list[JsonObject]", ours["parameters"])}
    kept: list[JsonValue] = []
    for given in cast("list[JsonObject]", operation.get("parameters", [])):
        parameter = _resolved(document, given)
        match parameter["name"]:
            case "$expand" | "$search":
                # These types have nothing to expand, and none is searched.
                continue
            case "$filter":
                parameter = {**parameter, "schema": {"type": "string", "enum": _FILTERS}}
            case "If-Match":
                parameter = {**parameter, "schema": {"type": "string", "enum": ["*"]}}
            case "$orderby":
                items = _object(_object(parameter["schema"])["items"])
                pattern = str(schemas["$orderby"]["pattern"])
                names = cast("list[str]", items["enum"])
                items["enum"] = [name for name in names if re.fullmatch(pattern, name)]
                _object(parameter["schema"])["minItems"] = 1
            case "$select":
                _object(parameter["schema"])["minItems"] = 1
        kept.append(parameter)
    operation["parameters"] = kept


def _name_what_is_there(operation: JsonObject, ids: Sequence[str]) -> None:
    for parameter in cast("list[JsonObject]", operation["parameters"]):
        if parameter["in"] == "path":
            parameter["schema"] = {"type": "string", "enum": [*ids, "nobody"]}


def _declared(document: JsonObject, operation: JsonObject) -> JsonObject:
    """Return the properties that the type of a body declares itself."""
    content = _object(_object(operation["requestBody"])["content"])
    body = _resolved(document, _object(_object(content["application/json"])["schema"]))
    return _object(_object(cast("list[JsonValue]", body["allOf"])[1])["properties"])


def _sent(declared: JsonObject, path: str, method: str, *, tenant: str) -> JsonObject:
    """Return what is sent of an entity: a new one with what it needs, of a control what may change, of others all."""
    controls = "secureScoreControlProfiles" in path
    named: JsonObject = {"azureTenantId": {"type": "string", "enum": [tenant]}}
    if controls and method == "patch":
        return _shape({**_COMMANDS, **named, "vendorInformation": _PRODUCT}, required=["vendorInformation"])
    properties = {**declared, **named}
    if method == "patch":
        return _shape(properties, required=[])
    properties["id"] = _NEW_ID
    if "createdDateTime" in declared:
        properties["createdDateTime"] = _DAY
    return _shape(properties, required=["id"])


def _shape(properties: JsonObject, *, required: list[JsonValue]) -> JsonObject:
    shape: JsonObject = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**shape, "required": required} if required else shape


def _require_no_type(value: JsonValue) -> None:
    """Let `@odata.type` be left out: Graph itself sends it only where the type is not the declared one."""
    if isinstance(value, dict):
        required = value.get("required")
        if isinstance(required, list):
            value["required"] = [name for name in required if name != "@odata.type"]
            if not value["required"]:
                del value["required"]
        value.pop("discriminator", None)
        for member in value.values():
            _require_no_type(member)
    elif isinstance(value, list):
        for item in value:
            _require_no_type(item)


def _keep_to_stored_values(value: JsonValue) -> None:
    """Let doubles be numbers and items be there: Graph sends neither NaN nor null items, and here neither is kept."""
    if isinstance(value, dict):
        _without_alternatives(value, "oneOf", beside=_NAMES_OF_NUMBERS)
        if isinstance(items := value.get("items"), dict):
            _without_alternatives(items, "anyOf", beside=_NULL_OBJECT)
            items.pop("nullable", None)
        for member in value.values():
            _keep_to_stored_values(member)
    elif isinstance(value, list):
        for item in value:
            _keep_to_stored_values(item)


def _without_alternatives(schema: JsonObject, kind: str, *, beside: list[JsonObject]) -> None:
    first, *others = cast("list[JsonObject]", schema.get(kind) or [{}])
    if others == beside:
        del schema[kind]
        schema.update(first)


def _responses(operation: JsonObject, *, statuses: Mapping[str, object]) -> JsonObject:
    """Name each status for the ranges 2XX, 4XX and 5XX: those that our own description lists.

    A write of Graph's may also be 204 without a body, which Microsoft's description does not know.
    """
    given = _object(operation["responses"])
    success = given.get("2XX", given.get("204"))
    named: JsonObject = {}
    for status in statuses:
        if status == "204":
            named[status] = {"description": "Done, without a body."}
        elif status.startswith("2"):
            named[status] = success
        elif status.startswith(("4", "5")):
            named[status] = given["4XX"]
    return named


def _own_operation(own: JsonObject, path: str, method: str) -> JsonObject:
    """Return the operation of ours at this path, whatever its parameter is called."""
    prefix, brace, _ = path.partition("{")
    ours = _object(_object(own["paths"])[prefix + ("{id}" if brace else "")])
    return _object(ours[method])


def _resolved(document: JsonObject, value: JsonObject) -> JsonObject:
    """Return what a reference leads to, else the value itself."""
    if "$ref" not in value:
        return value
    found: JsonValue = document
    for name in str(value["$ref"]).removeprefix("#/").split("/"):
        found = _object(found)[name]
    return _object(found)


def _operations(document: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    for path, item in _object(document["paths"]).items():
        for method, operation in _object(item).items():
            if method in {"get", "post", "patch", "delete"}:
                yield path, method, _object(operation)


def _object(value: JsonValue) -> JsonObject:
    return cast("JsonObject", value)
