"""Which hosts tests may reach: this machine, and those of the databases that are given.

- `STANCHION_TEST_POSTGRES_URL` opens its own hosts; `STANCHION_TEST_CITUS_URL` its own, and those of the nodes that
  the coordinator names.
- A host is known by its name and by all addresses that the name has when tests begin.
"""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from sqlalchemy.engine import make_url

from tests.store.citus import GIVEN_CITUS, Cluster
from tests.store.postgresql import GIVEN_URL


@dataclass(frozen=True)
class Reach:
    """What lies within reach besides this machine, by name and by address."""

    hosts: frozenset[str] = frozenset()

    def holds(self, address: object) -> bool:
        """Tell whether a socket may be connected to an address; a path is on this machine."""
        host = address[0] if isinstance(address, tuple) else None
        return host is None or host == "localhost" or host in self.hosts or _loopback(host)


def given_reach() -> Reach:
    """Return what the databases that are given open."""
    hosts = hosts_of(GIVEN_URL) if GIVEN_URL else set()
    if GIVEN_CITUS:
        hosts |= asyncio.run(hosts_of_cluster(GIVEN_CITUS))
    return reach_of(hosts)


def hosts_of(url: str) -> set[str]:
    """Return the hosts that a URL names, those of its query included; a folder of sockets is none."""
    given = make_url(url)
    queried = given.query.get("host", ())
    named = [given.host or "", *([queried] if isinstance(queried, str) else queried)]
    hosts = {_without_port(host) for each in named for host in each.split(",")}
    return {host for host in hosts if host and not host.startswith("/")}


async def hosts_of_cluster(url: str) -> set[str]:
    """Return the hosts of a coordinator and of the nodes that it names."""
    coordinator, workers = await Cluster(url)._nodes()
    named = {worker.host for worker in workers if worker.host} | ({coordinator[0]} if coordinator else set())
    return hosts_of(url) | named


def reach_of(hosts: Iterable[str]) -> Reach:
    """Return a reach over hosts, known by their addresses too; one without an address by its name alone."""
    known = set(hosts)
    for host in sorted(known):
        try:
            known |= {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
        except socket.gaierror:
            continue
    return Reach(frozenset(known))


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    return host.partition(":")[0] if host.count(":") == 1 else host.strip("[]")
