"""Servers as processes for attacks on their sockets, over http and over TLS."""

from collections.abc import Iterator, Mapping

import pytest

from stanchion.store.compile import DialectName
from tests.security.wire.tenants import OTHER_TOKEN_FILE, add_other_app
from tests.serving.fixtures import certificates, made_place, place, place_template, shared_place
from tests.serving.place import Place
from tests.serving.process import Certificates, Server, running

__all__ = ["certificates", "made_place", "place", "place_template", "shared_place"]


@pytest.fixture(scope="module")
def limits() -> Mapping[str, str]:
    """The settings of the servers: the time limits that everybody has, unless a module has others."""
    return {}


@pytest.fixture(scope="module")
def attacked_place(shared_place: Place) -> Place:
    """A store with an app in each of two tenants."""
    (shared_place.folder / OTHER_TOKEN_FILE).write_text(add_other_app(shared_place))
    return shared_place


@pytest.fixture(scope="module")
def plain_server(attacked_place: Place, limits: Mapping[str, str]) -> Iterator[Server]:
    """A server over http."""
    with running(attacked_place, environment=limits) as started:
        yield started


@pytest.fixture(scope="module")
def tls_server(
    made_place: Place,
    certificates: Certificates,
    limits: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server over TLS; it has a store of its own, with the same tokens."""
    secured = made_place.copied_to(tmp_path_factory.mktemp("secured"))
    with running(secured, tls=certificates, environment=limits) as started:
        yield started


@pytest.fixture(scope="module", params=["http", "https"])
def attacked(request: pytest.FixtureRequest, dialect: DialectName) -> Server:
    """Each of the two servers in turn; both stand on the database of `dialect`."""
    assert dialect == "sqlite"
    name = "plain_server" if request.param == "http" else "tls_server"
    found: Server = request.getfixturevalue(name)
    return found
