"""A call: a request whose caller is known, the origin it came for, and how its answer is written."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from stanchion.access.caller import Caller
from stanchion.odata.style import AS_GRAPH, Style
from stanchion.web.exchange import Request

Authenticate: TypeAlias = Callable[[Request], Caller | Awaitable[Caller]]
"""Who asks, by the request's Authorization headers: at once where that is known; raises Unauthenticated."""


class Call(msgspec.Struct, frozen=True):
    """What an operation of the Graph roots gets besides its resource."""

    request: Request
    origin: str
    caller: Caller
    style: Style = AS_GRAPH
