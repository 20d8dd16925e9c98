"""A store looked at and never written: for checks beside a running server, or on a copy.

- What fails raises OperatorError in one sentence.
- What can be told of one kind of database only is in `file_inspection` and `postgresql.inspection`.
"""

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import TypeVar

from sqlalchemy import bindparam, literal_column, select

from stanchion.store import rows
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.purpose import read_purpose
from stanchion.store.retention import count_old_scores
from stanchion.store.rows import ClientRow, IssuerRow, SigningKeyRow, TenantRow
from stanchion.store.sampling import SampleReport, sample_rows
from stanchion.store.session import Connection
from stanchion.store.tables import changes
from stanchion.store.verify import VerifyReport, verify_rows

T = TypeVar("T")


class Inspection:
    """An open store. `revision` reads that of its schema; `told` makes of a failure what the operator is told."""

    def __init__(
        self,
        connection: Connection,
        *,
        name: str,
        revision: Callable[[], str | None],
        told: Callable[[Exception], Exception],
    ) -> None:
        self._connection = connection
        self._revision = revision
        self._told = told
        self.name = name

    def revision(self) -> str | None:
        """Return the schema's revision, None for an empty database."""
        return self._read(lambda _: self._revision())

    def purpose(self) -> str | None:
        """Return what the database is for, None where it is a store to be served."""
        return self._read(read_purpose)

    def tenants(self) -> list[TenantRow]:
        """Return every tenant by id, the store's own chain left out."""
        return self._read(rows.read_tenants)

    def erased_tenants(self) -> list[TenantRow]:
        """Return every tenant that is erased, by id."""
        return self._read(rows.read_erased_tenants)

    def signing_keys(self) -> list[SigningKeyRow]:
        """Return every signing key, the oldest first."""
        return self._read(rows.read_signing_keys)

    def issuers(self) -> list[IssuerRow]:
        """Return every issuer besides our own, removed ones too, the oldest first."""
        return self._read(rows.read_issuers)

    def clients(self) -> list[ClientRow]:
        """Return every application of every tenant, revoked ones too, the oldest first."""
        return self._read(lambda connection: rows.read_clients(connection, None))

    def last_change_ticks(self, tenant_id: str) -> int | None:
        """Return when the last change of a tenant was made."""
        parameters = {"tenant_id": tenant_id, "limit": 1}

        def read(connection: Connection) -> int | None:
            found = connection.fetch(last_change_statement(connection.dialect), parameters)
            return int(found[0][0]) if found else None

        return self._read(read)

    def old_scores(self, tenant_id: str, *, before_ticks: int) -> int:
        """Return how many scores of a tenant are of a time before another."""
        return self._read(
            lambda connection: count_old_scores(connection, tenant_id, before_ticks=before_ticks)
        )

    def verify(self, tenant_id: str) -> VerifyReport:
        """Verify a tenant's chain and entities; raises for the first fault."""
        return self._read(lambda connection: verify_rows(connection, tenant_id, head=None))

    def sample(self, tenant_id: str, *, random: Random) -> SampleReport:
        """Verify a sample of a tenant's chain and entities; raises for the first fault."""
        return self._read(lambda connection: sample_rows(connection, tenant_id, random=random))

    def _read(self, read: Callable[[Connection], T]) -> T:
        try:
            with self._connection.snapshot():
                return read(self._connection)
        except self._connection.failures as error:
            raise self._told(error) from error


@lru_cache
def last_change_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The time of a tenant's changes, the newest first."""
    statement = (
        select(changes.c.time_ticks)
        .where(changes.c.tenant_id == bindparam("tenant_id"))
        .order_by(changes.c.sequence.desc())
        .limit(bindparam("limit"))
        .offset(literal_column("0"))
    )
    return compile_statement(statement, dialect)
