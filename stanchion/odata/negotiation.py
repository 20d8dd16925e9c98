"""Which media types and versions of OData the caller and this server can both speak.

- The most specific range of `Accept` decides about a media type; weight 0 refuses (RFC 9110 12.5.1).
- `$format` counts instead of `Accept`, which is then not looked at (OData 4.01 Protocol 11.2.12).
- A body is JSON in UTF-8; one without `Content-Type` is taken for that.
- `OData-MaxVersion` must allow 4.0 (Protocol 8.2.7); `MaxDataServiceVersion` is of OData 3 and ignored.
- `OData-Version` of a body is 4.0 or 4.01 (Protocol 8.1.5).
- No answer is a snapshot: `Isolation`, before 4.01 `OData-Isolation`, is refused (Protocol 8.2.6).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from stanchion.errors import BadRequest, NotAcceptable, PreconditionFailed, UnsupportedMediaType
from stanchion.model.wording import shown
from stanchion.odata.header_fields import Element, elements
from stanchion.odata.style import AS_GRAPH, Style, style_of

_JSON = "application/json"
_SHORT = {"json": _JSON, "xml": "application/xml"}

JSON = (_JSON,)
# Generic clients ask for JSON everywhere, and a number is JSON too.
TEXT = ("text/plain", _JSON)
METADATA = ("application/xml", _JSON)
_PARAMETERS = ", with odata.metadata none, minimal or full and IEEE754Compatible true or false"


class Choice(msgspec.Struct, frozen=True):
    """What is answered: a media type and, for JSON, how it is written."""

    media_type: str
    style: Style = AS_GRAPH


# The headers of a client are the same every time.
@lru_cache(maxsize=512)
def chosen(header: str | None, asked: str | None = None, offered: tuple[str, ...] = JSON) -> Choice:
    """Return which of the media types offered is answered, the first where the caller takes several.

    `header` is `Accept`, `asked` the value of `$format`. Raises NotAcceptable where none is both.
    """
    if asked is not None:
        element = next(elements(asked), None)
        name = "" if element is None else element.value.lower()
        ranges = [] if element is None else [Element(_SHORT.get(name, name), element.parameters)]
        return _first_of(ranges, offered) or _refuse(asked, offered, target="$format")
    ranges = list(elements(header or ""))
    if not ranges:
        return Choice(offered[0])
    return _first_of(ranges, offered) or _refuse(header or "", offered, target="Accept")


def check_accept(header: str | None, offered: tuple[str, ...] = JSON) -> None:
    """Raise NotAcceptable unless the `Accept` header allows one of the media types offered."""
    chosen(header, None, offered)


def check_content_type(header: str | None) -> None:
    """Raise UnsupportedMediaType unless a body of this `Content-Type` is JSON in UTF-8."""
    if header in {None, _JSON}:
        return
    element = next(elements(header or ""), None)
    if element is None:
        return
    charset = element.parameters.get("charset", "utf-8").lower()
    if element.value.lower() != _JSON or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(
            f"The body is of media type {shown(header or '')}; allowed: application/json in UTF-8.",
            target="Content-Type",
        )


def check_encoding(header: str | None) -> None:
    """Raise UnsupportedMediaType unless a body of this `Content-Encoding` is plain."""
    # Some SDKs compress their bodies, and send them again as they are once they have seen this status.
    if header is not None and header.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType(
            f"The body is in the encoding {shown(header)}; allowed: none.",
            target="Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )


def check_version(max_version: str | None) -> None:
    """Raise BadRequest unless the `OData-MaxVersion` header is absent, 4.0 or higher."""
    if max_version is None:
        return
    major, point, minor = max_version.partition(";")[0].strip().partition(".")
    readable = point == "." and all(part.isascii() and part.isdigit() for part in (major, minor))
    if not readable or major.lstrip("0") in {"", "1", "2", "3"}:
        raise BadRequest(
            f"The version {shown(max_version)} of OData is not spoken; allowed: 4.0 or higher.",
            target="OData-MaxVersion",
        )


def check_body_version(version: str | None) -> None:
    """Raise BadRequest unless the `OData-Version` header of a body is absent, 4.0 or 4.01."""
    if version is not None and version.partition(";")[0].strip() not in {"", "4.0", "4.01"}:
        raise BadRequest(
            f"A body of version {shown(version)} of OData is not read; allowed: 4.0, 4.01.",
            target="OData-Version",
        )


def check_isolation(headers: Mapping[str, str]) -> None:
    """Raise PreconditionFailed where the headers ask for an isolation, names being in lower case."""
    if "odata-isolation" in headers or "isolation" in headers:
        name, target = (
            ("isolation", "Isolation") if "isolation" in headers else ("odata-isolation", "OData-Isolation")
        )
        raise PreconditionFailed(
            f"The isolation {shown(headers[name])} of '{target}' is not offered: each answer is of its own time.",
            target=target,
        )


def _first_of(ranges: Sequence[Element], offered: Sequence[str]) -> Choice | None:
    for media_type in offered:
        found = _fitting(ranges, media_type)
        if found is not None:
            return Choice(media_type, found)
    return None


def _fitting(ranges: Sequence[Element], media_type: str) -> Style | None:
    """Return how a media type is written for the range that allows it with the highest weight, if one does."""
    fitting = {media_type: 2, f"{media_type.partition('/')[0]}/*": 1, "*/*": 0}
    known = [(fitting[name], _weight(r), r) for r in ranges if (name := r.value.lower()) in fitting]
    if not known:
        return None
    most_specific = max(specificity for specificity, _, _ in known)
    allowed = [(weight, r) for specificity, weight, r in known if specificity == most_specific and weight > 0]
    allowed.sort(key=lambda pair: pair[0], reverse=True)
    formats = (style_of(r.parameters if media_type == _JSON else {}) for _, r in allowed)
    return next((found for found in formats if found is not None), None)


def _weight(element: Element) -> float:
    text = element.parameters.get("q", "1")
    try:
        return float(text)
    except ValueError:
        return 1.0


def _refuse(asked: str, offered: Sequence[str], *, target: str) -> Choice:
    what = f"The format {shown(asked)} is" if target == "$format" else f"The media types {shown(asked)} are"
    parameters = _PARAMETERS if offered == JSON else ""
    raise NotAcceptable(f"{what} not offered; offered: {', '.join(offered)}{parameters}.", target=target)
