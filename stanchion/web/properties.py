"""GET on a property of an entity: its value as JSON, by itself as text, or how many items it has.

- Null is 204; so is, by itself, what is null (OData 4.01 Protocol 11.2.4, 11.2.4.1).
- What no type declares and the entity does not have is 404.
"""

from msgspec import Raw

from stanchion.errors import BadRequest, NotFound
from stanchion.ledger.commands import not_found
from stanchion.model.wording import shown
from stanchion.odata.options import check_count_options, check_document_options, parse_property_options
from stanchion.odata.property_value import as_text, is_null, number_of_items, value_at
from stanchion.odata.render import property_body
from stanchion.odata.resources import PropertyCountResource, PropertyResource
from stanchion.store import Store
from stanchion.web.call import Call
from stanchion.web.exchange import Reply
from stanchion.web.replies import content_type

_TEXT = "text/plain;charset=utf-8"


class Properties:
    """Answers requests for a part of one entity."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def value(self, resource: PropertyResource, call: Call) -> Reply:
        """Return the value of a property."""
        if resource.raw:
            return await self._text(resource, call)
        select = parse_property_options(call.request.query, resource.type)
        value = await self._found(resource, call)
        if is_null(value):
            return Reply(204)
        body = property_body(call.origin, resource, value=value, select=select, style=call.style)
        return Reply(200, body, content_type(call.style))

    async def count(self, resource: PropertyCountResource, call: Call) -> Reply:
        """Return the number of items of a collection as text."""
        check_count_options(call.request.query)
        number = number_of_items(await self._found(resource, call))
        if number is None:
            raise _no_segment("$count")
        return Reply(200, b"%d" % number, _TEXT)

    async def _text(self, resource: PropertyResource, call: Call) -> Reply:
        check_document_options(call.request.query)
        value = await self._found(resource, call)
        if is_null(value):
            return Reply(204)
        text = as_text(value)
        if text is None:
            raise _no_segment("$value")
        return Reply(200, text, _TEXT)

    async def _found(self, resource: PropertyResource | PropertyCountResource, call: Call) -> Raw:
        """Return the value that the resource leads to; raises NotFound without the entity or the value."""
        stored = await self._store.get(call.caller.tenant_id, resource.entity_set, resource.key)
        if stored is None or not call.caller.may_see(stored):
            raise not_found(resource.entity_set, resource.key, hidden=stored is not None)
        value = value_at(stored.body, resource.path, resource.type)
        if value is None:
            name = "/".join(resource.path)
            raise NotFound(f"Resource {shown(resource.key)} has no property {shown(name)}.", target=name)
        return value


def _no_segment(segment: str) -> BadRequest:
    return BadRequest(f"Resource not found for the segment {shown(segment)}.")
