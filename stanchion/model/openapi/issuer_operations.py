"""Operations of the built-in issuer, which lie beside the roots: tokens, and what verifies them.

- The token endpoint has two forms: with `scope`, and the older one with `resource`.
- Its refusals have OAuth's form; what is wrong with the request as such is told as everywhere.
- Nothing that it answers with a token is compressed or kept.
"""

from collections.abc import Mapping
from types import MappingProxyType

from stanchion.model.json_text import JsonObject
from stanchion.model.openapi import examples, parameters
from stanchion.model.openapi.facts import Kind
from stanchion.model.openapi.operation import Describe, Place, described
from stanchion.model.openapi.responses import EVERYWHERE, IDS, media, response
from stanchion.model.openapi.schemas import reference
from stanchion.model.openapi.tokens import resource_form, scope_form

_FORM = "application/x-www-form-urlencoded"


def _token(place: Place) -> JsonObject:
    return _token_operation(
        place,
        "getToken",
        "A bearer token for an application",
        body=media(scope_form(), examples.SCOPE_FORM, media_type=_FORM),
        answer=media(reference("token"), examples.TOKEN),
    )


def _resource_token(place: Place) -> JsonObject:
    return _token_operation(
        place,
        "getTokenForResource",
        "The same for clients of the older endpoint",
        body=media(resource_form(), examples.RESOURCE_FORM, media_type=_FORM),
        answer=media(reference("resourceToken"), examples.RESOURCE_TOKEN),
    )


def _token_operation(
    place: Place, name: str, summary: str, *, body: JsonObject, answer: JsonObject
) -> JsonObject:
    refused = media({"anyOf": [reference("tokenRefusal"), reference("odataError")]})
    return described(
        place,
        name,
        summary,
        description="Client credentials (RFC 6749 4.4): a secret in the form or by HTTP Basic, or an assertion "
        "signed by a key of the app.",
        given=[parameters.tenant_parameter()],
        body=body,
        answers={
            200: response("A token.", names=EVERYWHERE, content=answer),
            400: response("The form is not one for a token.", names=EVERYWHERE, content=refused),
            401: response("The client did not show who it is.", names=EVERYWHERE, content=refused),
            429: response("It failed too often.", names=(*EVERYWHERE, "Retry-After"), content=refused),
        },
        refused=(503,),
    )


def _configuration(place: Place) -> JsonObject:
    schema: JsonObject = {"type": "object", "required": ["issuer", "token_endpoint", "jwks_uri"]}
    return described(
        place,
        "getOpenIdConfiguration",
        "What the issuer says of itself",
        description="The same without `v2.0` in the path, for clients of the older endpoint.",
        given=[parameters.tenant_parameter()],
        answers={200: response("Its configuration.", names=IDS, content=media(schema))},
        refused=(404,),
    )


def _keys(place: Place) -> JsonObject:
    keys: JsonObject = {"type": "array", "items": {"type": "object"}}
    schema: JsonObject = {"type": "object", "required": ["keys"], "properties": {"keys": keys}}
    return described(
        place,
        "getKeys",
        "The keys that verify tokens now (JWKS)",
        description="The same without `v2.0` in the path.",
        given=[parameters.tenant_parameter()],
        answers={200: response("The keys.", names=IDS, content=media(schema))},
    )


ISSUER_OPERATIONS: Mapping[tuple[Kind, str], Describe] = MappingProxyType(
    {
        ("token", "POST"): _token,
        ("resource token", "POST"): _resource_token,
        ("configuration", "GET"): _configuration,
        ("keys", "GET"): _keys,
    }
)
