"""Which tables of a store are spread over a cluster, and which stay on its coordinator, each with its reason.

- What a tenant owns is spread by the tenant: all of a tenant's rows lie on one node, whatever the table, so that a
  transaction of one tenant stays on it. `tenants` is spread too, and not copied to every node: a copied table cannot
  be written while any node is away.
- What no tenant owns is found before the tenant is known, by its own key; it is small, and stays on the coordinator.
- A new table must be named here or be owned by tenants; a test holds it.
"""

from types import MappingProxyType
from typing import NamedTuple

from stanchion.store.tables import TENANT_OWNED, clients, issuers, meta, metadata, signing_keys, tenants

COLUMN = "tenant_id"
"""The column that says on which node a row lies."""

_OF_TENANTS = "it says which tenants there are, and the rest of a tenant lies beside its row"
_OWNED = "a tenant's rows lie beside the tenant's own"
LOCAL = MappingProxyType(
    {
        clients.name: "an application is found by its id before its tenant is known; there are few",
        issuers.name: "an issuer is found before the tenant is known, and may speak for several",
        signing_keys.name: "the keys of the store belong to no tenant",
        meta.name: "the facts of the store belong to no tenant",
        "alembic_version": "the schema is brought up to date through the coordinator alone",
    }
)
"""The tables that stay on the coordinator, and why."""


class Place(NamedTuple):
    """Where a table belongs, and why."""

    table: str
    distributed: bool
    why: str


def spread_tables() -> tuple[str, ...]:
    """Return the tables that tenants own, each after those that it refers to, `tenants` first."""
    owned = [table.name for table in metadata.sorted_tables if table.name in TENANT_OWNED]
    return (tenants.name, *(name for name in owned if name != tenants.name))


def places() -> tuple[Place, ...]:
    """Return where each table belongs: those that are spread in their order, then the others."""
    return (
        *(
            Place(name, distributed=True, why=_OF_TENANTS if name == tenants.name else _OWNED)
            for name in spread_tables()
        ),
        *(Place(name, distributed=False, why=why) for name, why in LOCAL.items()),
    )
