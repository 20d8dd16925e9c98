"""A bench: a store with two tenants and an app, and all that asks for tokens and judges them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import msgspec
from joserfc.jwk import RSAKey

from stanchion.access.attempts import FailedAttempts
from stanchion.access.caller import Caller
from stanchion.access.claims import Authority, Claims, application_claims
from stanchion.access.directory import Directory, newest_key
from stanchion.access.issuer import Issuer, sign
from stanchion.access.operator import AddedApp, AppWish, add_app, add_tenant, signing_key
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.access.token_endpoint import TokenAnswer, TokenEndpoint, TokenRequest
from stanchion.app import open_store
from stanchion.ledger.changes import Operator
from tests.databases import AnyStore, Database, Databases, Template

TENANT = "11111111-2222-3333-4444-555555555555"
OTHER_TENANT = "99999999-2222-3333-4444-555555555555"
ORIGIN = "http://localhost:8080"
TRACE = "00000000-0000-0000-0000-0000000000aa"
NOW = 1_800_000_000.0
OPERATOR = Operator("tester")


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Bench:
    """One store, served."""

    store: AnyStore
    database: Database
    app: AddedApp
    clock: Clock = field(default_factory=Clock)
    origins: Origins = field(default_factory=Origins)
    opened: RSAKey | None = None

    def __post_init__(self) -> None:
        self.directory = Directory(self.store, clock=self.clock)
        self.issuer = Issuer(self.directory, key_file=self.key_file)
        self.verifier = TokenVerifier(self.directory, origins=self.origins, store_id=self.store.store_id)
        self.attempts = FailedAttempts()
        self.endpoint = TokenEndpoint(
            self.directory, self.issuer, origins=self.origins, attempts=self.attempts
        )

    @property
    def key_file(self) -> Path:
        return self.database.key_file

    @property
    def client_id(self) -> str:
        return self.app.app.client_id

    def key(self) -> RSAKey:
        """Return the key that signs, opened once, since that takes some 50 ms."""
        newest = newest_key(self.store.signing_keys())
        if self.opened is None or newest is None or self.opened.kid != newest.kid:
            self.opened = signing_key(self.store, key_file=self.key_file, actor=OPERATOR)
        return self.opened

    def claims(self) -> Claims:
        return application_claims(
            Authority(ORIGIN),
            tenant_id=TENANT,
            app_id=self.client_id,
            permissions=["SecurityEvents.Read.All"],
            now_seconds=int(NOW),
        )

    def token(self, **changed: object) -> str:
        """Return a token by the store's own key, with some claims changed."""
        return sign(msgspec.structs.replace(self.claims(), **changed), self.key())

    def caller(self, token: str, *, now_seconds: float = NOW) -> Caller:
        return verified(self.verifier, f"Bearer {token}", now_seconds=now_seconds)

    def form(self, **changed: str | None) -> bytes:
        """Return a good form with fields changed, or left out where None."""
        fields = {
            "client_id": self.client_id,
            "client_secret": self.app.secret,
            "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default",
            **changed,
        }
        return urlencode({name: value for name, value in fields.items() if value is not None}).encode()

    def post(
        self,
        body: bytes,
        *,
        authorization: tuple[str, ...] = (),
        content_type: str | None = "application/x-www-form-urlencoded;charset=utf-8",
        address: str = "192.0.2.1",
        now_seconds: float = NOW,
    ) -> TokenAnswer:
        return self.endpoint.answer(
            TokenRequest(
                body=body,
                content_type=content_type,
                authorization=authorization,
                address=address,
                origin=ORIGIN,
                trace_id=TRACE,
            ),
            now_seconds=now_seconds,
        )


def verified(verifier: TokenVerifier, *authorization: str, now_seconds: float = NOW) -> Caller:
    """Return who asks by these Authorization headers."""
    return asyncio.run(verifier.caller(authorization, now_seconds=now_seconds))


def make_bench(database: Database) -> Bench:
    """Return a bench on a new store in an empty database."""
    store = open_store(database.settings)
    for tenant_id in (TENANT, OTHER_TENANT):
        add_tenant(store, tenant_id, name="Contoso", actor=OPERATOR)
    app = add_app(store, AppWish(TENANT, "reader"), actor=OPERATOR)
    bench = Bench(store, database, app)
    bench.key()
    return bench


def closed_bench(database: Database) -> Bench:
    """Return a bench to copy, because making a store and a key takes a while."""
    bench = make_bench(database)
    bench.store.close_now()
    return bench


@contextmanager
def copied_bench(databases: Databases, template: Template[Bench], folder: Path) -> Iterator[Bench]:
    """Give a bench on a copy of a closed one."""
    with databases.copy(template, folder) as database:
        store = open_store(database.settings)
        try:
            yield Bench(store, database, template.value.app, opened=template.value.opened)
        finally:
            store.close_now()
