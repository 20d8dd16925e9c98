"""Entity tags: how a version is written as one, and whether a header names it.

- Weak, `W/"epoch-version"`: a restored store has another epoch, so no old tag fits by chance.
- Both `If-Match` and `If-None-Match` compare weakly, as OData services do (RFC 9110 8.8.3.2, 13.1).
"""

import re
from typing import Literal

from stanchion.errors import BadRequest
from stanchion.model.wording import shown

# RFC 9110 8.8.3 entity-tag, with the comma that ends it in a list.
_TAG = re.compile(r'[ \t]*(?:W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,|$)')
# As `etag` writes it: another spelling is another tag. 19 digits hold every integer of 64 bits.
_VERSION = re.compile(r"0|[1-9][0-9]{0,18}")


def etag(epoch: str, version: int) -> str:
    """Return the entity tag of a version."""
    return f'W/"{epoch}-{version}"'


def matches(header: str, tag: str, *, name: str = "If-Match") -> bool:
    """Whether the header's value is `*` or lists the tag, compared weakly.

    Raises BadRequest naming the header where its value is neither.
    """
    if header.strip() == "*":
        return True
    wanted = tag.removeprefix("W/")[1:-1]
    return wanted in _opaque_tags(header, name)


def named_versions(header: str, epoch: str, *, name: str = "If-Match") -> frozenset[int] | Literal["any"]:
    """Return the versions whose tags the header lists, or "any" for `*`; tags of another epoch name none.

    Raises BadRequest naming the header where its value is neither.
    """
    if header.strip() == "*":
        return "any"
    prefix = f"{epoch}-"
    numbers = (tag.removeprefix(prefix) for tag in _opaque_tags(header, name) if tag.startswith(prefix))
    return frozenset(int(number) for number in numbers if _VERSION.fullmatch(number))


def _opaque_tags(header: str, name: str) -> list[str]:
    opaque: list[str] = []
    position = 0
    while position < len(header):
        match = _TAG.match(header, position)
        if match is None:
            break
        opaque.append(match["opaque"])
        position = match.end()
    if position < len(header) or not opaque:
        raise BadRequest(
            f'The value {shown(header)} of {name} is neither * nor a list of entity tags such as W/"a-1".',
            target=name,
        )
    return opaque
