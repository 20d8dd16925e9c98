"""A client: an application of the built-in issuer, and its row in the store.

The row keeps permissions and secrets as JSON arrays. Secrets stand there as digests, the oldest first.
"""

from dataclasses import dataclass

import msgspec

from stanchion.ledger.working_set import Row
from stanchion.store import ClientRow


class StoredSecret(msgspec.Struct, frozen=True, rename="camel"):
    """What is kept of a secret: enough to compare it, and to tell it from another."""

    digest: str
    created_ticks: int
    hint: str


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

    @property
    def revoked(self) -> bool:
        """Whether it may ask for nothing any more."""
        return self.revoked_ticks is not None


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
    }
