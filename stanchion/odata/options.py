"""The query string of a GET, read into a typed query.

- Split on `&` and `=` before decoding; `+` is a blank and `%24` a dollar sign (OData 4.01 URL 2).
- Names of system options are read without regard to case, with `$` or without it; each may come once (Protocol
  11.2.6.1, Conformance 4.01 Minimal 6 and 7). Without `$`, what is no name of an option is the caller's own.
- Options named `@...` are parameter aliases (URL 5.1.1.13).
- `$top` is a page size and clamped to 999.
- No version of the schema is published: `$schemaversion` may be `*` (Protocol 11.2.11).
"""

from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from stanchion.errors import BadRequest, ExpandNotSupported, NotFound, NotImplementedFeature
from stanchion.model.edm import Collection, EntitySet, Item, RootName, StructuredType
from stanchion.model.wording import shown
from stanchion.odata.aliases import aliases_in
from stanchion.odata.filter import Filter, parse_filter
from stanchion.odata.orderby import parse_orderby
from stanchion.odata.query import ListQuery
from stanchion.odata.select import parse_select

MAX_PAGE_SIZE = 999
# More rows than any table holds; keeps what a caller sends within every database's integers.
MAX_SKIP = 2**31 - 1

_LIST_OPTIONS = ("$count", "$filter", "$format", "$orderby", "$select", "$skip", "$skiptoken", "$top")
_ITEM_OPTIONS = ("$format", "$select")
_PLAIN_OPTIONS = ("$format",)
_NOT_OFFERED = ("$apply", "$compute", "$search")
_NOT_CARRIED = frozenset({"$top", "$skip", "$skiptoken"})
_SCHEMA_VERSION = "$schemaversion"
# What is one of them without `$` is meant as one of them.
_KNOWN = frozenset({*_LIST_OPTIONS, *_NOT_OFFERED, _SCHEMA_VERSION, "$expand", "$deltatoken"})


# Clients ask the same again and again, and what is read is a value. Query strings are bounded, by the edge.
@lru_cache(maxsize=256)
def parse_options(query: bytes, entity_set: EntitySet, *, root: RootName) -> ListQuery:
    """Read the options of a list request; raises BadRequest and its like, naming the option at fault."""
    options = system_options(query, allowed=_LIST_OPTIONS)
    skip_token = options.get("$skiptoken")
    if skip_token is not None and "$skip" in options:
        raise BadRequest("'$skip' cannot be combined with '$skiptoken'.", target="$skip")
    top = whole_number(options, "$top", largest=MAX_PAGE_SIZE)
    aliases = _aliases(query) if "$filter" in options else {}
    return ListQuery(
        entity_set=entity_set,
        root=root,
        order=parse_orderby(options.get("$orderby"), entity_set),
        select=selected_names(options.get("$select")),
        top=top,
        skip=whole_number(options, "$skip", largest=MAX_SKIP) or 0,
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
    return selected_names(system_options(query, allowed=_ITEM_OPTIONS).get("$select"))


def parse_property_options(query: bytes, kind: Item | Collection | None) -> tuple[str, ...] | None:
    """Read the options of a request for a property of a type: the names selected of its value, or None for all."""
    if not query:
        return None
    item = kind.item if isinstance(kind, Collection) else kind
    allowed = _ITEM_OPTIONS if item is None or isinstance(item, StructuredType) else _PLAIN_OPTIONS
    # What no type declares may be a collection.
    missing = _LIST_OPTIONS if kind is None or isinstance(kind, Collection) else ()
    return selected_names(system_options(query, allowed=allowed, missing=missing).get("$select"))


def check_document_options(query: bytes) -> None:
    """Raise BadRequest and its like for options that a document or a value by itself does not have."""
    if query:
        system_options(query, allowed=_PLAIN_OPTIONS)


def check_count_options(query: bytes) -> None:
    """Raise NotImplementedFeature and its like for options that the number of a property's items does not have."""
    if query:
        system_options(query, allowed=_PLAIN_OPTIONS, missing=_LIST_OPTIONS)


@lru_cache(maxsize=256)
def asked_format(query: bytes) -> str | None:
    """Return the value of `$format`; what else is wrong with the query is found when it is read."""
    values = (raw for name, raw in _named_options(query) if name == "$format")
    raw_value = next(values, None)
    return None if raw_value is None else _unquoted(raw_value).decode("utf-8", "replace")


def system_options(
    query: bytes, *, allowed: tuple[str, ...], missing: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return the system options by their names in lower case; raises for one that is not allowed, naming it.

    Those in `missing` are options of OData that are not offered here.
    """
    options: dict[str, str] = {}
    for name, raw_value in _named_options(query):
        _check_offered(name, allowed, missing)
        if name in options:
            raise BadRequest(f"The query option '{name}' is given twice; it may be given once.", target=name)
        options[name] = _decoded(raw_value, name)
    version = options.pop(_SCHEMA_VERSION, "*").strip()
    if version != "*":
        raise NotFound(
            f"There is no version {shown(version)} of the schema: none is published, and '*' is the present one.",
            target=_SCHEMA_VERSION,
        )
    return options


def _named_options(query: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the canonical name of each system option and its value, still encoded."""
    for pair in query.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        name = _unquoted(raw_name).decode("utf-8", "backslashreplace").strip().lower()
        if name.startswith("$"):
            yield name, raw_value
        elif f"${name}" in _KNOWN:
            yield f"${name}", raw_value


def _aliases(query: bytes) -> dict[str, str]:
    """Return the values of parameter aliases by name, `@` included (URL 5.1.1.13)."""
    aliases: dict[str, str] = {}
    for name, raw_value in aliases_in(query):
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
        value = _unquoted(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest(f"The value of '{name}' is not UTF-8.", target=name) from None
    if "\x00" in value:
        raise BadRequest(f"The value of '{name}' contains U+0000.", target=name)
    return value


def _unquoted(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


def _check_offered(name: str, allowed: tuple[str, ...], missing: tuple[str, ...]) -> None:
    if name in allowed or name == _SCHEMA_VERSION:
        return
    if name == "$expand":
        raise ExpandNotSupported("Expand is not allowed: there are no navigation properties.", target=name)
    if name in _NOT_OFFERED or name in missing:
        raise NotImplementedFeature(f"The query option '{name}' is not offered here.", target=name)
    raise BadRequest(
        f"The query option {shown(name)} is not allowed here; allowed: {', '.join(allowed)}.",
        target=name if name in _LIST_OPTIONS else None,
    )


def whole_number(options: dict[str, str], name: str, *, largest: int) -> int | None:
    """Return a whole number of 0 or more, larger ones as the largest; None where the option is not given."""
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


def selected_names(text: str | None) -> tuple[str, ...] | None:
    """Return the paths of `$select`, None for all properties."""
    return None if text is None else parse_select(text)
