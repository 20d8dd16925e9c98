"""What tests may reach: the databases that are given and this machine, and nothing else."""

import asyncio
import socket
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.databases import Databases
from tests.store.reach import Reach, given_reach, hosts_of, hosts_of_cluster, reach_of

GIVEN = "192.0.2.7"
OTHER = "192.0.2.8"


@pytest.fixture(scope="session")
def reach() -> Reach:
    """What the tests of this module may reach, besides what is given."""
    return Reach(given_reach().hosts | {GIVEN})


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://me@db-1.example.com:5433/store", {"db-1.example.com"}),
        ("postgresql://me@192.0.2.7/store", {"192.0.2.7"}),
        ("postgresql://me@[2001:db8::7]:5432/store", {"2001:db8::7"}),
        ("postgresql://me@/store?host=db-1.example.com:5433,192.0.2.7", {"db-1.example.com", "192.0.2.7"}),
        ("postgresql://me@/store?host=db-1.example.com&host=192.0.2.7", {"db-1.example.com", "192.0.2.7"}),
        ("postgresql://me@/store?host=/run/postgresql", set()),
        ("postgresql:///store", set()),
    ],
)  # fmt: skip
def test_the_hosts_of_a_url_are_those_it_names(url: str, hosts: set[str]) -> None:
    assert hosts_of(url) == hosts


@pytest.mark.postgres
def test_the_hosts_of_a_cluster_are_those_that_its_coordinator_names(
    databases: Databases, tmp_path: Path
) -> None:
    nodes = [
        ("coordinator.example.com", 0, True, "primary"),
        ("worker-1.example.com", 1, True, "primary"),
        ("worker-2.example.com", 2, True, "primary"),
        ("inactive.example.com", 3, False, "primary"),
        ("standby.example.com", 4, True, "secondary"),
    ]
    with databases.new("postgresql", tmp_path) as database:
        # It is found before Citus's own on a cluster that is given.
        database.execute("CREATE SCHEMA named")
        database.execute(
            "CREATE TABLE named.pg_dist_node"
            " (nodename text, nodeport int DEFAULT 5432, groupid int, isactive bool, noderole text)"
        )
        for name, group, active, role in nodes:
            database.execute(
                "INSERT INTO named.pg_dist_node (nodename, groupid, isactive, noderole) VALUES ($1, $2, $3, $4)",
                name, group, active, role,
            )  # fmt: skip
        url = make_url(database.url).update_query_dict({"search_path": "named,pg_catalog"})
        named = asyncio.run(hosts_of_cluster(url.render_as_string(hide_password=False)))

    assert {name for name, _, _, _ in nodes[:3]} <= named
    assert not {name for name, _, _, _ in nodes[3:]} & named


def test_a_host_is_known_by_its_addresses_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(host: str, *_: object, **__: object) -> list[object]:
        if host == "nowhere.invalid":
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    found = reach_of(["localhost", "nowhere.invalid"]).hosts
    assert found == {"localhost", "nowhere.invalid", "127.0.0.1"}


@pytest.mark.parametrize(
    "address", [("127.0.0.1", 1), ("127.8.9.1", 1), ("::1", 1, 0, 0), ("localhost", 1), "/run/a", b"\0a", 7]
)
def test_this_machine_is_always_within_reach(address: object) -> None:
    assert Reach().holds(address)


@pytest.mark.parametrize("address", [(OTHER, 1), ("0.0.0.0", 1), ("db-1.example.com", 1), ("::", 1, 0, 0)])  # noqa: S104 (refused)
def test_nothing_else_is_within_reach_where_nothing_is_given(address: object) -> None:
    assert not Reach().holds(address)


# A datagram socket sends nothing when it is connected, and connect_ex raises nothing where there is no way.
@pytest.mark.parametrize("name", ["connect", "connect_ex"])
@pytest.mark.parametrize("host", [OTHER, "db-2.example.com"])
def test_a_test_that_tries_to_reach_another_host_fails(name: str, host: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as caller, pytest.raises(pytest.fail.Exception, match=host):
        getattr(caller, name)((host, 9))


def test_a_test_may_reach_a_host_that_is_given() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as caller:
        caller.connect_ex((GIVEN, 9))
