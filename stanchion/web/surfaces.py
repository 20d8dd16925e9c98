"""Which surface answers a path: the Graph roots, the issuer, or none.

A path that is nobody's is 401 without a token, as everything is, and 404 with one.
"""

from collections.abc import Awaitable

from stanchion.access.caller import Caller
from stanchion.errors import NotFound
from stanchion.model.wording import shown
from stanchion.odata.url import parse_path
from stanchion.web.call import Authenticate
from stanchion.web.exchange import Reply, Request
from stanchion.web.graph import GraphRoots
from stanchion.web.issuer import IssuerPages


class Surfaces:
    """Hands each request to its surface."""

    def __init__(self, graph: GraphRoots, issuer: IssuerPages, *, authenticate: Authenticate) -> None:
        self._graph = graph
        self._issuer = issuer
        self._authenticate = authenticate

    def __call__(self, request: Request, origin: str) -> Awaitable[Reply]:
        """Answer a request."""
        resource = parse_path(request.path, request.query)
        if resource is not None:
            return self._graph.answer(resource, request, origin)
        return self._answer(request, origin)

    async def _answer(self, request: Request, origin: str) -> Reply:
        reply = await self._issuer.answer(request, origin)
        if reply is not None:
            return reply
        caller = self._authenticate(request)
        if not isinstance(caller, Caller):
            caller = await caller
        request.trace.tenant_id, request.trace.app_id = caller.tenant_id, caller.app_id
        path = request.path.decode("latin-1")
        raise NotFound(
            f"There is nothing at {shown(path)}; Graph's API is below /v1.0 and /beta, described at /v1.0/docs."
        )
