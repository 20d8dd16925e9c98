"""Which media types and versions of OData the caller and this server can both speak.

- The most specific range of `Accept` decides about a media type; weight 0 refuses (RFC 9110 12.5.1).
- Parameters of OData (`odata.metadata`, `IEEE754Compatible`, ...) refuse nothing: every body is minimal JSON.
- A body is JSON in UTF-8; one without `Content-Type` is taken for that.
- `OData-MaxVersion` must allow 4.0 (Protocol 8.2.7); `MaxDataServiceVersion` is of OData 3 and ignored.
"""

from collections.abc import Sequence
from functools import lru_cache

from stanchion.errors import BadRequest, NotAcceptable, UnsupportedMediaType
from stanchion.model.wording import shown
from stanchion.odata.header_fields import Element, elements

JSON = ("application/json",)
# Generic clients ask for JSON everywhere, and a number is JSON too.
COUNT = ("text/plain", "application/json")
METADATA = ("application/xml",)


def check_accept(header: str | None, offered: Sequence[str] = JSON) -> None:
    """Raise NotAcceptable unless the `Accept` header allows one of the media types offered."""
    if header is not None and not _accepts(header, tuple(offered)):
        raise NotAcceptable(
            f"The media types {shown(header)} are not offered; offered: {', '.join(offered)}.",
            target="Accept",
        )


def check_content_type(header: str | None) -> None:
    """Raise UnsupportedMediaType unless a body of this `Content-Type` is JSON in UTF-8."""
    if header in {None, "application/json"}:
        return
    element = next(elements(header or ""), None)
    if element is None:
        return
    charset = element.parameters.get("charset", "utf-8").lower()
    if element.value.lower() != "application/json" or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(
            f"The body is of media type {shown(header or '')}; allowed: application/json in UTF-8.",
            target="Content-Type",
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


# A client sends the same one with each request, and reading it costs as much as all other checks together.
@lru_cache(maxsize=256)
def _accepts(header: str, offered: tuple[str, ...]) -> bool:
    ranges = list(elements(header))
    return not ranges or any(_allows(ranges, media_type) for media_type in offered)


def _allows(ranges: list[Element], media_type: str) -> bool:
    fitting = {media_type: 2, f"{media_type.partition('/')[0]}/*": 1, "*/*": 0}
    known = [(fitting[name], _weight(r)) for r in ranges if (name := r.value.lower()) in fitting]
    if not known:
        return False
    most_specific = max(specificity for specificity, _ in known)
    return any(weight > 0 for specificity, weight in known if specificity == most_specific)


def _weight(element: Element) -> float:
    text = element.parameters.get("q", "1")
    try:
        return float(text)
    except ValueError:
        return 1.0
