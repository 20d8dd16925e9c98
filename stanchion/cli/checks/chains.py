"""The check of each tenant's history: a sample of its changes and entities, or all of them."""

from collections.abc import Iterator
from random import SystemRandom

from stanchion.cli.checks.finding import Finding, failed, ok
from stanchion.errors import OperatorError
from stanchion.store import STORE_CHAIN
from stanchion.store.inspection import Inspection

_REMEDY = "Keep this file as it is for whoever asks, and restore a backup that verifies."


def check_chains(store: Inspection, *, full: bool) -> Iterator[Finding]:
    """Tell of each tenant, and of the store's own acts, whether their history is what was written."""
    for tenant_id in (STORE_CHAIN, *(row.tenant_id for row in store.tenants())):
        try:
            yield ok(_verified(store, tenant_id, full=full), subject=tenant_id)
        except OperatorError as error:
            yield failed(f"{error.message} {_REMEDY}", subject=tenant_id)


def _verified(store: Inspection, tenant_id: str, *, full: bool) -> str:
    if full:
        report = store.verify(tenant_id)
        return f"All {report.changes:,} changes and {report.entities:,} entities are what was written."
    sample = store.sample(tenant_id, random=SystemRandom())
    changes = f"{sample.changes:,} of {sample.of_changes:,} changes"
    return f"{changes} and {sample.entities:,} entities are what was written."
