"""What an operation's description is made of: its place, its names, and the statuses that every one of its kind has.

- An operation lists each status that it can answer with: no `default`, no `4XX`.
- Every operation with a token can be 401, 403, 429 and 503; with query options 501; with a body 408, 413, 415.
- HEAD goes with every GET and is not listed.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from stanchion.model.edm import EntitySet, RootName
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.openapi import examples, parameters
from stanchion.model.openapi.facts import ANONYMOUS, ISSUER, Facts, Route
from stanchion.model.openapi.responses import DEPRECATED, ODATA, failures, media, response
from stanchion.model.openapi.schemas import reference


class Place(NamedTuple):
    """Where an operation is described: its route, and what is the same for the whole document."""

    root: RootName
    origin: str
    route: Route
    facts: Facts

    @property
    def base(self) -> str:
        """The address of the root."""
        return f"{self.origin}/{self.root}"

    @property
    def entity_set(self) -> EntitySet:
        """The set that the route is of."""
        return cast("EntitySet", self.route.entity_set)

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers of each answer."""
        of_a_set = self.route.entity_set
        return (*ODATA, *DEPRECATED) if of_a_set is not None and of_a_set.deprecated else ODATA


Describe = Callable[[Place], JsonObject]

_ANY = (400, 406, 414, 421, 431, 500)
# 412 is for an isolation: no answer is a snapshot.
_WITH_TOKEN = (401, 403, 412, 429, 503)
_WITH_BODY = (408, 413, 415)
# 404 is for a version of the schema, by `$schemaversion`.
WITH_OPTIONS = (404, 501)


def described(
    place: Place,
    name: str,
    summary: str,
    *,
    description: str = "",
    given: list[JsonObject],
    answers: Mapping[int, JsonObject],
    refused: tuple[int, ...] = (),
    body: JsonObject | None = None,
) -> JsonObject:
    """Return an operation; `refused` are statuses beyond those that every operation can be refused with."""
    kind, writes = place.route.kind, body is not None
    statuses = {*_ANY, *refused, *(() if kind in ANONYMOUS else _WITH_TOKEN), *(_WITH_BODY if writes else ())}
    operation: JsonObject = {"operationId": name, "summary": summary, "tags": [_tag(place.route)]}
    if description:
        operation["description"] = description
    operation["parameters"] = cast("JsonValue", [*given, *_headers(place)])
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    answered = {str(status): answer for status, answer in answers.items()}
    operation["responses"] = dict(sorted({**failures(statuses), **answered}.items()))
    if place.route.entity_set is not None and place.route.entity_set.deprecated:
        operation["deprecated"] = True
    return operation


def _headers(place: Place) -> list[JsonObject]:
    names = ["client-request-id"]
    if place.route.kind not in {"openapi", "documentation", *ISSUER}:
        names.append("OData-MaxVersion")
    return [parameters.request_header(name) for name in names]


def _tag(route: Route) -> str:
    if route.entity_set is not None:
        return route.entity_set.name
    return "issuer" if route.kind in ISSUER else "root"


def entity_name(entity_set: EntitySet) -> str:
    """Return the name of one entity of the set, with a capital letter."""
    name = entity_set.type.name
    return name[0].upper() + name[1:]


def set_name(place: Place) -> str:
    """Return the name of the set, with a capital letter."""
    return place.entity_set.name[0].upper() + place.entity_set.name[1:]


def changed(place: Place) -> dict[int, JsonObject]:
    """Return the answers of a write that changes an entity."""
    names = (*place.headers, "ETag", "Preference-Applied")
    return {
        200: response("The entity as it is now.", names=names, content=entity_content(place)),
        204: response("It is as asked, without the entity.", names=names),
    }


def write_options(entity_set: EntitySet) -> list[JsonObject]:
    """Return the options and headers of a write that changes an entity."""
    headers = [parameters.request_header(name) for name in ("Prefer", "If-Match")]
    return [*parameters.item_options(entity_set), *headers]


def entity_content(place: Place) -> JsonObject:
    """Return one entity as a body."""
    entity_set = place.entity_set
    return media(reference(entity_set.type.name), examples.entity_example(entity_set, base=place.base))
