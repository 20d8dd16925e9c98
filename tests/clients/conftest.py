"""What the tests of this folder share: a furnished store served over TLS, and a network that ends at the loopback."""

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial

import pytest

from stanchion.access.operator import AppWish, add_app
from tests.clients.connecting import Connect
from tests.clients.estate import furnish
from tests.clients.sdk import GraphServiceClient
from tests.databases import Database, Databases, Template
from tests.serving.fixtures import certificates, made_place, place, place_template, server, shared_server
from tests.serving.place import OPERATOR, TENANT, Place
from tests.serving.process import Certificates, Server, running

__all__ = ["certificates", "made_place", "place", "place_template", "server", "shared_server"]
_LOOPBACK = {"localhost", "127.0.0.1", "::1", None}


@pytest.fixture(scope="module")
def furnished_place(
    databases: Databases, place_template: Template[Place], tmp_path_factory: pytest.TempPathFactory
) -> Template[Place]:
    """A store to copy, with all that the clients ask for; nothing opens it."""

    def fill(database: Database) -> Place:
        furnished = replace(place_template.value, at=database)
        furnish(furnished)
        return furnished

    folder = partial(tmp_path_factory.mktemp, "furnished")
    return databases.template(
        "furnished", place_template.database.dialect, fill, folder=folder, of=place_template
    )


@pytest.fixture(scope="module")
def shared_place(
    databases: Databases, furnished_place: Template[Place], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A furnished store for the tests of one module."""
    with databases.copy(furnished_place, tmp_path_factory.mktemp("shared")) as database:
        yield replace(furnished_place.value, at=database)


@pytest.fixture(scope="module")
def secured(shared_place: Place, certificates: Certificates) -> Iterator[Server]:
    """The server of a module, over TLS."""
    with running(shared_place, tls=certificates) as server:
        yield server


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every name but the loopback's: no client may ask anybody else for anything."""
    resolve = socket.getaddrinfo

    def loopback_only(host: str | bytes | None, *arguments: object, **options: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        assert name in _LOOPBACK, f"The client asked for {name}."
        return resolve(host, *arguments, **options)  # type: ignore[arg-type] # Whatever the caller gave.

    monkeypatch.setattr(socket, "getaddrinfo", loopback_only)


@pytest.fixture(autouse=True)
def trusting(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both HTTP libraries, that of the SDK and that of the credential, trust the private authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))


@pytest.fixture
async def connect(secured: Server) -> AsyncIterator[Connect]:
    """What makes clients of the server of the module."""
    connecting = Connect(secured)
    yield connecting
    await connecting.close()


@pytest.fixture
def graph(connect: Connect, shared_place: Place) -> GraphServiceClient:
    """A client of v1.0 that may write."""
    return connect(shared_place.client_id, shared_place.secret)


@pytest.fixture
def reader(shared_place: Place) -> tuple[str, str]:
    """The id and the secret of an app that may only read."""
    with shared_place.opened() as store:
        added = add_app(store, AppWish(TENANT, "reads", ("SecurityEvents.Read.All",)), actor=OPERATOR)
    return added.app.client_id, added.secret


@pytest.fixture
def reading(connect: Connect, reader: tuple[str, str]) -> GraphServiceClient:
    """A client of v1.0 that may only read."""
    return connect(*reader)
