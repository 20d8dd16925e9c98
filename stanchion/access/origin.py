"""Origins: under which address a request came, and whether this server speaks for it.

- With `--public-url` the server speaks for these alone; without one for loopback (localhost, 127.0.0.1,
  [::1]) on any port. Anything else is 421 naming the setting: no forged Host reaches a link or an issuer.
- `X-Forwarded-Proto`, `-Host` and `-For` count only from an address or network in `--trusted-proxy`.
- An origin is `scheme://host[:port]` in lower case, without the port that the scheme implies (RFC 6454).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from stanchion.errors import BadRequest, MisdirectedRequest, OperatorError
from stanchion.model.wording import shown_address

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
_IMPLIED_PORTS = {"http": 80, "https": 443}
_LOOPBACK = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?")
_MAX_PORT = 65535


@dataclass(frozen=True)
class Arrival:
    """How a request came: the connection's scheme and peer address, and the headers that speak of it."""

    scheme: str
    host: str
    peer: str
    forwarded_proto: str | None = None
    forwarded_host: str | None = None
    forwarded_for: str | None = None


class Origins:
    """The addresses for which this server speaks.

    Raises OperatorError for a public URL or a proxy that cannot be read.
    """

    def __init__(self, public_urls: Iterable[str] = (), *, trusted_proxies: Iterable[str] = ()) -> None:
        self.public = tuple(_public_origin(url) for url in public_urls)
        self._proxies = tuple(_network(text) for text in trusted_proxies)

    def origin(self, arrival: Arrival) -> str:
        """Return the origin that was asked.

        Raises BadRequest for a Host that names no host, MisdirectedRequest for one we do not speak for.
        """
        scheme, host = arrival.scheme, arrival.host
        if self._trusts_proxy(arrival.peer):
            scheme = _first(arrival.forwarded_proto) or scheme
            host = _first(arrival.forwarded_host) or host
        origin = _normal_origin(f"{scheme}://{host}")
        if origin is None:
            raise BadRequest("The Host header must be a host name with an optional port.", target="Host")
        if not self._speaks_for(origin):
            raise self._misdirected(origin)
        return origin

    def includes(self, address: str) -> bool:
        """Say whether `scheme://host[:port]`, however it is spelt, is an origin for which this server speaks."""
        origin = _normal_origin(address)
        return origin is not None and self._speaks_for(origin)

    def token_origin(self, asked: str) -> str:
        """Return the origin that tokens name: the first public URL, without one the loopback origin asked."""
        return self.public[0] if self.public else asked

    def accepts_audience(self, audience: str) -> bool:
        """Say whether a token made for this audience is for this server."""
        return audience == self.public[0] if self.public else _LOOPBACK.fullmatch(audience) is not None

    def client_address(self, arrival: Arrival) -> str:
        """Return the address that asks: the peer, behind trusted proxies the nearest that is no proxy."""
        address = arrival.peer
        for hop in reversed((arrival.forwarded_for or "").split(",")):
            if not self._trusts_proxy(address) or _parse_address(hop.strip()) is None:
                break
            address = hop.strip()
        return address

    def _speaks_for(self, origin: str) -> bool:
        return origin in self.public if self.public else _LOOPBACK.fullmatch(origin) is not None

    def _trusts_proxy(self, peer: str) -> bool:
        address = _parse_address(peer)
        return address is not None and any(address in network for network in self._proxies)

    def _misdirected(self, origin: str) -> MisdirectedRequest:
        host = origin.partition("://")[2]
        if any(public.partition("://")[2] == host for public in self.public):
            hint = "if a proxy ends TLS, name its address in --trusted-proxy (STANCHION_TRUSTED_PROXY)."
        else:
            hint = "name it in --public-url (STANCHION_PUBLIC_URL) if it should."
        return MisdirectedRequest(f"This server does not speak for {origin}; {hint}", target="Host")


def _public_origin(url: str) -> str:
    origin = _normal_origin(url.removesuffix("/"))
    if origin is None:
        raise OperatorError(
            f"The public URL {shown_address(url)} cannot be used: scheme://host or scheme://host:port is expected, "
            "http or https, without a path."
        )
    return origin


def _normal_origin(text: str) -> str | None:
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        return None
    scheme, host, port = match["scheme"], match["host"], match["port"]
    if port is None or int(port) == _IMPLIED_PORTS[scheme]:
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{int(port)}" if 0 < int(port) <= _MAX_PORT else None


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise OperatorError(
            f"The trusted proxy {shown_address(text)} cannot be used: an address or a network such as 10.0.0.0/8 is "
            "expected."
        ) from None


def _parse_address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A socket open to both families shows IPv4 peers as ::ffff:a.b.c.d.
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _first(header: str | None) -> str | None:
    return header.partition(",")[0].strip() if header else None
