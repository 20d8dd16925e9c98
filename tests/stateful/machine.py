"""The machine: several tenants and callers, in any order whatever, against a model of what must come of it."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from tests.stateful.operating_rules import Operating
from tests.stateful.served import Served
from tests.stateful.stand import Stand


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

    stand_at: ClassVar[Callable[[Path], Stand]] = Served
