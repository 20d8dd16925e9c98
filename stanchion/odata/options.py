"""The query string of a GET, read into a typed query.

- Split on `&` and `=` before decoding; `+` is a blank and `%24` a dollar sign (OData 4.01 URL 2).
- Names of system options are read without regard to case; each may come once (Protocol 11.2.6.1).
- Options without a dollar sign are the caller's own and mean nothing here (Protocol 6.2).
- Options named `@...` are parameter aliases (URL 5.1.1.13).
- `$top` is a page size and clamped to 999; `$select` may name undeclared properties, `$orderby` may not.
"""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from stanchion.errors import BadRequest, ExpandNotSupported, NotAcceptable, NotImplementedFeature
from stanchion.model.edm import Collection, EntitySet, Enumeration, Primitive, RootName, StructuredType
from stanchion.model.wording import did_you_mean, shown
from stanchion.odata.filter import Filter, parse_filter
from stanchion.odata.query import (
    IdKey,
    KeyValue,
    ListQuery,
    MicrosoftFirst,
    OrderKey,
    PropertyKey,
    default_order,
    property_key,
    total_order,
)

__all__ = [
    "MAX_PAGE_SIZE",
    "IdKey",
    "KeyValue",
    "ListQuery",
    "MicrosoftFirst",
    "OrderKey",
    "PropertyKey",
    "parse_item_options",
    "parse_options",
]

MAX_PAGE_SIZE = 999
# More rows than any table holds; keeps what a caller sends within every database's integers.
MAX_SKIP = 2**31 - 1

_LIST_OPTIONS = ("$count", "$filter", "$format", "$orderby", "$select", "$skip", "$skiptoken", "$top")
_ITEM_OPTIONS = ("$format", "$select")
_NOT_OFFERED = ("$apply", "$compute", "$search")
_NOT_CARRIED = frozenset({"$top", "$skip", "$skiptoken"})
_NAME = re.compile(r"[^\W\d][\w.-]*")


# Clients ask the same again and again, and what is read is a value. Query strings are bounded, by the edge.
@lru_cache(maxsize=256)
def parse_options(query: bytes, entity_set: EntitySet, *, root: RootName) -> ListQuery:
    """Read the options of a list request; raises BadRequest and its like, naming the option at fault."""
    options = _system_options(query, allowed=_LIST_OPTIONS)
    _check_format(options.get("$format"))
    skip_token = options.get("$skiptoken")
    if skip_token is not None and "$skip" in options:
        raise BadRequest("'$skip' cannot be combined with '$skiptoken'.", target="$skip")
    top = _whole_number(options, "$top", largest=MAX_PAGE_SIZE)
    aliases = _aliases(query) if "$filter" in options else {}
    return ListQuery(
        entity_set=entity_set,
        root=root,
        order=_order(options.get("$orderby"), entity_set),
        select=_select(options.get("$select")),
        top=top,
        skip=_whole_number(options, "$skip", largest=MAX_SKIP) or 0,
        count=_boolean(options, "$count"),
        skip_token=skip_token,
        carried=(
            *((name, value) for name, value in options.items() if name not in _NOT_CARRIED),
            *aliases.items(),
        ),
        filter=_filter(options.get("$filter"), entity_set, aliases),
    )


def parse_item_options(query: bytes) -> tuple[str, ...] | None:
    """Read the options of a request for one entity: the names selected, or None for all."""
    if not query:
        return None
    options = _system_options(query, allowed=_ITEM_OPTIONS)
    _check_format(options.get("$format"))
    return _select(options.get("$select"))


def _system_options(query: bytes, *, allowed: tuple[str, ...]) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in query.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        encoded_name = unquote_to_bytes(raw_name.replace(b"+", b" "))
        if not encoded_name.startswith(b"$"):
            continue
        name = encoded_name.decode("utf-8", "backslashreplace").strip().lower()
        _check_offered(name, allowed)
        if name in options:
            raise BadRequest(f"The query option '{name}' is given twice; it may be given once.", target=name)
        options[name] = _decoded(raw_value, name)
    return options


def _aliases(query: bytes) -> dict[str, str]:
    """Return the values of parameter aliases by name, `@` included (URL 5.1.1.13)."""
    aliases: dict[str, str] = {}
    for pair in query.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        if not raw_name.startswith((b"@", b"%40")):
            continue
        name = unquote_to_bytes(raw_name).decode("utf-8", "backslashreplace")
        if name in aliases:
            raise BadRequest(
                f"The parameter alias {shown(name)} is given twice; it may be given once.", target="$filter"
            )
        aliases[name] = _decoded(raw_value, name)
    return aliases


def _filter(text: str | None, entity_set: EntitySet, aliases: dict[str, str]) -> Filter | None:
    return None if text is None else parse_filter(text, entity_set, aliases=aliases)


def _decoded(raw: bytes, name: str) -> str:
    try:
        value = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(f"The value of '{name}' is not UTF-8.", target=name) from None
    if "\x00" in value:
        raise BadRequest(f"The value of '{name}' contains U+0000.", target=name)
    return value


def _check_offered(name: str, allowed: tuple[str, ...]) -> None:
    if name in allowed:
        return
    if name == "$expand":
        raise ExpandNotSupported("Expand is not allowed: there are no navigation properties.", target=name)
    if name in _NOT_OFFERED:
        raise NotImplementedFeature(f"The query option '{name}' is not offered.", target=name)
    raise BadRequest(
        f"The query option {shown(name)} is not allowed here; allowed: {', '.join(allowed)}.",
        target=name if name in _LIST_OPTIONS else None,
    )


def _check_format(text: str | None) -> None:
    media_type = "json" if text is None else text.partition(";")[0].strip().lower()
    if media_type not in {"json", "application/json"}:
        raise NotAcceptable(
            f"The format {shown(media_type)} is not offered; offered: json.", target="$format"
        )


def _whole_number(options: dict[str, str], name: str, *, largest: int) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        raise BadRequest(f"The value {shown(text)} of '{name}' is no whole number, 0 or more.", target=name)
    significant = digits.lstrip("0") or "0"
    # Python refuses to read thousands of digits at once, so their number decides first.
    return largest if len(significant) > len(str(largest)) else min(int(significant), largest)


def _boolean(options: dict[str, str], name: str) -> bool:
    text = options.get(name, "false").strip().lower()
    if text not in {"true", "false"}:
        raise BadRequest(f"The value {shown(text)} of '{name}' is neither true nor false.", target=name)
    return text == "true"


def _select(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = [item.strip() for item in text.split(",")]
    for name in names:
        if "/" in name or "(" in name:
            raise NotImplementedFeature(
                f"Selecting parts of a property, as in {shown(name)}, is not offered; name the property.",
                target="$select",
            )
        if name != "*" and _NAME.fullmatch(name) is None:
            raise BadRequest(
                f"{shown(name)} in '$select' is not a property name; names are separated by commas.",
                target="$select",
            )
    return None if "*" in names else tuple(dict.fromkeys(names))


def _order(text: str | None, entity_set: EntitySet) -> tuple[OrderKey, ...]:
    if text is None:
        return default_order(entity_set)
    return total_order(entity_set, tuple(_order_key(item, entity_set) for item in text.split(",")))


def _order_key(item: str, entity_set: EntitySet) -> OrderKey:
    name, *rest = item.split() or [""]
    direction = rest[0].lower() if rest else "asc"
    if len(rest) > 1 or direction not in {"asc", "desc"}:
        raise BadRequest(
            f"{shown(item.strip())} in '$orderby' is not a property name followed by asc or desc.",
            target="$orderby",
        )
    descending = direction == "desc"
    if name == "id":
        return IdKey(descending)
    path = tuple(name.split("/"))
    _check_sortable(path, entity_set.type)
    return property_key(entity_set, path, descending=descending)


def _check_sortable(path: tuple[str, ...], kind: StructuredType) -> None:
    prop = kind.by_name.get(path[0])
    if prop is None:
        raise BadRequest(
            f"Could not find a property named {shown(path[0])} on type 'microsoft.graph.{kind.name}'."
            f"{did_you_mean(path[0], kind.by_name)}",
            target="$orderby",
        )
    match prop.type:
        case StructuredType() if path[1:]:
            _check_sortable(path[1:], prop.type)
        case StructuredType() | Collection() | Enumeration():
            fault = f"'{prop.name}' is of type {prop.edm_type}, which has no order"
            raise BadRequest(f"{fault}; name a property with one plain value.", target="$orderby")
        case Primitive() if path[1:]:
            fault = f"'{prop.name}' is of type {prop.edm_type}, which has no parts"
            raise BadRequest(f"{fault}; name the property alone.", target="$orderby")
