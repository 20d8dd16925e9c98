"""A client: an application of the built-in issuer, and its row in the store.

The row keeps permissions, secrets and certificates as JSON arrays, the oldest first. Secrets stand there as
digests, certificates whole, for they are public.
"""

from dataclasses import dataclass

import msgspec

from stanchion.ledger.working_set import Row
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.store import ClientRow


class StoredSecret(msgspec.Struct, frozen=True, rename="camel"):
    """What is kept of a secret: enough to compare it, and to tell it from another."""

    digest: str
    created_ticks: int
    hint: str


class StoredCertificate(msgspec.Struct, frozen=True, rename="camel"):
    """A certificate by whose key a client may sign assertions."""

    thumbprint: str  # SHA-256 of the certificate, in lower-case hex
    certificate: bytes  # DER
    created_ticks: int


@dataclass(frozen=True)
class Client:
    """An application that may ask for tokens, unless it is revoked."""

    client_id: str
    tenant_id: str
    name: str
    permissions: tuple[str, ...]
    provider: str | None  # the only provider whose data it may see; None: all
    fleet: bool  # whether its Ledger.Fleet permissions count
    secrets: tuple[StoredSecret, ...]
    created_ticks: int
    revoked_ticks: int | None = None
    certificates: tuple[StoredCertificate, ...] = ()
    tokens_from_ticks: int | None = None  # no token that was made before counts

    @property
    def revoked(self) -> bool:
        """Whether it may ask for nothing any more."""
        return self.revoked_ticks is not None

    @property
    def tokens_from_seconds(self) -> int:
        """The least `iat` of a token that counts, 0 where each does.

        Tokens tell whole seconds, so it is the second after: whoever asks within that one gets a token that
        begins at its end.
        """
        return 0 if self.tokens_from_ticks is None else self.tokens_from_ticks // TICKS_PER_SECOND + 1


def read_client(row: ClientRow) -> Client:
    """Return the client of a row."""
    return Client(
        client_id=row.client_id,
        tenant_id=row.tenant_id,
        name=row.name,
        permissions=msgspec.json.decode(row.permissions, type=tuple[str, ...]),
        provider=row.provider,
        fleet=bool(row.fleet),
        secrets=msgspec.json.decode(row.secrets, type=tuple[StoredSecret, ...]),
        created_ticks=row.created_ticks,
        revoked_ticks=row.revoked_ticks,
        certificates=msgspec.json.decode(row.certificates or "[]", type=tuple[StoredCertificate, ...]),
        tokens_from_ticks=row.tokens_from_ticks,
    )


def client_of(row: Row) -> Client:
    """Return the client of a row as commands see it."""
    # SQLAlchemy's column names are a subclass of str, which msgspec does not take for one.
    return read_client(msgspec.convert({str(name): value for name, value in row.items()}, type=ClientRow))


def client_row(client: Client) -> Row:
    """Return the row of a client."""
    return {
        "client_id": client.client_id,
        "tenant_id": client.tenant_id,
        "name": client.name,
        "permissions": msgspec.json.encode(client.permissions).decode(),
        "provider": client.provider,
        "fleet": int(client.fleet),
        "secrets": msgspec.json.encode(client.secrets).decode(),
        "created_ticks": client.created_ticks,
        "revoked_ticks": client.revoked_ticks,
        "certificates": msgspec.json.encode(client.certificates).decode() if client.certificates else None,
        "tokens_from_ticks": client.tokens_from_ticks,
    }
