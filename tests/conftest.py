"""What all tests share: a served store with tenants, apps and tokens; and a watch over every statement run."""

import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar, cast
from uuid import uuid4

import httpx
import hypothesis
import pytest

from stanchion.access.operator import AppWish, add_app, add_tenant, signing_key
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.app import build_server, key_file, open_store
from stanchion.ledger.changes import Operator
from stanchion.ledger.imports import ImportCounts, ImportEntities, Incoming
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import CONTROL_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject
from stanchion.settings import Settings
from stanchion.store.compile import DialectName
from tests.databases import DIALECTS, AnyStore, Database, Databases, Template
from tests.lasting_tokens import LastingTokens
from tests.store.citus import described_cluster
from tests.store.postgresql import described
from tests.store.reach import Reach, given_reach
from tests.store.statements import unroutable, unscoped
from tests.unmeasured import leave_unmeasured, unmeasured_processes, unmeasured_servers

__all__ = ["unmeasured_processes", "unmeasured_servers"]

T = TypeVar("T")

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER_TENANT = "bbbbbbbb-0000-4000-8000-000000000002"
ORIGIN = "http://127.0.0.1:8080"
OPERATOR = Operator("tester")
SAMPLES = Path(__file__).parent.parent.parent / "shared" / "samples"
MICROSOFT: JsonObject = {
    "provider": "SecureScore",
    "providerVersion": None,
    "subProvider": None,
    "vendor": "Microsoft",
}

# How long an example takes is the machine's affair. Where CI is set, the same examples are drawn each time.
hypothesis.settings.register_profile(
    "any machine",
    hypothesis.settings.get_profile("ci" if os.environ.get("CI") else "default"),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")


class Statements(logging.Handler):
    """Keeps the SQL that was run."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.ran.append(record.getMessage())

    def count(self, statement: str) -> int:
        """Count how often a statement was run."""
        return self.ran.count(statement)


@pytest.fixture(autouse=True)
def statements() -> Iterator[Statements]:
    """Every statement of the test, each of which must name its tenant."""
    log, handler = logging.getLogger("stanchion.sql"), Statements()
    level = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(handler)
    try:
        yield handler
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    assert {sql: fault for sql in handler.ran if (fault := unscoped(sql)) is not None} == {}
    assert {sql: fault for sql in set(handler.ran) if (fault := unroutable(sql)) is not None} == {}


@pytest.fixture(scope="session")
def reach() -> Reach:
    """What lies within reach of tests besides this machine: the databases that are given."""
    return given_reach()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, reach: Reach) -> None:
    """Let no test reach beyond this machine and the databases that are given: whoever tries is told, and fails."""

    def checked(connect: Callable[..., T]) -> Callable[..., T]:
        def connect_within(self: socket.socket, address: object) -> T:
            if not reach.holds(address):
                pytest.fail(f"The test tries to reach {address}.")
            return connect(self, address)

        return connect_within

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, checked(getattr(socket.socket, name)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one choose the database."""
    parser.addoption("--database", choices=DIALECTS, help="run what touches storage on this database only")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which PostgreSQL the tests use."""
    if config.getoption("--database") == "sqlite":
        return []
    return [f"PostgreSQL: {described()}", f"Citus: {described_cluster()}"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let what touches storage run on each database, but for what is marked as being about SQLite."""
    given = any("dialect" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "dialect" in metafunc.fixturenames and not given:
        alone = metafunc.definition.get_closest_marker("sqlite") is not None
        marked = {"sqlite": (), "postgresql": (pytest.mark.postgres,)}
        names = [pytest.param(name, marks=marked[name]) for name in DIALECTS[: 1 if alone else None]]
        metafunc.parametrize("dialect", names, indirect=True, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs on the database that was not chosen; let files with slow tests come first."""
    chosen = config.getoption("--database")
    if chosen is not None:
        left = [item for item in items if _dialect(item) not in {None, chosen}]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if _dialect(item) in {None, chosen}]
    leave_unmeasured(items)
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


def _dialect(item: pytest.Item) -> str | None:
    """Return the database that a test runs on, None for one that needs none or makes its own."""
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        return cast("str | None", item.callspec.params.get("dialect"))
    return None


@pytest.fixture(scope="module")
def dialect(request: pytest.FixtureRequest) -> DialectName:
    """The database that the test runs on."""
    name: DialectName = request.param
    return name


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """What makes databases, and keeps those to copy."""
    made = Databases()
    yield made
    made.close()


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, on which the server runs."""
    return "asyncio"


@dataclass
class Api:
    """A served store, spoken to in process; `client` sends no token by itself."""

    store: AnyStore
    settings: Settings
    client: httpx.AsyncClient
    tokens: dict[str, str]
    database: Database

    def token(
        self,
        permission: str = "SecurityEvents.ReadWrite.All",
        *,
        tenant: str = TENANT,
        provider: str | None = None,
        upn: str | None = None,
        roles: tuple[str, ...] = (),
    ) -> str:
        """Return a bearer token of an app of its own; with `upn` a delegated one, with `provider` a limited one."""
        key = repr((permission, tenant, provider, upn, roles))
        if key not in self.tokens:
            app = add_app(
                self.store,
                AppWish(tenant, "an app", permissions=(permission,), provider=provider),
                actor=OPERATOR,
            ).app
            wish = TokenWish(tenant, app.client_id, upn=upn, roles=roles)
            self.tokens[key] = issue_token(
                self.store,
                wish,
                key_file=key_file(self.settings),
                actor=OPERATOR,
                now_seconds=int(time.time()),
            ).token
        return self.tokens[key]

    async def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        json: object = None,
        content: bytes | AsyncIterator[bytes] | None = None,
    ) -> httpx.Response:
        """Send a request with a token, that of a writing app if none is given."""
        given = {"Authorization": f"Bearer {token or self.token()}", **(headers or {})}
        return await self.client.request(method, path, headers=given, json=json, content=content)

    def add(
        self, *values: JsonObject, entity_set: EntitySet = CONTROL_PROFILES, tenant: str = TENANT
    ) -> ImportCounts:
        """Store entities as an import does."""
        command = ImportEntities(
            tenant_id=tenant,
            command_id=str(uuid4()),
            actor=OPERATOR,
            source="a test",
            digest="0" * 64,
            entities=tuple(Incoming.of(entity_set, {"azureTenantId": tenant, **value}) for value in values),
        )
        return self.store.run(command).counts

    async def stored(
        self, id: str, *, entity_set: EntitySet = CONTROL_PROFILES, tenant: str = TENANT
    ) -> Stored | None:
        """Return what is stored of an entity."""
        return await self.store.get(tenant, entity_set, id)

    async def sequence(self, *, tenant: str = TENANT) -> int:
        """Return how many changes the tenant has: one more after each accepted write, the same after none."""
        head = await self.store.head(tenant)
        assert head is not None
        return head.sequence


def control(id: str = "NonOwnerAccess", **more: object) -> JsonObject:
    """Return a control of Microsoft's with a few properties."""
    return {"id": id, "title": f"Title of {id}", "maxScore": 5.0, "vendorInformation": MICROSOFT, **more}  # type: ignore[dict-item]


def score(day: str = "2026-01-31", **more: object) -> JsonObject:
    """Return Microsoft's score of a day with a few properties."""
    return {
        "id": f"{TENANT}_{day}",
        "createdDateTime": f"{day}T00:00:00Z",
        "currentScore": 12.5,
        "maxScore": 50.0,
        "vendorInformation": MICROSOFT,
        **more,  # type: ignore[dict-item]
    }


Tokens: TypeAlias = Mapping[str, str]


@pytest.fixture(scope="module")
def template(
    databases: Databases, dialect: DialectName, tmp_path_factory: pytest.TempPathFactory
) -> Template[Tokens]:
    """The store that tests start from: making keys and tables anew for each would take most of their time.

    The tokens of its apps are its value; each test serves a copy of it.
    """
    folder = partial(tmp_path_factory.mktemp, "template")
    return databases.template("served", dialect, make_served, folder=folder)


def make_served(database: Database) -> Tokens:
    """Make a store with two tenants, a signing key and three apps in an empty database; return their tokens."""
    store = open_store(database.settings)
    add_tenant(store, TENANT, name="Alder Quay", actor=OPERATOR)
    add_tenant(store, OTHER_TENANT, name="Brinewood", actor=OPERATOR)
    made = Api(store, database.settings, httpx.AsyncClient(), {}, database)
    made.token()
    made.token("SecurityEvents.Read.All")
    made.token(tenant=OTHER_TENANT)
    key = signing_key(store, key_file=key_file(database.settings), actor=OPERATOR)
    store.close_now()
    return LastingTokens(made.tokens, key=key)


Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Api]]


@pytest.fixture
def serve(
    databases: Databases, template: Template[Tokens], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Serve:
    """What serves a copy of the template in process, as an async context manager."""
    # A machine that pauses for some seconds is no reason to refuse a write.
    monkeypatch.setattr("stanchion.store.postgresql.served._PATIENCE_SECONDS", 60.0)

    @asynccontextmanager
    async def served(
        settings: Settings | None = None, *, peer: str = "127.0.0.1", origin: str = ORIGIN
    ) -> AsyncIterator[Api]:
        with databases.copy(template, tmp_path / "served") as database:
            settings = database.configured(settings or Settings())
            store = open_store(settings, serving=True)
            transport = httpx.ASGITransport(build_server(store, settings), client=(peer, 50_000))
            try:
                async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
                    yield Api(store, settings, client, dict(template.value), database)
            finally:
                await store.close()

    return served


@pytest.fixture
async def api(serve: Serve) -> AsyncIterator[Api]:
    """A server in process over a new store with two tenants, at ORIGIN."""
    async with serve() as served:
        yield served
