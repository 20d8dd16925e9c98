"""The schemas of the token endpoint: the forms that are posted, and what they are answered with."""

from stanchion.model.json_text import JsonObject

_TEXT: JsonObject = {"type": "string"}
_SECONDS: JsonObject = {"type": "integer", "description": "Seconds."}
# The older endpoint writes numbers as text.
_NUMBER: JsonObject = {"type": "string", "pattern": "^[0-9]+$"}


def scope_form() -> JsonObject:
    """Return the schema of the form for a token, by the scope that is asked."""
    scope: JsonObject = {**_TEXT, "pattern": "/\\.default$", "description": "A resource and `/.default`."}
    return _form("scope", scope)


def resource_form() -> JsonObject:
    """Return the schema of the form that clients of the older endpoint post."""
    resource: JsonObject = {**_TEXT, "minLength": 1, "description": "Any resource; it comes back."}
    return _form("resource", resource)


def token_schemas() -> dict[str, JsonObject]:
    """Return the schemas of the answers to both forms, by their names."""
    times: JsonObject = {"expires_in": _SECONDS, "ext_expires_in": _SECONDS}
    older: JsonObject = {
        "expires_in": {**_NUMBER, "description": "Seconds."},
        "ext_expires_in": {**_NUMBER, "description": "Seconds."},
        "expires_on": {**_NUMBER, "description": "Seconds since 1970."},
        "not_before": {**_NUMBER, "description": "Seconds since 1970."},
        "resource": {**_TEXT, "description": "As it was asked."},
    }
    refusal: JsonObject = {
        "type": "object",
        "description": "Why there is no token, in OAuth's form.",
        "required": ["error", "error_description"],
        "properties": {
            "error": {**_TEXT, "description": "For programs, such as `invalid_client`."},
            "error_description": {**_TEXT, "description": "For people."},
        },
    }
    return {"token": _token(times), "resourceToken": _token(older), "tokenRefusal": refusal}


def _form(wanted: str, schema: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "required": ["grant_type", wanted],
        "properties": {
            "grant_type": {**_TEXT, "enum": ["client_credentials"]},
            wanted: schema,
            "client_id": {**_TEXT, "description": "Unless HTTP Basic or the assertion says it."},
            "client_secret": {**_TEXT, "description": "Unless HTTP Basic says it."},
            "client_assertion": {
                **_TEXT,
                "description": "Instead of a secret: a JWT signed by a key of the app.",
            },
            "client_assertion_type": {
                **_TEXT,
                "enum": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
            },
            "claims": {**_TEXT, "description": "The `claims` of a challenge, decoded: JSON."},
        },
    }


def _token(times: JsonObject) -> JsonObject:
    bearer: JsonObject = {**_TEXT, "enum": ["Bearer"]}
    return {
        "type": "object",
        "description": "A token and how long it lasts.",
        "required": ["token_type", "expires_in", "access_token"],
        "properties": {"token_type": bearer, **times, "access_token": _TEXT},
    }
