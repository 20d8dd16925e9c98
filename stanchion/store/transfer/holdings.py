"""What a store holds, told while it is verified: its tenants with their entities, changes and heads."""

from dataclasses import dataclass

from stanchion.errors import OperatorError
from stanchion.store.rows import STORE_CHAIN, read_meta
from stanchion.store.session import Connection
from stanchion.store.transfer.copying import Advance, TenantHead, tenant_heads
from stanchion.store.verify import verify_rows


@dataclass(frozen=True)
class Held:
    """A tenant of which every change and entity was verified; `head` is as `verify --head` takes it."""

    tenant_id: str
    name: str
    changes: int
    entities: int
    head: str


@dataclass(frozen=True)
class Holdings:
    """A store that was verified; the first of `chains` is that of its own acts."""

    store_id: str
    epoch: str
    chains: tuple[Held, ...]

    @property
    def tenants(self) -> tuple[Held, ...]:
        """The tenants."""
        return tuple(each for each in self.chains if each.tenant_id != STORE_CHAIN)

    @property
    def changes(self) -> int:
        """How many changes there are, of all chains."""
        return sum(each.changes for each in self.chains)

    @property
    def entities(self) -> int:
        """How many entities there are, of all tenants."""
        return sum(each.entities for each in self.chains)


def verified_holdings(connection: Connection, *, advance: Advance) -> Holdings:
    """Verify every chain and entity, on a connection that reads one state; raises for the first fault."""
    heads = tenant_heads(connection)
    store_id, epoch = read_meta(connection, "store_id"), read_meta(connection, "epoch")
    if store_id is None or epoch is None or not heads or heads[0].tenant_id != STORE_CHAIN:
        raise OperatorError("It holds no store: nobody ever opened it to serve or to add a tenant.")
    held: list[Held] = []
    for done, each in enumerate(heads):
        advance("verifying", done, len(heads))
        held.append(verified(connection, each))
    advance("verifying", len(heads), len(heads))
    return Holdings(store_id, epoch, tuple(held))


def verified(connection: Connection, tenant: TenantHead) -> Held:
    """Verify one chain with its entities."""
    report = verify_rows(connection, tenant.tenant_id, head=None)
    return Held(tenant.tenant_id, tenant.name or "(erased)", report.changes, report.entities, tenant.head)
