"""A call: a request whose caller is known, and the origin it came for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from stanchion.access.caller import Caller
from stanchion.web.exchange import Request

Authenticate: TypeAlias = Callable[[Request], Awaitable[Caller]]
"""Who asks, by the request's Authorization headers; raises Unauthenticated."""


@dataclass(frozen=True)
class Call:
    """What an operation of the Graph roots gets besides its resource."""

    request: Request
    origin: str
    caller: Caller
