"""`$orderby`: the properties by which rows are sorted (OData 4.01 Protocol 11.2.6.2, URL 5.1.5).

- A key is a declared property with one plain value, parts of complex ones named by a path, and its direction.
- OData sorts by any expression. What is one, and no such property, is not offered; what is none is refused.
- The keys of the set's own order follow, so that the order is total.
"""

import re

from stanchion.errors import BadRequest, NotImplementedFeature, StanchionError
from stanchion.model.edm import Collection, EntitySet, Enumeration, Primitive, StructuredType
from stanchion.model.wording import declared_ones, shown
from stanchion.odata.filter.parse import parse
from stanchion.odata.query import IdKey, OrderKey, default_order, property_key, total_order

_PATH = re.compile(r"[^\W\d]\w*(?:/[^\W\d]\w*)*+")
# From the first blank of a run alone and without going back, or long runs take quadratic time.
_DIRECTION = re.compile(r"(?<![ \t])[ \t]++(?:asc|desc)[ \t]*+(?=,|\Z)", re.IGNORECASE)


def parse_orderby(text: str | None, entity_set: EntitySet) -> tuple[OrderKey, ...]:
    """Return the keys of an order, that of the set where none is asked for; raises BadRequest and its like."""
    if text is None:
        return default_order(entity_set)
    return total_order(entity_set, tuple(_key(item, text, entity_set) for item in text.split(",")))


def _key(item: str, text: str, entity_set: EntitySet) -> OrderKey:
    name, *rest = item.split() or [""]
    direction = rest[0].lower() if rest else "asc"
    if len(rest) > 1 or direction not in {"asc", "desc"} or not _PATH.fullmatch(name):
        raise _refusal(item, text)
    descending = direction == "desc"
    if name == "id":
        return IdKey(descending)
    path = tuple(name.split("/"))
    _check_sortable(path, entity_set.type)
    return property_key(entity_set, path, descending=descending)


def _refusal(item: str, text: str) -> StanchionError:
    """Return the failure for an item that is no property and a direction, within the text of the option."""
    wrong = f"{shown(item.strip())} in '$orderby' is not a property name followed by asc or desc."
    if not item.strip():
        return BadRequest(wrong, target="$orderby")
    try:
        # As arguments of a function, expressions stand side by side as they do here.
        parse(f"concat({_DIRECTION.sub('', text)})", {})
    except BadRequest:
        return BadRequest(wrong, target="$orderby")
    except NotImplementedFeature:
        pass
    return NotImplementedFeature(
        f"To order by {shown(item.strip())} is not offered; name a property.", target="$orderby"
    )


def _check_sortable(path: tuple[str, ...], kind: StructuredType) -> None:
    prop = kind.by_name.get(path[0])
    if prop is None:
        raise BadRequest(
            f"Could not find a property named {shown(path[0])} on type 'microsoft.graph.{kind.name}'."
            f"{declared_ones(path[0], kind.by_name)}",
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
