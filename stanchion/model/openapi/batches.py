"""The schemas of `$batch`: several requests in one body, and their answers in another."""

from stanchion.model.json_text import JsonObject

_TEXT: JsonObject = {"type": "string"}
_ID: JsonObject = {"type": ["string", "integer"], "minLength": 1, "maxLength": 256}


def batch_schema(*, most: int) -> JsonObject:
    """Return the schema of a batch of at most so many requests."""
    depends_on: JsonObject = {
        "type": ["array", "null"],
        "items": _ID,
        "description": "Ids of earlier requests that must succeed; else 424.",
    }
    item: JsonObject = {
        "type": "object",
        "required": ["id", "method", "url"],
        "properties": {
            "id": {**_ID, "description": "Comes back as text; once in a batch, in any case."},
            "method": {**_TEXT, "pattern": "^[A-Za-z]{1,16}$"},
            "url": {
                **_TEXT,
                "minLength": 1,
                "description": "Relative to the root, such as `/security/secureScores?$top=1`, or an address here.",
            },
            "headers": {
                "type": ["object", "null"],
                "maxProperties": 1000,
                "propertyNames": {"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"},
                "additionalProperties": {**_TEXT, "pattern": "^[\\t\\u0020-\\u007e\\u0080-\\u00ff]*$"},
            },
            "body": {"description": "Of POST and PATCH: an object, or one as text in base64url."},
            "dependsOn": depends_on,
            "atomicityGroup": {"type": "null", "description": "Not offered: 501."},
            "if": {"type": "null", "description": "Not offered: 501."},
        },
    }
    requests: JsonObject = {"type": "array", "minItems": 1, "maxItems": most, "items": item}
    return {"type": "object", "required": ["requests"], "properties": {"requests": requests}}


def batch_answer_schema() -> JsonObject:
    """Return the schema of the answers to a batch, in the order of its requests."""
    item: JsonObject = {
        "type": "object",
        "required": ["id", "status", "headers"],
        "properties": {
            "id": _TEXT,
            "status": {"type": "integer", "minimum": 200, "maximum": 599},
            "headers": {"type": "object", "additionalProperties": _TEXT},
            "body": {"description": "JSON as it is, text as a text, anything else as a text in base64url."},
        },
    }
    responses: JsonObject = {"type": "array", "items": item}
    return {"type": "object", "required": ["responses"], "properties": {"responses": responses}}
