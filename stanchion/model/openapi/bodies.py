"""The schemas of what is sent of entities: new ones, changes to them, and decisions.

- A decision has the names of both published versions; on `/v1.0` it must name the product that owns the control.
- A new score needs an id or a day to make one of, a new control an id; a user gets one.
- What is control information is read over.
- What depends on what else is sent stands in `if` and `then`: generators of code make nothing of it, and would lose
  the properties beside an `anyOf`.
"""

from stanchion.model.check import MAX_ID_CHARACTERS
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, EntitySet, RootName
from stanchion.model.json_text import JsonObject
from stanchion.model.openapi.schemas import property_schema, reference, structured_schema

STATES = ("Default", "Ignored", "ThirdParty", "Reviewed", "AlternateMitigation")
COMMANDS = ("assignedTo", "comment", "tenantNote", "state")
_ID_PATTERN = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$"
_NAME: JsonObject = {"type": "string", "minLength": 1}


def decision_schema(root: RootName) -> JsonObject:
    """Return the schema of a PATCH of a control."""
    text: JsonObject = {"type": ["string", "null"]}
    state: JsonObject = {
        "type": "string",
        "enum": list(STATES),
        "description": "What is decided; read without regard to case.",
    }
    product = reference("product")
    schema: JsonObject = {
        "type": "object",
        "description": "A decision about a control. What is not sent stays; other properties of the control may be "
        "sent back with the values that they have.",
        "properties": {
            "state": state,
            "comment": {**text, "description": "The reason; null clears it."},
            "assignedTo": {**text, "description": "Who has it in hand; null clears it."},
            "tenantNote": {**text, "description": "The same as `comment`, by its older name."},
            "vendorInformation": product if root == "v1.0" else {"anyOf": [product, {"type": "null"}]},
        },
        "additionalProperties": True,
    }
    return {**schema, "required": ["vendorInformation"]} if root == "v1.0" else schema


def product_schema() -> JsonObject:
    """Return the schema of the product that owns what is written."""
    return {
        "type": "object",
        "description": "The product that must own what is written.",
        "required": ["vendor", "provider"],
        "properties": {
            "vendor": {**_NAME, "description": "Its maker."},
            "provider": {**_NAME, "description": "Its name."},
        },
    }


def creation_schema(entity_set: EntitySet) -> JsonObject:
    """Return the schema of a POST to a set."""
    schema = _part(entity_set)
    if entity_set is SECURE_SCORES:
        return {**schema, **_without_id("createdDateTime", {"type": "string", "format": "date-time"})}
    if entity_set is CONTROL_PROFILES:
        # As open properties they would be carried out by whoever sends back what they read.
        return {**schema, "required": ["id"], "propertyNames": {"not": {"enum": list(COMMANDS)}}}
    return schema


def change_schema(entity_set: EntitySet) -> JsonObject:
    """Return the schema of a PATCH that merges."""
    return _part(entity_set)


def named_change_schema(entity_set: EntitySet) -> JsonObject:
    """Return the schema of a PATCH that names its entity in the body."""
    return {**_part(entity_set), **_without_id("vendorInformation", reference("product"))}


def _without_id(name: str, schema: JsonObject) -> JsonObject:
    """Return that a body without an id must have another property, of this schema."""
    then: JsonObject = {"required": [name], "properties": {name: schema}}
    return {"if": {"not": {"required": ["id"]}}, "then": then}


def _part(entity_set: EntitySet) -> JsonObject:
    properties = {p.name: property_schema(p) for p in entity_set.type.properties}
    properties["id"] = {
        **properties["id"],
        "minLength": 1,
        "maxLength": MAX_ID_CHARACTERS,
        "pattern": _ID_PATTERN,
    }
    schema = structured_schema(entity_set.type, properties)
    return {**schema, "description": f"What is sent of one of {entity_set.name}."}
