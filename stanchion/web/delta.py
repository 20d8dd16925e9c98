"""GET on `/delta()`: what changed in a set, round by round, for clients that keep a copy of it.

The page size is `$top` or, where it is less, what `Prefer: odata.maxpagesize` asks for.
"""

from msgspec.structs import replace

from stanchion.odata.delta import DeltaLinks, DeltaQuery, parse_delta_options
from stanchion.odata.preferences import Preferences, parse_preferences
from stanchion.odata.render import delta_body
from stanchion.odata.resources import DeltaResource
from stanchion.store import Store
from stanchion.web.call import Call
from stanchion.web.exchange import Reply
from stanchion.web.replies import content_type


class Deltas:
    """Answers requests for changes."""

    def __init__(self, store: Store, *, max_page_bytes: int) -> None:
        self._store = store
        self._max_page_bytes = max_page_bytes

    async def page(self, resource: DeltaResource, call: Call) -> Reply:
        """Return a page of a round, with a link to the next one or, on the last, to the next round."""
        asked = parse_delta_options(call.request.query, resource.entity_set, root=resource.root)
        caller = call.caller
        links = DeltaLinks(self._store.link_key, self._store.epoch, caller.tenant_id, call.origin)
        query = links.resumed(replace(asked, provider=caller.provider))
        preferences = parse_preferences(call.request.headers.get("prefer"))
        page = await self._store.delta(
            caller.tenant_id, _of_size(query, preferences), max_bytes=self._max_page_bytes
        )
        # The store is older than the link, because somebody put a former file of it back; or the tenant was erased
        # since, and nothing is left to tell what went.
        if query.place is not None and not page.begins <= query.place.seen <= page.head:
            raise links.lost(query)
        if page.next is not None:
            link = ("nextLink", links.next(query, page.next))
        else:
            link = ("deltaLink", links.delta(query, version=page.until))
        body = delta_body(
            call.origin,
            resource.root,
            entity_set=resource.entity_set,
            runs=page.runs,
            removed=page.removed,
            select=query.select,
            link=link,
            style=call.style,
        )
        reply = Reply(200, body, content_type(call.style))
        if preferences.max_page_size is not None:
            reply.headers["Preference-Applied"] = preferences.applied_to_page
        return reply


def _of_size(query: DeltaQuery, preferences: Preferences) -> DeltaQuery:
    """Return the query in pages of the size preferred, where that is less than without."""
    size = preferences.max_page_size
    return query if size is None or size >= query.page_size else replace(query, top=size)
