"""The Graph roots, `/v1.0` and `/beta`: which resource is asked, what may be done with it, by whom.

The checks come in one order, which callers rely on: token (401), route (400, 405), permission (403), what is
accepted and sent (406, 415), size (413), the body by itself (400), and then what the command finds.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from stanchion.access.caller import Caller
from stanchion.access.permission import Need, require
from stanchion.errors import BadRequest, MethodNotAllowed, StanchionError
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.model.wording import shown
from stanchion.odata.negotiation import (
    JSON,
    TEXT,
    check_body_version,
    check_content_type,
    check_encoding,
    check_isolation,
    check_version,
    chosen,
)
from stanchion.odata.options import asked_format
from stanchion.odata.resources import (
    BatchResource,
    CountResource,
    DeltaResource,
    EntityResource,
    Metadata,
    PropertyCountResource,
    PropertyResource,
    Resource,
    SecuritySingleton,
    ServiceDocument,
    SetResource,
    UnknownSegment,
)
from stanchion.odata.style import AS_GRAPH
from stanchion.settings import Settings
from stanchion.store import Store
from stanchion.web.batch import Batches
from stanchion.web.call import Authenticate, Call
from stanchion.web.delta import Deltas
from stanchion.web.denial import note_denial
from stanchion.web.documents import document
from stanchion.web.exchange import Reply, Request
from stanchion.web.openapi import Description
from stanchion.web.properties import Properties
from stanchion.web.reading import Reading
from stanchion.web.replies import DEPRECATED_ODATA_HEADERS, ODATA_HEADERS
from stanchion.web.request_log import RequestLog
from stanchion.web.throttle import Throttle
from stanchion.web.writing import Writing

# The resources on which there is something to do for a caller.
Offered: TypeAlias = (
    EntityResource
    | SetResource
    | CountResource
    | DeltaResource
    | PropertyResource
    | PropertyCountResource
    | SecuritySingleton
)
Asked: TypeAlias = Offered | BatchResource | UnknownSegment
# Each look at a type that it is not costs a resource a tenth of a microsecond: what is asked most comes first.
_OF_A_SET = (
    EntityResource,
    SetResource,
    CountResource,
    DeltaResource,
    PropertyResource,
    PropertyCountResource,
)
_OFFERED = (*_OF_A_SET, SecuritySingleton)
_ASKED = (*_OFFERED, BatchResource, UnknownSegment)
_DOCUMENTS = (ServiceDocument, Metadata)
_TEXTS = frozenset({CountResource, PropertyCountResource})


class GraphRoots:
    """Answers every request below a Graph root."""

    def __init__(
        self,
        store: Store,
        *,
        authenticate: Authenticate,
        settings: Settings,
        is_own: Callable[[str], bool],
        log: RequestLog,
        throttle: Throttle | None = None,
    ) -> None:
        self._authenticate = authenticate
        self._reading = Reading(
            store,
            max_page_bytes=settings.max_page_bytes,
            patience_seconds=settings.request_timeout_seconds,
        )
        self._deltas = Deltas(store, max_page_bytes=settings.max_page_bytes)
        self._properties = Properties(store)
        self._writing = Writing(store, settings=settings)
        self._throttle = throttle
        at_once = None if throttle is None else throttle.at_once
        self._batches = Batches(self.answer, settings=settings, is_own=is_own, log=log, at_once=at_once)
        self._description = Description(settings, methods=offered_methods)

    async def answer(self, resource: Resource, request: Request, origin: str) -> Reply:
        """Answer a request for a resource of a Graph root; raises a StanchionError to refuse."""
        headers = _headers(resource)
        caller: Caller | None = None
        trace = request.trace
        trace.kind = resource.kind
        try:
            if isinstance(resource, _ASKED):
                known = self._authenticate(request)
                caller = known if isinstance(known, Caller) else await known
                trace.tenant_id, trace.app_id = caller.tenant_id, caller.app_id
                call = Call(request, origin, caller)
                if self._throttle is None:
                    reply = await self._operation(resource, call)
                else:
                    reply = await self._throttled(self._throttle, resource, call)
            elif isinstance(resource, _DOCUMENTS):
                reply = document(resource, request, origin)
            else:
                return await self._description.answer(resource, request, origin)
        except StanchionError as error:
            error.headers.update(headers)
            note_denial(error, resource=resource, caller=caller, trace=trace)
            raise
        reply.headers.update(headers)
        return reply

    async def _throttled(self, throttle: Throttle, resource: Asked, call: Call) -> Reply:
        # Of a batch each request is judged by itself.
        if isinstance(resource, BatchResource):
            return await self._operation(resource, call)
        with throttle.turn(call.caller, resource.entity_set if isinstance(resource, _OF_A_SET) else None):
            reply = await self._operation(resource, call)
            # What is read later is read within the turn too.
            if call.request.method != "HEAD":
                await reply.whole()
            return reply

    def _operation(self, resource: Asked, call: Call) -> Awaitable[Reply]:
        """Return what answers the call, once it has passed the checks that need neither body nor store."""
        request = call.request
        if not isinstance(resource, _OFFERED):
            if isinstance(resource, BatchResource):
                return self._batches.answer(resource, call)
            raise BadRequest(f"Resource not found for the segment {shown(resource.segment)}.")
        method = "GET" if request.method == "HEAD" else request.method
        offered = _methods(resource)
        if method not in offered:
            raise MethodNotAllowed(
                request.method, allowed=("GET", "HEAD", *(m for m in offered if m != "GET"))
            )
        require(call.caller, Need.READ if method == "GET" else Need.WRITE)
        asked = asked_format(request.query) if request.query else None
        choice = chosen(request.headers.get("accept"), asked, TEXT if _is_text(resource) else JSON)
        check_version(request.headers.get("odata-maxversion"))
        check_isolation(request.headers)
        if choice.style is not AS_GRAPH:
            call = replace(call, style=choice.style)
        if method == "GET":
            return self._read(resource, call)
        if method != "DELETE":
            check_content_type(request.headers.get("content-type"))
            check_encoding(request.headers.get("content-encoding"))
            check_body_version(request.headers.get("odata-version"))
        return self._write(resource, call)

    def _read(self, resource: Offered, call: Call) -> Awaitable[Reply]:
        match resource:
            case EntityResource():
                return self._reading.entity(resource, call)
            case SetResource():
                return self._reading.page(resource, call)
            case CountResource():
                return self._reading.count(resource, call)
            case DeltaResource():
                return self._deltas.page(resource, call)
            case PropertyResource():
                return self._properties.value(resource, call)
            case PropertyCountResource():
                return self._properties.count(resource, call)
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


def offered_methods(resource: Resource) -> tuple[str, ...]:
    """Return what may be done with a resource, nothing where it is no resource of ours; HEAD goes with GET."""
    if isinstance(resource, _OFFERED):
        return _methods(resource)
    if isinstance(resource, UnknownSegment):
        return ()
    return ("POST",) if isinstance(resource, BatchResource) else ("GET",)


def _methods(resource: Offered) -> tuple[str, ...]:
    """Return what may be done with a resource; HEAD goes with GET."""
    match resource:
        case EntityResource():
            return ("GET", "PATCH", "DELETE")
        case SetResource(entity_set=entity_set):
            # A score may be patched by the id in the body.
            return ("GET", "POST", "PATCH") if entity_set is SECURE_SCORES else ("GET", "POST")
        case CountResource() | DeltaResource() | SecuritySingleton():
            return ("GET",)
        case PropertyResource() | PropertyCountResource():
            return ("GET",)
        case _:
            assert_never(resource)


def _is_text(resource: Offered) -> bool:
    return type(resource) in _TEXTS or (type(resource) is PropertyResource and resource.raw)


def _headers(resource: Resource) -> Mapping[str, str]:
    deprecated = isinstance(resource, _OF_A_SET) and resource.entity_set.deprecated
    return DEPRECATED_ODATA_HEADERS if deprecated else ODATA_HEADERS
