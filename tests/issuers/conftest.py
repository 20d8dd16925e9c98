"""Issuers on loopback, a store that trusts them, and the server that serves it."""

import datetime as dt
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from stanchion.app import build_server
from stanchion.cli.certificate import make_certificates
from stanchion.settings import Settings
from stanchion.store import SQLiteStore
from tests.cli.invoking import invoke
from tests.conftest import ORIGIN, OTHER_TENANT, TENANT, Api, Template, control
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
from tests.serving.fixtures import made_place, place

__all__ = ["made_place", "place"]

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
    running_issuers.reset()
    return running_issuers


@pytest.fixture(scope="session")
def trusting_template(
    template: Template, running_issuers: Issuers, tmp_path_factory: pytest.TempPathFactory
) -> Template:
    """The store that tests start from, to which an operator added the issuers."""
    folder = tmp_path_factory.mktemp("trusting")
    shutil.copytree(template.directory, folder, dirs_exist_ok=True)
    running_issuers.reset()
    environment = {"SSL_CERT_FILE": str(running_issuers.authority)}
    entra = running_issuers.entra
    keys = ("--keys-url", entra.origin + ENTRA_KEYS_PATH, "--keys-host", f"localhost:{entra.port}")
    for arguments in (
        ("global", "--audience", AUDIENCE, "--audience", CLIENT_ID, "--tenant", TENANT, *keys),
        (running_issuers.harbour.url, "--audience", "stanchion", "--tenant", TENANT),
        (running_issuers.yard.url, "--audience", "stanchion", "--tenant", OTHER_TENANT),
    ):
        database = f"sqlite:///{folder / 'stanchion.db'}"
        result = invoke("issuer", "add", *arguments, "--database", database, environment=environment)
        assert result.exit_code == 0, result.output
    return Template(folder, template.tokens)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio; once for all, so that a scene can be shared."""
    return "asyncio"


@pytest.fixture
async def scene(trusting_template: Template, issuers: Issuers, tmp_path: Path) -> AsyncIterator[Scene]:
    """A server over a store with a control and three issuers, of which it has asked none yet."""
    async with staged(trusting_template, issuers, tmp_path / "served") as made:
        yield made


@pytest.fixture(scope="module")
async def shared_scene(
    trusting_template: Template, running_issuers: Issuers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """The same for the tests of a module that change no issuer."""
    async with staged(
        trusting_template, running_issuers, tmp_path_factory.mktemp("shared") / "served"
    ) as made:
        yield made


@asynccontextmanager
async def staged(template: Template, issuers: Issuers, folder: Path) -> AsyncIterator[Scene]:
    """Serve a copy of the store, to which a control is added that attacks try to change."""
    shutil.copytree(template.directory, folder)
    settings = Settings(database=f"sqlite:///{folder / 'stanchion.db'}")
    store = SQLiteStore.open(settings.database, serving=True)
    transport = httpx.ASGITransport(build_server(store, settings), client=("127.0.0.1", 50_000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            api = Api(store, settings, client, dict(template.tokens))
            made = await api.send("POST", "/v1.0/security/secureScoreControlProfiles", json=control())
            assert made.status_code == 201, made.text
            yield Scene(api, issuers.harbour, issuers.yard, issuers.entra)
    finally:
        await store.close()
