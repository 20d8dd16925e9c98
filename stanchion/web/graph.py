"""The Graph roots, `/v1.0` and `/beta`: which resource is asked, what may be done with it, by whom.

The checks come in one order, which callers rely on: token (401), route (404, 405), permission (403), what is
accepted and sent (406, 415), size (413), the body by itself (400), and then what the command finds.
"""

from collections.abc import Awaitable, Mapping
from typing import TypeAlias, assert_never

from stanchion.access.caller import Caller
from stanchion.access.permission import Need, require
from stanchion.errors import MethodNotAllowed, NotFound, StanchionError, UnsupportedMediaType
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
from stanchion.web.replies import DEPRECATED_ODATA_HEADERS, ODATA_HEADERS, ODATA_JSON
from stanchion.web.writing import Writing

# The resources on which there is something to do for a caller.
Offered: TypeAlias = SecuritySingleton | SetResource | CountResource | EntityResource
_WITHOUT_TOKEN = (ServiceDocument, Metadata)
_OF_A_SET = (EntityResource, SetResource, CountResource)


class GraphRoots:
    """Answers every request below a Graph root."""

    def __init__(self, store: Store, *, authenticate: Authenticate, settings: Settings) -> None:
        self._authenticate = authenticate
        self._reading = Reading(store, max_page_bytes=settings.max_page_bytes)
        self._writing = Writing(store, settings=settings)

    async def answer(self, resource: Resource, request: Request, origin: str) -> Reply:
        """Answer a request for a resource of a Graph root; raises a StanchionError to refuse."""
        headers = _headers(resource)
        try:
            if isinstance(resource, _WITHOUT_TOKEN):
                reply = _document(resource, request, origin)
            else:
                caller = self._authenticate(request)
                if not isinstance(caller, Caller):
                    caller = await caller
                request.trace.tenant_id = caller.tenant_id
                reply = await self._operation(resource, Call(request, origin, caller))
        except StanchionError as error:
            error.headers.update(headers)
            raise
        reply.headers.update(headers)
        return reply

    def _operation(self, resource: Offered | UnknownSegment, call: Call) -> Awaitable[Reply]:
        """Return what answers the call, once it has passed the checks that need neither body nor store."""
        request = call.request
        if isinstance(resource, UnknownSegment):
            raise NotFound(f"Resource not found for the segment {shown(resource.segment)}.")
        method = "GET" if request.method == "HEAD" else request.method
        offered = _methods(resource)
        if method not in offered:
            raise MethodNotAllowed(
                request.method, allowed=("GET", "HEAD", *(m for m in offered if m != "GET"))
            )
        require(call.caller, Need.READ if method == "GET" else Need.WRITE)
        check_accept(request.headers.get("accept"), COUNT if isinstance(resource, CountResource) else JSON)
        check_version(request.headers.get("odata-maxversion"))
        if method == "GET":
            return self._read(resource, call)
        if method != "DELETE":
            check_content_type(request.headers.get("content-type"))
            _check_encoding(request.headers.get("content-encoding"))
        return self._write(resource, call)

    def _read(self, resource: Offered, call: Call) -> Awaitable[Reply]:
        match resource:
            case EntityResource():
                return self._reading.entity(resource, call)
            case SetResource():
                return self._reading.page(resource, call)
            case CountResource():
                return self._reading.count(resource, call)
            case SecuritySingleton():
                return self._reading.singleton(resource, call)
            case _:
                assert_never(resource)

    def _write(self, resource: Offered, call: Call) -> Awaitable[Reply]:
        writing = self._writing
        match resource, call.request.method:
            case SetResource(), "POST":
                return writing.create(resource, call)
            case SetResource(), "PATCH":
                return writing.merge_named_in_body(resource, call)
            case EntityResource(entity_set=entity_set), "PATCH" if entity_set is CONTROL_PROFILES:
                return writing.decide(resource, call)
            case EntityResource(), "PATCH":
                return writing.merge(resource, call)
            case EntityResource(), "DELETE":
                return writing.delete(resource, call)
            case _:
                raise AssertionError(f"{call.request.method} is offered for {resource}, and not carried out.")


def _methods(resource: Offered) -> tuple[str, ...]:
    """Return what may be done with a resource; HEAD goes with GET."""
    match resource:
        case EntityResource():
            return ("GET", "PATCH", "DELETE")
        case SetResource(entity_set=entity_set):
            # A score may be patched by the id in the body.
            return ("GET", "POST", "PATCH") if entity_set is SECURE_SCORES else ("GET", "POST")
        case CountResource() | SecuritySingleton():
            return ("GET",)
        case _:
            assert_never(resource)


def _document(resource: ServiceDocument | Metadata, request: Request, origin: str) -> Reply:
    if request.method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(request.method, allowed=("GET", "HEAD"))
    check_version(request.headers.get("odata-maxversion"))
    if isinstance(resource, Metadata):
        check_accept(request.headers.get("accept"), METADATA)
        return Reply(200, metadata_document(resource.root), "application/xml;charset=utf-8")
    check_accept(request.headers.get("accept"))
    return Reply(200, service_document(origin, resource.root), ODATA_JSON)


def _check_encoding(header: str | None) -> None:
    # Some SDKs compress their bodies, and send them again as they are once they have seen this status.
    if header is not None and header.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType(
            f"The body is in the encoding {shown(header)}; allowed: none.",
            target="Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )


def _headers(resource: Resource) -> Mapping[str, str]:
    deprecated = isinstance(resource, _OF_A_SET) and resource.entity_set.deprecated
    return DEPRECATED_ODATA_HEADERS if deprecated else ODATA_HEADERS
