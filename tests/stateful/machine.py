"""The machine: several tenants and callers, in any order whatever, against a model of what must come of it."""

from collections.abc import Callable
from typing import ClassVar, cast

from tests.databases import Database
from tests.stateful.operating_rules import Operating
from tests.stateful.served import Served
from tests.stateful.stand import Stand
from tests.stateful.stores import Stores


class Tenants(Operating):
    """Against a server in this process. At its end every copy and every chain is held against the model."""

    def teardown(self) -> None:
        """Hold everything against the model, and end."""
        try:
            self.finish_copies()
            for tenant in self.estate.tenants:
                self.verify_tenant(tenant)
        finally:
            super().teardown()


class ServedTenants(Tenants):
    """The same against `stanchion serve`."""

    stand_at: ClassVar[Callable[[Database], Stand]] = Served


def on(stores: Stores, machine: type[Tenants]) -> type[Tenants]:
    """Return a machine whose stores are these."""
    return cast("type[Tenants]", type(machine.__name__, (machine,), {"stores": stores}))
