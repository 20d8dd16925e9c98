"""`/{root}/openapi.json` and `/{root}/docs`: the description of what is served, for programs and for people.

- Anyone may read them, as `$metadata`: they tell nothing of a tenant.
- Each is made once for a root and an origin, and what makes it is imported then: most workers are never asked.
"""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import TypeAlias

from stanchion.errors import MethodNotAllowed
from stanchion.model.json_text import dump_json
from stanchion.odata.etags import matches
from stanchion.odata.negotiation import check_accept
from stanchion.odata.resources import DocumentationResource, OpenApiResource, Resource
from stanchion.settings import Settings
from stanchion.web.exchange import JSON, Reply, Request

Described: TypeAlias = OpenApiResource | DocumentationResource

# A server has a handful of names.
_MOST_KEPT = 16
# 64 bits: nobody gains by making two documents with one tag.
_TAG_DIGITS = 16
_OFFERED = {OpenApiResource: (JSON,), DocumentationResource: ("text/html",)}
_HEADERS = {"Cache-Control": "no-cache"}


class Description:
    """Answers with the description of a root; `methods` says what can be done with a resource."""

    def __init__(self, settings: Settings, *, methods: Callable[[Resource], tuple[str, ...]]) -> None:
        self._settings = settings
        self._methods = methods
        self._kept: dict[tuple[Described, str], Reply] = {}

    async def answer(self, resource: Described, request: Request, origin: str) -> Reply:
        """Return the document or the page, 304 where the caller holds it; raises a StanchionError to refuse."""
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed(request.method, allowed=("GET", "HEAD"))
        check_accept(request.headers.get("accept"), _OFFERED[type(resource)])
        reply = self._kept.get((resource, origin))
        if reply is None:
            # The page takes half a second to make, during which others are to be answered.
            reply = await asyncio.to_thread(self._made, resource, origin)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[resource, origin] = reply
        known = request.headers.get("if-none-match")
        if known is not None and matches(known, reply.headers["ETag"], name="If-None-Match"):
            return Reply(304, headers={"ETag": reply.headers["ETag"], **_HEADERS})
        return Reply(reply.status, reply.body, reply.content_type, dict(reply.headers))

    def _made(self, resource: Described, origin: str) -> Reply:
        from stanchion.web.openapi_routes import described, facts_of

        facts = facts_of(self._settings)
        document = described(resource.root, origin, methods=self._methods, facts=facts)
        if isinstance(resource, OpenApiResource):
            body, media_type, headers = dump_json(document), JSON, _HEADERS
        else:
            # Templates are not for those who ask for data.
            from stanchion.web.openapi_page import openapi_page, page_headers

            body, media_type = openapi_page(document), "text/html;charset=utf-8"
            headers = {**page_headers(), **_HEADERS}
        tag = f'W/"{sha256(body).hexdigest()[:_TAG_DIGITS]}"'
        return Reply(200, body, media_type, {"ETag": tag, **headers})
