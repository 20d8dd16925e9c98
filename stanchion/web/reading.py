"""GET on the Graph roots: one entity, a page of a set, a count.

- A long page is read while it is sent, a piece at a time. Each body in it is as it was at a moment since the page was
  asked for; one that is deleted before its piece is read is left out. Where the page ends does not change by that.
- By then 200 may be sent, so a piece that the database cannot give at the moment is asked for again.
- Of `Prefer` only the size of pages counts here: an older SDK sends what its last PATCH preferred with every GET.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable

from msgspec.structs import replace
from zstandard import ZstdError

from stanchion.errors import ServiceUnavailable
from stanchion.ledger.commands import not_found
from stanchion.odata.etags import etag, matches
from stanchion.odata.options import parse_item_options, parse_options
from stanchion.odata.paging import next_link, resumed, skip_token
from stanchion.odata.preferences import Preferences, parse_preferences
from stanchion.odata.query import ListQuery
from stanchion.odata.render import PAGE_END, page_body, singleton_body, written
from stanchion.odata.resources import CountResource, EntityResource, SecuritySingleton, SetResource
from stanchion.store import Store
from stanchion.web.call import Call
from stanchion.web.exchange import Reply
from stanchion.web.replies import content_type, entity_reply

# Some thirteen of the largest scores. Each piece is a read of its own and goes through two threads: in half as many
# bytes they take a tenth more CPU.
PIECE_BYTES = 1024 * 1024
# As long as a few reads take; the longest is what `Retry-After` says.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.0


class Reading:
    """Answers what changes nothing; for a piece of a long page the database is asked for `patience_seconds`."""

    def __init__(self, store: Store, *, max_page_bytes: int, patience_seconds: float) -> None:
        self._store = store
        self._max_page_bytes = max_page_bytes
        self._patience_seconds = patience_seconds

    async def singleton(self, resource: SecuritySingleton, call: Call) -> Reply:
        """Return `/security` itself, which has no properties."""
        parse_item_options(call.request.query)
        body = singleton_body(call.origin, resource.root, style=call.style)
        return Reply(200, body, content_type(call.style))

    async def entity(self, resource: EntityResource, call: Call) -> Reply:
        """Return one entity, or 304 where the caller holds it already."""
        select = parse_item_options(call.request.query)
        stored = await self._store.get(call.caller.tenant_id, resource.entity_set, resource.key)
        if stored is None or not call.caller.may_see(stored):
            raise not_found(resource.entity_set, resource.key, hidden=stored is not None)
        known = call.request.headers.get("if-none-match")
        if known is not None:
            tag = etag(self._store.epoch, stored.version)
            if matches(known, tag, name="If-None-Match"):
                return Reply(304, headers={"ETag": tag})
        return entity_reply(
            stored,
            entity_set=resource.entity_set,
            root=resource.root,
            origin=call.origin,
            epoch=self._store.epoch,
            select=select,
            style=call.style,
        )

    async def page(self, resource: SetResource, call: Call) -> Reply:
        """Return a page of a set, with a link to the next one while there is more."""
        query = parse_options(call.request.query, resource.entity_set, root=resource.root)
        key, tenant_id = self._store.link_key, call.caller.tenant_id
        query = resumed(_seen_by(call, query), key, tenant_id=tenant_id)
        prefer = call.request.headers.get("prefer")
        preferences = None if prefer is None else parse_preferences(prefer)
        if preferences is not None:
            query = _of_size(query, preferences)
        page = await self._store.page(
            tenant_id, query, max_bytes=self._max_page_bytes, piece_bytes=PIECE_BYTES
        )
        link = None
        if page.last_key is not None:
            token = skip_token(key, tenant_id=tenant_id, query=query, last_key=page.last_key)
            link = next_link(call.origin, query, token=token)
        body = page_body(
            call.origin,
            resource.root,
            entity_set=resource.entity_set,
            runs=page.runs,
            select=query.select,
            count=page.count,
            next_link=link,
            style=call.style,
        )
        reply = Reply(200, body, content_type(call.style))
        if page.later:
            reply.body, reply.rest = body.removesuffix(PAGE_END), self._rest(call, query, page.later)
        if preferences is not None and query.max_page_size is not None:
            reply.headers["Preference-Applied"] = preferences.applied_to_page
        return reply

    async def _rest(
        self, call: Call, query: ListQuery, pieces: Iterable[tuple[str, ...]]
    ) -> AsyncGenerator[bytes]:
        """Give what follows the first piece of a page."""
        for ids in pieces:
            # Nothing here holds it while it is sent.
            yield await self._awaited(call, query, ids)
        yield PAGE_END

    async def _awaited(self, call: Call, query: ListQuery, ids: tuple[str, ...]) -> bytes:
        """Return a piece, however often it has to be asked for; raises ServiceUnavailable once that took too long."""
        ends, pause = time.monotonic() + self._patience_seconds, _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._piece(call, query, ids)
            except ServiceUnavailable as error:
                # What is damaged stays so.
                if isinstance(error.__cause__, ZstdError) or time.monotonic() + pause > ends:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _piece(self, call: Call, query: ListQuery, ids: tuple[str, ...]) -> bytes:
        piece = await self._store.piece(call.caller.tenant_id, query, ids)
        if query.select is None and call.style.metadata != "full":
            return piece
        shown = written(
            call.origin,
            query.root,
            entity_set=query.entity_set,
            runs=(piece[1:],) if piece else (),
            select=query.select,
            style=call.style,
        )
        return b",".join((b"", *shown))

    async def count(self, resource: CountResource, call: Call) -> Reply:
        """Return the number of entities as text (OData 4.01 Protocol 11.2.10)."""
        query = parse_options(call.request.query, resource.entity_set, root=resource.root)
        number = await self._store.count(call.caller.tenant_id, _seen_by(call, query))
        return Reply(200, str(number).encode(), "text/plain;charset=utf-8")


def _of_size(query: ListQuery, preferences: Preferences) -> ListQuery:
    """Return the query in pages of the size preferred, where that is less than without."""
    size = preferences.max_page_size
    return query if size is None or size >= query.page_size else replace(query, max_page_size=size)


def _seen_by(call: Call, query: ListQuery) -> ListQuery:
    """Return the query for what this caller may see; a filter may ask for the time, which is now."""
    provider = call.caller.provider
    if provider is None and query.filter is None:
        return query
    return replace(query, provider=provider, now_ticks=time.time_ns() // 100)
