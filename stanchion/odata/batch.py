"""A batch: several requests in one body, and their answers in another (OData JSON 4.01, 19; Graph "JSON batching").

- At most 20 requests, each with an id of its own, upper and lower case alike. A whole number is an id too, and comes
  back as the text that it is written as.
- `dependsOn`, in one SDK `depends_on`, names earlier requests only, so that there is no circle.
- A URL is relative to the root of the batch, with a slash before it or without, or names a root itself. A whole
  address must be one of this server; nothing is ever fetched.
- A body is a JSON value, or text in base64url that holds one.
- Groups that succeed or fail as one, conditions (`if`) and references to earlier answers (`$1/...`) are not offered:
  they are refused before anything is done. Names that mean nothing here are ignored.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from stanchion.errors import BadRequest, NotImplementedFeature, UriTooLong
from stanchion.model.edm import RootName
from stanchion.model.json_text import JsonObject, JsonValue, dump_json, json_kind, parse_object
from stanchion.model.wording import shown
from stanchion.odata.url import parse_path

# Graph's own limit.
MAX_REQUESTS = 20
# A GUID has 36; an id is repeated in the answer, and in the message of each request that waited for it.
MAX_ID_CHARACTERS = 256
# HTTP servers take some hundred; what is read of a batch must not grow with its headers.
MAX_HEADERS = 1000

_METHOD = re.compile(r"[A-Za-z]{1,16}", re.ASCII)
# RFC 9110 5.6.2 and 5.5, without the blanks around a value.
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", re.ASCII)
_HEADER_VALUE = re.compile("[\t\x20-\x7e\x80-\xff]*")
_WITH_ORIGIN = re.compile(r"(?P<origin>[a-z][a-z0-9+.-]*://[^/?]*)(?P<rest>.*)", re.ASCII | re.IGNORECASE)
_AFTER_FIRST = re.compile(r"[/?(]")
_NOT_IN_URLS = re.compile(r"[\x00-\x1f\x7f\\#]")
_FROM_BASE64 = str.maketrans("+/", "-_")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
# A scheme, a host name as long as may be, and a port.
_MAX_ORIGIN_CHARACTERS = 300
# A quartet of base64 with one character left holds no byte.
_QUARTET, _NO_BYTE = 4, 1
_SYSTEM_RESOURCES = frozenset({"all", "batch", "crossjoin", "entity", "id", "metadata", "root"})
_NOT_OFFERED = {
    "atomicityGroup": "Requests that succeed or fail as one are not offered",
    "if": "Conditions on earlier answers are not offered",
}

Target: TypeAlias = tuple[bytes, bytes]
"""Where a request goes: its path and its query, both as in a request line."""


class BatchItem(msgspec.Struct, frozen=True):
    """One request of a batch; header names are lower case, `after` are the places of those that it depends on."""

    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: JsonValue
    after: tuple[int, ...]

    def content(self) -> bytes:
        """Return the body as a request of its own would have it; raises BadRequest for text that is no base64url."""
        match self.body:
            case None:
                return b""
            case str(text):
                return _decoded(text)
            case value:
                return dump_json(value)


class BatchAnswer(msgspec.Struct, frozen=True):
    """The answer to one request of a batch; `json` is its body as `in_json` writes it, empty where it has none."""

    id: str
    status: int
    headers: Mapping[str, str]
    content_type: str | None
    json: bytes


def parse_batch(data: bytes, *, max_requests: int = MAX_REQUESTS) -> tuple[BatchItem, ...]:
    """Return the requests of a batch in their order.

    Raises BadRequest for a batch that cannot be carried out as it is, NotImplementedFeature for what is not offered.
    """
    requests = parse_object(data).get("requests")
    if not isinstance(requests, list):
        raise BadRequest("The body must have 'requests', an array of requests.", target="requests")
    if not 0 < len(requests) <= max_requests:
        raise BadRequest(
            f"The batch holds {len(requests):,} requests; allowed: 1 to {max_requests}.", target="requests"
        )
    places: dict[str, int] = {}
    items = []
    for place, value in enumerate(requests):
        where = f"requests/{place}"
        if not isinstance(value, dict):
            raise BadRequest(f"{where} must be an object, not {json_kind(value)}.", target=where)
        item = _item(value, where=where, earlier=places)
        if item.id.casefold() in places:
            raise BadRequest(
                f"The id {shown(item.id)} appears twice; upper and lower case count as one.",
                target=f"{where}/id",
            )
        places[item.id.casefold()] = place
        items.append(item)
    _refuse_references(items, frozenset(places))
    return tuple(items)


def target_of(url: str, *, root: RootName, is_own: Callable[[str], bool], max_bytes: int) -> Target:
    """Return where the URL of a request leads; `is_own` says whether an origin is one of this server.

    Raises BadRequest for one that leads elsewhere or cannot be in a request line, UriTooLong for a path and query
    of more than `max_bytes`.
    """
    if len(url) > max_bytes + _MAX_ORIGIN_CHARACTERS:
        raise _too_long(max_bytes)
    if _NOT_IN_URLS.search(url) is not None:
        raise BadRequest(
            f"The url {shown(url)} has a character that must be percent-encoded: a control, # or \\.",
            target="url",
        )
    whole = _WITH_ORIGIN.fullmatch(url)
    if (whole is not None and not is_own(whole["origin"])) or url.startswith("//"):
        raise BadRequest(
            f"The url {shown(url)} leads to another server; it must be relative, or an address of this one.",
            target="url",
        )
    path, _, query = (url if whole is None else whole["rest"]).partition("?")
    # What people type into a URL, a browser encodes; what is encoded already stays so.
    raw_path, raw_query = (quote(text, safe=_AS_IT_IS).encode() for text in (path, query))
    if len(raw_path) + len(raw_query) > max_bytes:
        raise _too_long(max_bytes)
    if whole is None and not raw_path.startswith(b"/"):
        raw_path = b"/" + raw_path
    if parse_path(raw_path) is not None:
        return raw_path, raw_query
    if whole is not None:
        raise BadRequest(f"The url {shown(url)} is not below /v1.0 or /beta.", target="url")
    return f"/{root}".encode() + raw_path, raw_query


_AS_IT_IS = "".join(chr(code) for code in range(0x21, 0x7F))


def in_json(body: bytes, content_type: str | None) -> bytes:
    """Return a body as a JSON value: JSON as it is, text as a text, anything else in base64url."""
    if content_type is None:
        return b""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json":
        return body
    if media_type.startswith("text/"):
        return dump_json(body.decode("utf-8", "replace"))
    return dump_json(urlsafe_b64encode(body).rstrip(b"=").decode())


def batch_body(answers: Iterable[BatchAnswer]) -> bytes:
    """Return the answers as the body of a batch's own answer."""
    parts = [b'{"responses":[']
    for answer in answers:
        parts += _answer(answer)
        parts.append(b",")
    if len(parts) > 1:
        parts.pop()
    parts.append(b"]}")
    return b"".join(parts)


def _too_long(max_bytes: int) -> UriTooLong:
    return UriTooLong(f"The path and query are longer than {max_bytes:,} bytes.", target="url")


def _item(value: JsonObject, *, where: str, earlier: Mapping[str, int]) -> BatchItem:
    for name, sentence in _NOT_OFFERED.items():
        if value.get(name) is not None:
            raise NotImplementedFeature(f"{sentence}; leave '{name}' out.", target=f"{where}/{name}")
    id = _id(value.get("id"), where=f"{where}/id")
    method, url = value.get("method"), value.get("url")
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise BadRequest(f"{where} must have 'method', the name of an HTTP method.", target=f"{where}/method")
    if not isinstance(url, str) or not url:
        raise BadRequest(f"{where} must have 'url', a text.", target=f"{where}/url")
    headers = _headers(value.get("headers"), where=f"{where}/headers")
    after = [
        _place(depended, where=f"{where}/{name}", earlier=earlier)
        for name in ("dependsOn", "depends_on")
        for depended in _listed(value.get(name), where=f"{where}/{name}")
    ]
    return BatchItem(id, method.upper(), url, headers, value.get("body"), tuple(dict.fromkeys(after)))


def _id(value: JsonValue, *, where: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{where} must be a text or a whole number, and not empty.", target=where)
    if len(value) > MAX_ID_CHARACTERS:
        raise BadRequest(f"{where} is longer than {MAX_ID_CHARACTERS} characters.", target=where)
    return value


def _listed(value: JsonValue, *, where: str) -> list[JsonValue]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"{where} must be an array of ids, not {json_kind(value)}.", target=where)
    return value


def _place(value: JsonValue, *, where: str, earlier: Mapping[str, int]) -> int:
    id = _id(value, where=where)
    place = earlier.get(id.casefold())
    if place is None:
        raise BadRequest(
            f"{where} names {shown(id)}, which is no earlier request of this batch.", target=where
        )
    return place


def _headers(value: JsonValue, *, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{where} must be an object, not {json_kind(value)}.", target=where)
    if len(value) > MAX_HEADERS:
        raise BadRequest(f"{where} has {len(value):,} names; allowed: {MAX_HEADERS:,}.", target=where)
    headers: dict[str, list[str]] = {}
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise BadRequest(f"{where} has {shown(name)}, which is no name of a header.", target=where)
        if not isinstance(text, str) or not _HEADER_VALUE.fullmatch(text):
            raise BadRequest(
                f"{where}/{name} must be a text of one line in ISO 8859-1.", target=f"{where}/{name}"
            )
        headers.setdefault(name.lower(), []).append(text.strip(" \t"))
    return {name: ", ".join(texts) for name, texts in headers.items()}


def _refuse_references(items: Iterable[BatchItem], ids: frozenset[str]) -> None:
    for place, item in enumerate(items):
        first = _AFTER_FIRST.split(item.url, maxsplit=1)[0].casefold()
        id = first[1:]
        if first.startswith("$") and id in ids and id not in _SYSTEM_RESOURCES:
            raise NotImplementedFeature(
                "References to the answer of an earlier request are not offered.",
                target=f"requests/{place}/url",
            )


def _decoded(text: str) -> bytes:
    digits = text.rstrip("=").translate(_FROM_BASE64)
    if not _BASE64URL.fullmatch(digits) or len(digits) % _QUARTET == _NO_BYTE:
        raise BadRequest("The body must be a JSON object, or one in base64url.", target="body")
    return urlsafe_b64decode(digits + "=" * (-len(digits) % _QUARTET))


def _answer(answer: BatchAnswer) -> Iterator[bytes]:
    headers = dict(answer.headers)
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    yield b'{"id":%b,"status":%d,"headers":%b' % (dump_json(answer.id), answer.status, dump_json(headers))
    if answer.json:
        yield b',"body":'
        yield answer.json
    yield b"}"
