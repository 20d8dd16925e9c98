"""Operations on whole sets: lists, counts, changes since, and adding to them."""

from collections.abc import Mapping
from types import MappingProxyType

from stanchion.model.edm import SECURE_SCORES
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
    set_name,
    write_options,
)
from stanchion.model.openapi.responses import media, response
from stanchion.model.openapi.schemas import reference


def _list(place: Place) -> JsonObject:
    entity_set = place.entity_set
    content = media(
        reference(f"{entity_set.type.name}Page"), examples.page_example(entity_set, base=place.base)
    )
    return described(
        place,
        f"list{set_name(place)}",
        f"A page of {entity_set.name}",
        description="Follow `@odata.nextLink` as it is, with the `$skiptoken` in it, until there is none.",
        given=[
            *parameters.list_options(entity_set, place.facts),
            parameters.request_header("maxpagesize"),
        ],
        answers={200: response("A page.", names=(*place.headers, "Preference-Applied"), content=content)},
        refused=WITH_OPTIONS,
    )


def _create(place: Place) -> JsonObject:
    entity_set = place.entity_set
    entity = entity_content(place)
    links: JsonObject = {
        "get": {"operationId": f"get{entity_name(entity_set)}", "parameters": {"id": "$response.body#/id"}},
    }
    names = (*place.headers, "ETag", "Location", "Preference-Applied")
    return described(
        place,
        f"create{entity_name(entity_set)}",
        f"Add one of {entity_set.name}",
        description="What exists with the same content is answered with 200 and not written again.",
        given=[*parameters.item_options(entity_set), parameters.request_header("Prefer")],
        body=media(reference(f"{entity_set.type.name}Creation"), examples.CREATIONS[entity_set.name]),
        answers={
            200: response("It was there already.", names=names, content=entity, links=links),
            201: response("It was added.", names=names, content=entity, links=links),
            204: response("It is there; `Prefer: return=minimal`.", names=(*names, "OData-EntityId")),
        },
        refused=(*WITH_OPTIONS, 409),
    )


def _count(place: Place) -> JsonObject:
    entity_set = place.entity_set
    number: JsonObject = {"type": "string", "pattern": "^[0-9]+$"}
    return described(
        place,
        f"count{set_name(place)}",
        f"How many {entity_set.name} there are",
        given=[parameters.filter_option(entity_set, place.facts)],
        answers={
            200: response(
                "The number.", names=place.headers, content=media(number, "42", media_type="text/plain")
            )
        },
        refused=WITH_OPTIONS,
    )


def _delta(place: Place) -> JsonObject:
    entity_set = place.entity_set
    base = f"{place.base}/security/{entity_set.name}/delta()"
    example: JsonObject = {
        "@odata.context": f"{place.base}/$metadata#security/{entity_set.name}/$delta",
        "@odata.deltaLink": f"{base}?$deltatoken=opaque",
        "value": [examples.ENTITIES[entity_set.name], {"id": "gone", "@removed": {"reason": "deleted"}}],
    }
    return described(
        place,
        f"delta{set_name(place)}",
        f"What changed in {entity_set.name}",
        description="All of them at first; `@odata.deltaLink` of the last page, with the `$deltatoken` in it, asks "
        "later for what changed since. `$deltatoken=latest` begins with what changes from now on.",
        given=[
            parameters.top_option(entity_set, place.facts, least=1),
            *parameters.item_options(entity_set),
            parameters.request_header("maxpagesize"),
        ],
        answers={
            200: response(
                "A page of changes.",
                names=(*place.headers, "Preference-Applied"),
                content=media(reference(f"{entity_set.type.name}Delta"), example),
            )
        },
        refused=(*WITH_OPTIONS, 410),
    )


def _patch_named(place: Place) -> JsonObject:
    return described(
        place,
        "updateSecureScoreNamedInBody",
        "Change the score that the body names",
        description="By its `id`, else the newest score of the product in `vendorInformation`.",
        given=write_options(SECURE_SCORES),
        body=media(reference("secureScoreNamedChange"), examples.NAMED_CHANGE),
        answers=changed(place),
        refused=(*WITH_OPTIONS, 409, 412),
    )


SET_OPERATIONS: Mapping[tuple[Kind, str], Describe] = MappingProxyType(
    {
        ("set", "GET"): _list,
        ("set", "POST"): _create,
        ("set", "PATCH"): _patch_named,
        ("count", "GET"): _count,
        ("delta", "GET"): _delta,
    }
)
