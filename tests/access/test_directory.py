"""The directory: what it keeps, and that it forgets nothing it should know while the source fails."""

from dataclasses import dataclass

import pytest

from stanchion.access.directory import Directory
from stanchion.access.operator import revoke_app
from stanchion.errors import ServiceUnavailable
from stanchion.store import ClientRow, IssuerRow, SigningKeyRow, TenantRow
from tests.access.workbench import OPERATOR, Bench, Clock
from tests.databases import AnyStore


@dataclass
class Failing:
    """A source that reads a store until it is told to fail, as a database on a full or broken disk does."""

    store: AnyStore
    fails: bool = False

    @property
    def store_id(self) -> str:
        return self.store.store_id

    def directory_revision(self) -> int:
        if self.fails:
            raise ServiceUnavailable("The database cannot be read now.")
        return self.store.directory_revision()

    def tenant(self, tenant_id: str) -> TenantRow | None:
        return self.store.tenant(tenant_id)

    def client(self, client_id: str) -> ClientRow | None:
        return self.store.client(client_id)

    def signing_keys(self) -> list[SigningKeyRow]:
        return self.store.signing_keys()

    def issuers(self) -> list[IssuerRow]:
        return self.store.issuers()


def test_no_app_stands_for_longer_than_a_second_while_the_source_fails(bench: Bench) -> None:
    clock, source = Clock(), Failing(bench.store)
    directory = Directory(source, clock=clock)
    assert directory.client(bench.client_id) is not None
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    clock.seconds += 1.0
    source.fails = True
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            directory.client(bench.client_id)
        clock.seconds += 0.1
    source.fails = False
    app = directory.client(bench.client_id)
    assert app is not None
    assert app.revoked
