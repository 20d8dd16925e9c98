"""The Graph roots, `/v1.0` and `/beta`: which resource is asked, what may be done with it, by whom.

The checks come in one order, which callers rely on: token (401), route (404, 405), permission (403), what is
accepted and sent (406, 415), size (413), the body by itself (400), and then what the command finds.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, assert_never

from stanchion.access.permission import Need, require
from stanchion.errors import MethodNotAllowed, NotFound, StanchionError, UnsupportedMediaType
from stanchion.logs import tenant_id as logged_tenant_id
from stanchion.model.csdl import metadata_document
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.model.service import service_document
from stanchion.model.wording import shown
from stanchion.odata.negotiation import COUNT, JSON, METADATA, check_accept, check_content_type, check_version
from stanchion.odata.url import (
    CountResource,
    EntityResource,
    Metadata,
    Resource,
    SecuritySingleton,
    ServiceDocument,
    SetResource,
    UnknownSegment,
)
from stanchion.settings import Settings
from stanchion.store import Store
from stanchion.web.call import Authenticate, Call
from stanchion.web.exchange import Reply, Request
from stanchion.web.reading import Reading
from stanchion.web.replies import DEPRECATED_HEADERS, ODATA_HEADERS, ODATA_JSON
from stanchion.web.writing import Writing

Operation: TypeAlias = Callable[[], Awaitable[Reply]]
# The resources on which there is something to do for a caller.
Offered: TypeAlias = SecuritySingleton | SetResource | CountResource | EntityResource


class GraphRoots:
    """Answers every request below a Graph root."""

    def __init__(self, store: Store, *, authenticate: Authenticate, settings: Settings) -> None:
        self._authenticate = authenticate
        self._reading = Reading(store, max_page_bytes=settings.max_page_bytes)
        self._writing = Writing(store, settings=settings)

    async def answer(self, resource: Resource, request: Request, origin: str) -> Reply:
        """Answer a request for a resource of a Graph root; raises a StanchionError to refuse."""
        try:
            reply = await self._answer(resource, request, origin)
        except StanchionError as error:
            error.headers.update(_headers(resource))
            raise
        reply.headers.update(_headers(resource))
        return reply

    async def _answer(self, resource: Resource, request: Request, origin: str) -> Reply:
        if isinstance(resource, ServiceDocument | Metadata):
            return _document(resource, request, origin)
        caller = await self._authenticate(request)
        logged_tenant_id.set(caller.tenant_id)
        if isinstance(resource, UnknownSegment):
            raise NotFound(f"Resource not found for the segment {shown(resource.segment)}.")
        operation = self._operation(resource, Call(request, origin, caller))
        require(caller, Need.READ if request.method in {"GET", "HEAD"} else Need.WRITE)
        check_accept(request.headers.get("accept"), COUNT if isinstance(resource, CountResource) else JSON)
        check_version(request.headers.get("odata-maxversion"))
        if request.method in {"POST", "PATCH"}:
            check_content_type(request.headers.get("content-type"))
            _check_encoding(request.headers.get("content-encoding"))
        return await operation()

    def _operation(self, resource: Offered, call: Call) -> Operation:
        reading, writing = self._reading, self._writing
        offered: dict[str, Operation]
        match resource:
            case SecuritySingleton():
                offered = {"GET": lambda: reading.singleton(resource, call)}
            case SetResource():
                offered = {
                    "GET": lambda: reading.page(resource, call),
                    "POST": lambda: writing.create(resource, call),
                }
                if resource.entity_set is SECURE_SCORES:
                    offered["PATCH"] = lambda: writing.merge_named_in_body(resource, call)
            case CountResource():
                offered = {"GET": lambda: reading.count(resource, call)}
            case EntityResource(entity_set=entity_set):
                decides = entity_set is CONTROL_PROFILES
                offered = {
                    "GET": lambda: reading.entity(resource, call),
                    "PATCH": lambda: (
                        writing.decide(resource, call) if decides else writing.merge(resource, call)
                    ),
                    "DELETE": lambda: writing.delete(resource, call),
                }
            case _:
                assert_never(resource)
        return _chosen(call.request.method, offered)


def _document(resource: ServiceDocument | Metadata, request: Request, origin: str) -> Reply:
    if request.method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(request.method, allowed=("GET", "HEAD"))
    check_version(request.headers.get("odata-maxversion"))
    if isinstance(resource, Metadata):
        check_accept(request.headers.get("accept"), METADATA)
        return Reply(200, metadata_document(resource.root), "application/xml;charset=utf-8")
    check_accept(request.headers.get("accept"))
    return Reply(200, service_document(origin, resource.root), ODATA_JSON)


def _chosen(method: str, offered: Mapping[str, Operation]) -> Operation:
    operation = offered.get("GET" if method == "HEAD" else method)
    if operation is None:
        raise MethodNotAllowed(method, allowed=("GET", "HEAD", *(m for m in offered if m != "GET")))
    return operation


def _check_encoding(header: str | None) -> None:
    # Some SDKs compress their bodies, and send them again as they are once they have seen this status.
    if header is not None and header.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType(
            f"The body is in the encoding {shown(header)}; allowed: none.",
            target="Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )


def _headers(resource: Resource) -> Mapping[str, str]:
    deprecated = (
        isinstance(resource, SetResource | EntityResource | CountResource) and resource.entity_set.deprecated
    )
    return {**ODATA_HEADERS, **DEPRECATED_HEADERS} if deprecated else ODATA_HEADERS
