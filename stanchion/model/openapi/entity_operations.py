"""Operations on one entity and on its properties."""

from collections.abc import Mapping
from types import MappingProxyType

from stanchion.model.edm import CONTROL_PROFILES, Collection, Enumeration, Primitive, StructuredType
from stanchion.model.json_text import JsonObject
from stanchion.model.openapi import examples, parameters
from stanchion.model.openapi.facts import Kind
from stanchion.model.openapi.operation import (
    WITH_OPTIONS,
    Describe,
    Place,
    changed,
    described,
    entity_content,
    entity_name,
    write_options,
)
from stanchion.model.openapi.responses import media, response
from stanchion.model.openapi.schemas import reference


def _get(place: Place) -> JsonObject:
    entity_set = place.entity_set
    return described(
        place,
        f"get{entity_name(entity_set)}",
        f"One of {entity_set.name}",
        given=[
            parameters.key_parameter(entity_set),
            *parameters.item_options(entity_set),
            parameters.request_header("If-None-Match"),
        ],
        answers={
            200: response("The entity.", names=(*place.headers, "ETag"), content=entity_content(place)),
            304: response("The caller has it: `If-None-Match`.", names=(*place.headers, "ETag")),
        },
        refused=WITH_OPTIONS,
    )


def _patch(place: Place) -> JsonObject:
    if place.entity_set is CONTROL_PROFILES:
        return _decide(place)
    entity_set = place.entity_set
    return described(
        place,
        f"update{entity_name(entity_set)}",
        f"Change one of {entity_set.name}",
        description="Complex values merge, collections are replaced, null sets null. The id cannot change.",
        given=[parameters.key_parameter(entity_set), *write_options(entity_set)],
        body=media(reference(f"{entity_set.type.name}Change"), examples.CHANGES[entity_set.name]),
        answers=changed(place),
        refused=(*WITH_OPTIONS, 409, 412),
    )


def _decide(place: Place) -> JsonObject:
    entity_set = place.entity_set
    return described(
        place,
        f"update{entity_name(entity_set)}",
        "Record a decision about a control",
        description="The decision is added to the history of the control, which shows it in `controlStateUpdates`. "
        "204, or 200 with the control under `Prefer: return=representation`. What is decided already is written "
        "no second time.",
        given=[parameters.key_parameter(entity_set), *write_options(entity_set)],
        body=media(reference("decision"), examples.DECISION),
        answers=changed(place),
        refused=(*WITH_OPTIONS, 412),
    )


def _delete(place: Place) -> JsonObject:
    entity_set = place.entity_set
    return described(
        place,
        f"delete{entity_name(entity_set)}",
        f"Remove one of {entity_set.name}",
        description="Its last value stays in the history.",
        given=[parameters.key_parameter(entity_set), parameters.request_header("If-Match")],
        answers={204: response("It is removed.", names=place.headers)},
        refused=(*WITH_OPTIONS, 412),
    )


def _property(place: Place) -> JsonObject:
    entity_set, name = place.entity_set, examples.PROPERTIES[place.entity_set.name]
    entity = examples.ENTITIES[entity_set.name]
    context = f"{place.base}/$metadata#security/{entity_set.name}('{entity['id']}')/{name}"
    content = media(reference("propertyValue"), {"@odata.context": context, "value": entity[name]})
    return described(
        place,
        f"get{entity_name(entity_set)}Property",
        f"A property of one of {entity_set.name}",
        given=[
            parameters.key_parameter(entity_set),
            parameters.property_parameter(
                entity_set, of=(Primitive, Enumeration, StructuredType, Collection)
            ),
            parameters.format_option(),
        ],
        answers={
            200: response("The property.", names=place.headers, content=content),
            204: response("It is null.", names=place.headers),
        },
        refused=WITH_OPTIONS,
    )


def _value(place: Place) -> JsonObject:
    entity_set, name = place.entity_set, examples.PROPERTIES[place.entity_set.name]
    text = str(examples.ENTITIES[entity_set.name][name])
    return described(
        place,
        f"get{entity_name(entity_set)}PropertyValue",
        f"A property of one of {entity_set.name} as plain text",
        description="Of single values only: neither collections nor complex values have a text.",
        given=[
            parameters.key_parameter(entity_set),
            parameters.property_parameter(entity_set, of=(Primitive, Enumeration)),
        ],
        answers={
            200: response(
                "The text.",
                names=place.headers,
                content=media({"type": "string"}, text, media_type="text/plain"),
            ),
            204: response("It is null.", names=place.headers),
        },
        refused=WITH_OPTIONS,
    )


def _property_count(place: Place) -> JsonObject:
    entity_set = place.entity_set
    number: JsonObject = {"type": "string", "pattern": "^[0-9]+$"}
    return described(
        place,
        f"count{entity_name(entity_set)}Items",
        f"How many items a collection of one of {entity_set.name} has",
        given=[
            parameters.key_parameter(entity_set),
            parameters.property_parameter(entity_set, of=(Collection,)),
        ],
        answers={
            200: response(
                "The number.", names=place.headers, content=media(number, "2", media_type="text/plain")
            )
        },
        refused=WITH_OPTIONS,
    )


ENTITY_OPERATIONS: Mapping[tuple[Kind, str], Describe] = MappingProxyType(
    {
        ("entity", "GET"): _get,
        ("entity", "PATCH"): _patch,
        ("entity", "DELETE"): _delete,
        ("property", "GET"): _property,
        ("value", "GET"): _value,
        ("property count", "GET"): _property_count,
    }
)
