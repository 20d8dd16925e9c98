"""An OpenAPI document of ours as a page shows it: operations by their tags, schemas as tables."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.openapi.responses import COMPRESSED, ODATA

METHODS = ("get", "post", "patch", "delete")
# What nearly every answer has is said once, at the top.
_SAID_ONCE = frozenset({*ODATA, *COMPRESSED})


@dataclass(frozen=True)
class Type:
    """What a value is, in words around the name of a schema or a JSON type."""

    before: str
    name: str
    after: str
    link: str | None


@dataclass(frozen=True)
class Member:
    """A parameter of an operation or a property of a schema."""

    name: str
    where: str
    type: Type
    required: bool
    description: str
    example: str | None = None


@dataclass(frozen=True)
class Answer:
    """A status that an operation can answer with."""

    status: str
    phrase: str
    description: str
    headers: tuple[str, ...]
    media_type: str | None
    type: Type | None


@dataclass(frozen=True)
class Operation:
    """A method on a path."""

    id: str
    method: str
    url: str
    short: str  # the path, below its set where it is longer than that
    summary: str
    description: str
    permissions: str
    deprecated: bool
    parameters: tuple[Member, ...]
    body: Type | None
    body_media_type: str | None
    request: str
    answer: str | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Section:
    """The operations of a tag."""

    id: str
    title: str
    description: str
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True)
class Structure:
    """A schema by name."""

    name: str
    description: str
    members: tuple[Member, ...]
    values: tuple[str, ...]
    pattern: str


def sections(document: JsonObject) -> list[Section]:
    """Return the operations under their tags, in the order of the document."""
    by_tag: dict[str, list[Operation]] = {}
    for server, path, method, operation in _operations(document):
        tag = _tag(operation)
        shown = _operation(document, server, path, method=method, operation=operation)
        by_tag.setdefault(tag, []).append(shown)
    tags = cast("list[dict[str, str]]", document["tags"])
    return [
        Section(f"tag-{tag['name']}", tag["name"], tag["description"], tuple(by_tag.get(tag["name"], ())))
        for tag in tags
    ]


def structures(document: JsonObject) -> list[Structure]:
    """Return the schemas in the order of the document."""
    found = _object(_object(document["components"])["schemas"])
    return [_structure(name, _object(schema)) for name, schema in found.items()]


def _operations(document: JsonObject) -> Iterator[tuple[str, str, str, JsonObject]]:
    for path, item in _object(document["paths"]).items():
        of_path = _object(item)
        servers = cast("list[dict[str, str]]", of_path.get("servers", document["servers"]))
        for method in METHODS:
            if method in of_path:
                yield servers[0]["url"], path, method, _object(of_path[method])


def _operation(
    document: JsonObject, server: str, path: str, *, method: str, operation: JsonObject
) -> Operation:
    body = _object(operation.get("requestBody", {})).get("content", {})
    media_type, media = next(iter(_object(body).items()), (None, None))
    answers = tuple(
        _answer(status, _resolved(document, _object(answer)))
        for status, answer in _object(operation["responses"]).items()
    )
    return Operation(
        id=_text(operation["operationId"]),
        method=method.upper(),
        url=server + path,
        short=path.removeprefix(f"/security/{_tag(operation)}") or f"/{_tag(operation)}",
        summary=_text(operation["summary"]),
        description=_text(operation.get("description", "")),
        permissions=_permissions(operation),
        deprecated=operation.get("deprecated") is True,
        parameters=tuple(_parameter(_object(p)) for p in cast("list[JsonValue]", operation["parameters"])),
        body=_type(_object(_object(media)["schema"])) if media is not None else None,
        body_media_type=media_type,
        request=_request(server + path, method, operation),
        answer=_first_example(operation),
        answers=answers,
    )


def _tag(operation: JsonObject) -> str:
    return cast("list[str]", operation["tags"])[0]


def _permissions(operation: JsonObject) -> str:
    if operation.get("security") == []:
        return "none: anyone may ask"
    names = cast("list[str]", operation.get("x-permissions", []))
    return " or ".join(names) if names else "those of each request in it"


def _request(url: str, method: str, operation: JsonObject) -> str:
    """Return an example of the request, as text."""
    lines = [f"{method.upper()} {_example_url(url, operation)}"]
    content = _object(_object(operation.get("requestBody", {})).get("content", {}))
    for media_type, media in content.items():
        lines += [f"Content-Type: {media_type}", "", _shown(_object(media).get("example"))]
    return "\n".join(lines)


def _example_url(url: str, operation: JsonObject) -> str:
    options: list[str] = []
    for parameter in cast("list[JsonObject]", operation["parameters"]):
        name, example = _text(parameter["name"]), parameter.get("example")
        if parameter["in"] == "path":
            url = url.replace(f"{{{name}}}", _text(example))
        elif name in {"$top", "$filter"} and example is not None:
            options.append(f"{name}={_text(example)}")
    return f"{url}?{'&'.join(options)}" if options else url


def _first_example(operation: JsonObject) -> str | None:
    for status, answer in _object(operation["responses"]).items():
        for media in _object(_object(answer).get("content", {})).values():
            if status.startswith("2") and "example" in _object(media):
                return _shown(_object(media)["example"])
    return None


def _answer(status: str, answer: JsonObject) -> Answer:
    content = _object(answer.get("content", {}))
    media_type, media = next(iter(content.items()), (None, None))
    return Answer(
        status=status,
        phrase=HTTPStatus(int(status)).phrase,
        description=_text(answer["description"]),
        headers=tuple(h for h in _object(answer.get("headers", {})) if h not in _SAID_ONCE),
        media_type=media_type,
        type=_type(_object(_object(media)["schema"])) if media is not None else None,
    )


def _parameter(parameter: JsonObject) -> Member:
    example = parameter.get("example")
    return Member(
        name=_text(parameter["name"]),
        where=_text(parameter["in"]),
        type=_type(_object(parameter["schema"])),
        required=parameter.get("required") is True,
        description=_text(parameter.get("description", "")),
        example=None if example is None else _shown(example),
    )


def _structure(name: str, schema: JsonObject) -> Structure:
    required = cast("list[str]", schema.get("required", []))
    members = tuple(
        Member(
            member,
            "",
            _type(_object(of_member)),
            member in required,
            _text(_object(of_member).get("description", "")),
        )
        for member, of_member in _object(schema.get("properties", {})).items()
    )
    values = tuple(cast("list[str]", schema.get("enum", [])))
    pattern = _text(schema.get("pattern", ""))
    return Structure(name, _text(schema.get("description", "")), members, values, pattern)


def _type(schema: JsonObject) -> Type:
    if "$ref" in schema:
        name = _text(schema["$ref"]).rpartition("/")[2]
        return Type("", name, "", f"#schema-{name}")
    alternatives = schema.get("anyOf")
    if alternatives and "type" not in schema:
        first, *others = [_type(_object(one)) for one in cast("list[JsonValue]", alternatives)]
        return Type(first.before, first.name, "".join(f" or {_words(o)}" for o in others), first.link)
    kind = schema.get("type", "any value")
    names = [_text(k) for k in kind] if isinstance(kind, list) else [_text(kind)]
    after = "".join(f" or {name}" for name in names[1:])
    if names[0] == "array" and "items" in schema:
        item = _type(_object(schema["items"]))
        return Type(f"array of {item.before}", item.name, item.after + after, item.link)
    shape = f" ({schema['format']})" if "format" in schema else ""
    return Type("", names[0], shape + after, None)


def _words(kind: Type) -> str:
    return f"{kind.before}{kind.name}{kind.after}"


def _resolved(document: JsonObject, answer: JsonObject) -> JsonObject:
    if "$ref" not in answer:
        return answer
    name = _text(answer["$ref"]).rpartition("/")[2]
    return _object(_object(_object(document["components"])["responses"])[name])


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _object(value: JsonValue) -> JsonObject:
    return cast("JsonObject", value)


def _text(value: JsonValue) -> str:
    return str(value)
