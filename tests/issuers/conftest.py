"""Issuers on loopback, a store that trusts them, and the server that serves it."""

import datetime as dt
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from stanchion.access import issuer_document
from stanchion.app import build_server, open_store
from stanchion.cli.certificate import make_certificates
from tests.access.conftest import first_bench, shared_bench
from tests.cli.invoking import invoke
from tests.conftest import ORIGIN, OTHER_TENANT, TENANT, Api, Tokens, control
from tests.databases import Database, Databases, Template
from tests.issuers.scene import (
    AUDIENCE,
    CLIENT_ID,
    ENTRA_KEY,
    ENTRA_KEYS_PATH,
    HARBOUR_EC_KEY,
    HARBOUR_KEY,
    YARD_KEY,
    Scene,
)
from tests.issuers.standin import StandIn, document
from tests.serving.fixtures import place, place_template

__all__ = ["first_bench", "place", "place_template", "shared_bench"]

# A machine that stands still for a while must not look like an issuer that does not answer.
FETCH_SECONDS = 60.0
ENTRA_HOSTS = ("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn")


@dataclass(frozen=True)
class Certified:
    """A server certificate, its key, and the authority that signed it."""

    authority: Path
    chain: Path
    key: Path


@dataclass(frozen=True)
class Issuers:
    """Three issuers that run; each test finds them as they were."""

    harbour: StandIn
    yard: StandIn
    entra: StandIn
    authority: Path

    def reset(self) -> None:
        """Let each publish its own keys, and forget all else."""
        for standin in (self.harbour, self.yard, self.entra):
            standin.reset()
        self.harbour.publishes(HARBOUR_KEY.published(), HARBOUR_EC_KEY.published())
        self.yard.publishes(YARD_KEY.published())
        # Entra shows no `alg`, and says for which issuer each key signs.
        keys = ENTRA_KEY.published(
            alg=..., issuer="https://login.microsoftonline.com/{tenantid}/v2.0", x5t=ENTRA_KEY.kid
        )
        self.entra.answers[ENTRA_KEYS_PATH] = document({"keys": [keys]})


def certified(folder: Path) -> Certified:
    """Make a certificate for loopback and for the hosts of Entra, and an authority for it."""
    names = ("localhost", "127.0.0.1", *ENTRA_HOSTS)
    made = make_certificates(names, now=dt.datetime.now(dt.UTC), days=1)
    paths = [folder / name for name in ("ca.pem", "server.pem", "server-key.pem")]
    for path, content in zip(paths, made, strict=True):
        path.write_bytes(content)
    return Certified(*paths)


@pytest.fixture(scope="session")
def running_issuers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuers]:
    """The issuers, started once."""
    files = certified(tmp_path_factory.mktemp("issuers"))
    standins = [
        StandIn(files.chain, files.key, path=path) for path in ("/realms/harbour", "/realms/yard", "/common")
    ]
    for standin in standins:
        standin.start()
    harbour, yard, entra = standins
    yield Issuers(harbour, yard, entra, authority=files.authority)
    for standin in standins:
        standin.stop()


@pytest.fixture(autouse=True)
def issuers(running_issuers: Issuers, monkeypatch: pytest.MonkeyPatch) -> Issuers:
    """The issuers, as each test wants to find them; their authority is trusted."""
    for name in os.environ:
        if name.lower().endswith("_proxy") or name.startswith("STANCHION_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(running_issuers.authority))
    monkeypatch.setattr(issuer_document, "FETCH_SECONDS", FETCH_SECONDS)
    running_issuers.reset()
    return running_issuers


@pytest.fixture(scope="module")
def trusting_template(
    databases: Databases,
    template: Template[Tokens],
    running_issuers: Issuers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Template[Tokens]:
    """The store that tests start from, to which an operator added the issuers."""
    folder = partial(tmp_path_factory.mktemp, "trusting")

    def fill(database: Database) -> Tokens:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(issuer_document, "FETCH_SECONDS", FETCH_SECONDS)
            add_issuers(database, running_issuers)
        return template.value

    return databases.template("trusting", template.database.dialect, fill, folder=folder, of=template)


def add_issuers(database: Database, issuers: Issuers) -> None:
    """Add the three issuers by the command line."""
    issuers.reset()
    environment = {"SSL_CERT_FILE": str(issuers.authority)}
    entra = issuers.entra
    keys = ("--keys-url", entra.origin + ENTRA_KEYS_PATH, "--keys-host", f"localhost:{entra.port}")
    for arguments in (
        ("global", "--audience", AUDIENCE, "--audience", CLIENT_ID, "--tenant", TENANT, *keys),
        (issuers.harbour.url, "--audience", "stanchion", "--tenant", TENANT),
        (issuers.yard.url, "--audience", "stanchion", "--tenant", OTHER_TENANT),
    ):
        result = invoke("issuer", "add", *arguments, *database.options, environment=environment)
        assert result.exit_code == 0, result.output


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio; once for all, so that a scene can be shared."""
    return "asyncio"


@pytest.fixture
async def scene(
    databases: Databases, trusting_template: Template[Tokens], issuers: Issuers, tmp_path: Path
) -> AsyncIterator[Scene]:
    """A server over a store with a control and three issuers, of which it has asked none yet."""
    with databases.copy(trusting_template, tmp_path / "served") as database:
        async with staged(database, trusting_template.value, issuers) as made:
            yield made


@pytest.fixture(scope="module")
async def shared_scene(
    databases: Databases,
    trusting_template: Template[Tokens],
    running_issuers: Issuers,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Scene]:
    """The same for the tests of a module that change no issuer."""
    with databases.copy(trusting_template, tmp_path_factory.mktemp("shared")) as database:
        async with staged(database, trusting_template.value, running_issuers) as made:
            yield made


@asynccontextmanager
async def staged(database: Database, tokens: Tokens, issuers: Issuers) -> AsyncIterator[Scene]:
    """Serve a copy of the store, to which a control is added that attacks try to change."""
    settings = database.settings
    store = open_store(settings, serving=True)
    transport = httpx.ASGITransport(build_server(store, settings), client=("127.0.0.1", 50_000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            api = Api(store, settings, client, dict(tokens), database)
            made = await api.send("POST", "/v1.0/security/secureScoreControlProfiles", json=control())
            assert made.status_code == 201, made.text
            yield Scene(api, issuers.harbour, issuers.yard, issuers.entra)
    finally:
        await store.close()
