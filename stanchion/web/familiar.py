"""GET of one entity by those who ask as they asked before: what was decided of such headers is not decided again.

- Requests are alike where the scheme, the peer and all headers are, but for those that differ each time: who asks,
  and ids by which callers find a request again. These, the path, the permission and the entity are judged each time.
- Only what went the whole way and was answered with the entity in Graph's own form makes its headers familiar.
  Whatever is not as expected goes the whole way, from its beginning: there alone anything is refused, but for what
  the store cannot answer, which would take as long once more.
- Headers are kept by a closed list of names, none of which holds a secret, and so many at most.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec
from msgspec.structs import replace
from starlette.types import Message, Receive, Scope

from stanchion.access.caller import Caller
from stanchion.access.permission import Need, may
from stanchion.access.token import Counted
from stanchion.errors import StanchionError
from stanchion.logs import Trace
from stanchion.odata.resources import EntityResource
from stanchion.odata.url import parse_path
from stanchion.settings import Settings
from stanchion.store import ServedStore
from stanchion.web.exchange import Reply, Request
from stanchion.web.replies import DEPRECATED_ODATA_HEADERS, ODATA_HEADERS, ODATA_JSON, entity_reply

_Header: TypeAlias = tuple[bytes, bytes]

# A client library sends the same ones each time, and there are not many of them.
MAX_FAMILIAR = 256
MAX_FAMILIAR_BYTES = 1024

_OK = 200
_GRAPH_FORM = (b"content-type", ODATA_JSON.encode())
_DIFFERING = frozenset({b"authorization", b"client-request-id", b"traceparent", b"x-forwarded-for"})
_ALIKE = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"cache-control",
        b"connection",
        b"content-type",
        b"host",
        b"odata-maxversion",
        b"odata-version",
        b"prefer",
        b"sdkversion",
        b"user-agent",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    }
)


class Familiar(msgspec.Struct, frozen=True):
    """What is known of requests with such headers."""

    headers: dict[str, str]  # those that are alike
    size: int  # of these
    origin: str


class FamiliarReads:
    """The short way; `known` tells who asks where that needs no judging."""

    def __init__(
        self, store: ServedStore, *, known: Callable[[Request], Caller | None], settings: Settings
    ) -> None:
        self._store = store
        self._known_caller = known
        self._max_header_bytes = settings.max_header_bytes
        self._max_url_bytes = settings.max_url_bytes
        self._familiar: dict[tuple[object, ...], Familiar] = {}
        self.taken = 0  # how often it was

    def __len__(self) -> int:
        return len(self._familiar)

    def recognised(self, scope: Scope, receive: Receive, *, trace: Trace) -> tuple[Request, Familiar] | None:
        """Return a request, as `Request.of` does, and what is known of its headers; None where that is nothing."""
        if scope["method"] != "GET" or scope["query_string"]:
            return None
        path, peer = scope.get("raw_path") or scope["path"].encode(), _peer(scope)
        alike, differing = _told_apart(scope["headers"])
        familiar = self._familiar.get((scope["scheme"], peer, *alike))
        if familiar is None or len(path) > self._max_url_bytes:
            return None
        own = {str(name, "latin-1"): str(value, "latin-1") for name, value in differing}
        size = familiar.size + len("".join(own)) + len("".join(own.values()))
        if len(own) < len(differing) or size > self._max_header_bytes:
            return None
        token = own.get("authorization")
        authorization = () if token is None else (token,)
        headers = familiar.headers | own
        request = Request("GET", path, b"", headers, authorization, scope["scheme"], peer, receive, trace)
        return request, familiar

    async def reply(self, request: Request, familiar: Familiar) -> Reply | Request:
        """Return the entity that is asked for, else the request as it has to go the whole way.

        Raises what the store does.
        """
        resource = parse_path(request.path)
        if type(resource) is not EntityResource:
            return request
        try:
            caller = self._known_caller(request)
        except Exception:  # noqa: BLE001 (it will fail again, there where it is told)
            return request
        if caller is None:
            return request
        if caller.provider is not None or not may(caller, Need.READ):
            return _counted(request)
        trace, entity_set = request.trace, resource.entity_set
        trace.kind, trace.tenant_id, trace.app_id = resource.kind, caller.tenant_id, caller.app_id
        headers = DEPRECATED_ODATA_HEADERS if entity_set.deprecated else ODATA_HEADERS
        try:
            stored = await self._store.get(caller.tenant_id, entity_set, resource.key)
        except StanchionError as error:
            error.headers.update(headers)
            raise
        if stored is None:
            return _counted(request)
        self.taken += 1
        reply = entity_reply(
            stored,
            entity_set=entity_set,
            root=resource.root,
            origin=familiar.origin,
            epoch=self._store.epoch,
        )
        reply.headers.update(headers)
        return reply

    def learn(self, scope: Scope, request: Request, start: Message, *, origin: str) -> None:
        """Take note of the headers of a request for one entity that went the whole way, where it was answered so."""
        if request.method != "GET" or request.query or start["status"] != _OK:
            return
        raw = scope["headers"]
        alike, _ = _told_apart(raw)
        names = {name for name, _ in alike}
        size = sum(len(name) + len(value) for name, value in alike)
        if not names <= _ALIKE or len(request.headers) < len(raw) or size > MAX_FAMILIAR_BYTES:
            return
        if _GRAPH_FORM not in start["headers"]:
            return
        if len(self._familiar) >= MAX_FAMILIAR:
            self._familiar.clear()
        headers = {name: request.headers[name] for name in (str(name, "latin-1") for name in names)}
        self._familiar[request.scheme, request.peer, *alike] = Familiar(headers, size, origin)


def _told_apart(raw: Iterable[_Header]) -> tuple[list[_Header], list[_Header]]:
    """Return the headers that are alike each time, and those that differ."""
    alike: list[_Header] = []
    differing: list[_Header] = []
    for header in raw:
        (differing if header[0] in _DIFFERING else alike).append(header)
    return alike, differing


def _counted(request: Request) -> Request:
    """Return a request whose token is not to be counted once more."""
    return replace(request, authorization=Counted(request.authorization))


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
