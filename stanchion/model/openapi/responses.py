"""The answers of operations: each status by name, the headers that it has, and errors from their own classes.

- A description of an error joins the first lines of the classes of that status in `errors`.
- Every answer has the ids of the request; those of OData, and all errors, have its version.
- A body may be compressed, and says so.
"""

import inspect
from collections.abc import Iterable, Iterator

from stanchion import errors
from stanchion.errors import OperatorError, StanchionError
from stanchion.model.json_text import JsonObject
from stanchion.model.openapi.schemas import reference

JSON = "application/json"

_TEXT: JsonObject = {"type": "string"}
HEADERS: dict[str, JsonObject] = {
    "request-id": {
        "description": "A new GUID, by which the log has the request.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "client-request-id": {
        "description": "The caller's own id, else the same as `request-id`.",
        "required": True,
        "schema": _TEXT,
    },
    "OData-Version": {
        "description": "The version of OData that the answer is in.",
        "required": True,
        "schema": {"type": "string", "enum": ["4.0"]},
    },
    "ETag": {
        "description": "The version of the entity, weak.",
        "required": True,
        "schema": {"type": "string", "pattern": '^W/"[!#-~]*"$'},
    },
    "Location": {
        "description": "Where the entity is; with 410, where to start over.",
        "required": True,
        "schema": {"type": "string", "format": "uri"},
    },
    "OData-EntityId": {"description": "The id of the entity, with 204.", "schema": _TEXT},
    "Preference-Applied": {
        "description": "What of `Prefer` was done.",
        "schema": _TEXT,
    },
    "WWW-Authenticate": {
        "description": "Where tokens come from (RFC 6750); with `insufficient_claims`, which `claims` to ask for.",
        "required": True,
        "schema": {"type": "string", "pattern": "^Bearer "},
    },
    "Retry-After": {
        "description": "Seconds after which to come back.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Accept-Encoding": {"description": "The encodings that a body may have.", "schema": _TEXT},
    "Cache-Control": {"description": "How long the answer may be kept.", "schema": _TEXT},
    "Content-Encoding": {
        "description": "How a long body is compressed, by `Accept-Encoding`; tokens never are.",
        "schema": {"type": "string", "enum": ["zstd", "gzip"]},
    },
    "Vary": {"description": "By which headers of the request the answer differs.", "schema": _TEXT},
    "Deprecation": {"description": "Since when the set is deprecated.", "required": True, "schema": _TEXT},
    "Sunset": {"description": "When Graph announced to end it.", "required": True, "schema": _TEXT},
    "Link": {
        "description": "Where the API is described, or the end of a set announced.",
        "required": True,
        "schema": _TEXT,
    },
}
IDS = ("request-id", "client-request-id")
EVERYWHERE = (*IDS, "Cache-Control")
ODATA = (*EVERYWHERE, "OData-Version")
COMPRESSED = ("Content-Encoding", "Vary")
_OF_DEPRECATED_ONLY = ("Deprecation", "Sunset")
DEPRECATED = (*_OF_DEPRECATED_ONLY, "Link")
_OF_STATUS = {
    401: ("WWW-Authenticate",),
    410: ("Location",),
    415: ("Accept-Encoding",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
# Of methods that nothing is described for, and of requests in a batch.
_ELSEWHERE = frozenset({405, 424})


def header_components(*, deprecated: bool) -> JsonObject:
    """Return the headers by name; those of deprecated sets only where there is one."""
    unused = () if deprecated else _OF_DEPRECATED_ONLY
    return {name: header for name, header in HEADERS.items() if name not in unused}


def headers(names: Iterable[str]) -> JsonObject:
    """Return references to headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def response(
    description: str,
    *,
    names: Iterable[str],
    content: JsonObject | None = None,
    links: JsonObject | None = None,
) -> JsonObject:
    """Return an answer with the headers of these names, and with those of compression where it has a body."""
    if content is None:
        return {"description": description, "headers": headers(names)}
    described: JsonObject = {
        "description": description,
        "headers": headers((*names, *COMPRESSED)),
        "content": content,
    }
    return {**described, "links": links} if links else described


def media(schema: JsonObject, example: object = None, *, media_type: str = JSON) -> JsonObject:
    """Return a body of a media type, with an example where there is one."""
    described: JsonObject = {"schema": schema}
    if example is not None:
        described["example"] = example  # type: ignore[assignment] # Examples are JSON by their making.
    return {media_type: described}


def failures(statuses: Iterable[int]) -> dict[str, JsonObject]:
    """Return references to the refusals of these statuses, in their order."""
    return {
        str(status): {"$ref": f"#/components/responses/{failure_name(status)}"} for status in sorted(statuses)
    }


def failure_components() -> JsonObject:
    """Return every refusal by name that an operation can be answered with."""
    return {failure_name(status): _failure(status) for status in sorted(_classes().keys() - _ELSEWHERE)}


def failure_name(status: int) -> str:
    """Return the name of the component for a status: that of the first class that has it."""
    return _classes()[status][0].__name__


def _failure(status: int) -> JsonObject:
    first, *_ = classes = _classes()[status]
    sentences = [(inspect.getdoc(c) or "").splitlines()[0] for c in classes]
    inner: JsonObject = {
        "date": "2026-02-02T08:15:00",
        "request-id": "7b1d9c52-34a0-4ec8-9d63-0d1c4f2a8e11",
        "client-request-id": "7b1d9c52-34a0-4ec8-9d63-0d1c4f2a8e11",
    }
    example: JsonObject = {"error": {"code": first.code, "message": sentences[0], "innerError": inner}}
    return response(
        " ".join(sentences),
        names=(*IDS, "OData-Version", *_OF_STATUS.get(status, ())),
        content=media(reference("odataError"), example),
    )


def _classes() -> dict[int, list[type[StanchionError]]]:
    found: dict[int, list[type[StanchionError]]] = {}
    for error in _in_order(StanchionError):
        found.setdefault(error.status, []).append(error)
    return found


def _in_order(error: type[StanchionError]) -> Iterator[type[StanchionError]]:
    if issubclass(error, OperatorError) or error.__module__ != errors.__name__:
        return
    yield error
    for narrower in error.__subclasses__():
        yield from _in_order(narrower)
