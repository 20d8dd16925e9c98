"""Operations that belong to no set: what a root says of itself, and batches."""

from collections.abc import Mapping
from types import MappingProxyType

from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.openapi import examples, parameters
from stanchion.model.openapi.facts import Kind
from stanchion.model.openapi.operation import WITH_OPTIONS, Describe, Place, described
from stanchion.model.openapi.responses import EVERYWHERE, JSON, ODATA, media, response
from stanchion.model.openapi.schemas import reference

_TEXT: JsonObject = {"type": "string"}


def _service_document(place: Place) -> JsonObject:
    entry: JsonObject = {"name": "security", "kind": "Singleton", "url": "security"}
    example: JsonObject = {"@odata.context": f"{place.base}/$metadata", "value": [entry]}
    summary = "What the root has"
    content = media(reference("serviceDocument"), example)
    return described(
        place,
        "getServiceDocument",
        summary,
        given=[parameters.format_option()],
        answers={200: response(summary, names=(*ODATA, "Link"), content=content)},
        refused=WITH_OPTIONS,
    )


def _metadata(place: Place) -> JsonObject:
    content = {**media(_TEXT, media_type="application/xml"), **media({"type": "object"})}
    summary = "The entity data model (CSDL)"
    return described(
        place,
        "getMetadata",
        summary,
        given=[parameters.metadata_format_option()],
        answers={200: response(summary, names=ODATA, content=content)},
        refused=WITH_OPTIONS,
    )


def _openapi(place: Place) -> JsonObject:
    schema: JsonObject = {"type": "object", "required": ["openapi", "info", "paths"]}
    return _description(place, "getOpenApi", "This description", content=media(schema))


def _documentation(place: Place) -> JsonObject:
    content = media(_TEXT, media_type="text/html")
    return _description(place, "getDocumentation", "This description, to be read", content=content)


def _description(place: Place, name: str, summary: str, *, content: JsonObject) -> JsonObject:
    names = (*EVERYWHERE, "ETag")
    answers = {
        200: response(summary, names=names, content=content),
        304: response("The caller has it: `If-None-Match`.", names=names),
    }
    given = [parameters.request_header("If-None-Match")]
    return described(place, name, summary, given=given, answers=answers)


def _singleton(place: Place) -> JsonObject:
    example: JsonObject = {"@odata.context": f"{place.base}/$metadata#security"}
    return described(
        place,
        "getSecurity",
        "The singleton that contains the sets",
        given=[parameters.format_option()],
        answers={
            200: response(
                "The singleton.", names=place.headers, content=media(reference("security"), example)
            ),
        },
        refused=WITH_OPTIONS,
    )


def _batch(place: Place) -> JsonObject:
    requests: list[JsonValue] = [
        {"id": "1", "method": "GET", "url": "/security/secureScores?$top=1"},
        {
            "id": "2",
            "method": "PATCH",
            "url": f"/security/secureScoreControlProfiles/{examples.KEYS['secureScoreControlProfiles']}",
            "headers": {"Content-Type": JSON},
            "body": examples.DECISION,
        },
    ]
    answers: JsonObject = {"responses": [{"id": "2", "status": 204, "headers": {}}]}
    return described(
        place,
        "batch",
        "Several requests in one",
        description=f"Up to {place.facts.batch_requests} requests, each with its own answer, permission and log "
        "line. The batch is 200 whatever they came to.",
        given=[],
        body=media(reference("batch"), {"requests": requests}),
        answers={
            200: response(
                "The answers.", names=place.headers, content=media(reference("batchAnswer"), answers)
            ),
        },
        refused=(501,),
    )


ROOT_OPERATIONS: Mapping[tuple[Kind, str], Describe] = MappingProxyType(
    {
        ("service document", "GET"): _service_document,
        ("metadata", "GET"): _metadata,
        ("openapi", "GET"): _openapi,
        ("documentation", "GET"): _documentation,
        ("singleton", "GET"): _singleton,
        ("batch", "POST"): _batch,
    }
)
