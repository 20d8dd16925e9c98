"""The check of each tenant's history: a sample of its changes and entities, or all of them."""

from collections.abc import Iterator
from random import SystemRandom

from stanchion.cli.checks.finding import Finding, failed, ok, warning
from stanchion.errors import OperatorError
from stanchion.model.instant import format_instant
from stanchion.store import STORE_CHAIN, TenantRow
from stanchion.store.inspection import Inspection

_REMEDY = "Keep this file as it is for whoever asks, and restore a backup that verifies."


def check_chains(store: Inspection, *, full: bool) -> Iterator[Finding]:
    """Tell of each tenant, and of the store's own acts, whether their history is what was written."""
    for tenant_id in (STORE_CHAIN, *(row.tenant_id for row in store.tenants())):
        try:
            yield ok(_verified(store, tenant_id, full=full), subject=tenant_id)
        except OperatorError as error:
            yield failed(f"{error.message} {_REMEDY}", subject=tenant_id)
    for row in store.erased_tenants():
        yield _erased(store, row)


def _erased(store: Inspection, row: TenantRow) -> Finding:
    """Tell of a tenant that is erased; the hashes that are left of it are few to look at."""
    since = format_instant(row.erased_ticks or 0)
    try:
        report = store.verify(row.tenant_id)
    except OperatorError as error:
        return failed(f"{error.message} {_REMEDY}", subject=row.tenant_id)
    if report.under_way:
        return warning(
            f"Its erasure began on {since} and has not ended; `stanchion tenant erase {row.tenant_id}` ends it.",
            subject=row.tenant_id,
        )
    return ok(
        f"Erased on {since}; the hashes of its {report.erased_changes:,} changes are what they were.",
        subject=row.tenant_id,
    )


def _verified(store: Inspection, tenant_id: str, *, full: bool) -> str:
    if full:
        report = store.verify(tenant_id)
        return f"All {report.changes:,} changes and {report.entities:,} entities are what was written."
    sample = store.sample(tenant_id, random=SystemRandom())
    changes = f"{sample.changes:,} of {sample.of_changes:,} changes"
    return f"{changes} and {sample.entities:,} entities are what was written."
