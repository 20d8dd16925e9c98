"""Work of an operator that takes long, beside those who read and write another tenant.

- An export and a backup of a store with a large tenant, the erasure of another such tenant, and the removal of the
  first one's scores by retention; each has a calm before it. Each is looked at: it did what it was to do.
- The scores of large tenants are of days so long ago that retention takes no other ones.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bench.beside import Beside, run_beside
from bench.bodies import TENANT, Body, write_page
from bench.cases import Plan
from bench.imports import scores_from
from bench.servers import Product, new_tenant, stanchion

KEPT, ERASED = "dddddddd-0000-4000-8000-000000000001", "dddddddd-0000-4000-8000-000000000002"
# As many days of scores as lie before those of any other tenant make 1.7 GB.
_FIRST_DAY = date(1900, 1, 1)
_KEPT_FROM = date(1989, 12, 31)
# Each work takes less, or little more, of 100 MB.
_CALM_SECONDS = 20.0


@dataclass(frozen=True)
class LongWork:
    """What one kind of work took, of a tenant that came in as so many bytes, and what others felt."""

    work: str
    tenant_bytes: int
    beside: Beside


def run_long_work(
    product: Product, plan: Plan, *, size_bytes: int, calm_seconds: float = _CALM_SECONDS
) -> list[LongWork]:
    """Bring two large tenants in, and do one work after the other."""
    brought = [_bring_in(product.folder, tenant, size_bytes) for tenant in (KEPT, ERASED)]
    found = []
    for work in _works(product.folder, at_least_bytes=size_bytes):
        beside = run_beside(product, plan, work.command, calm_seconds=calm_seconds)
        assert work.done(), f"{work.name} did not do what it was to do"
        found.append(LongWork(work.name, brought[0], beside))
    return found


@dataclass(frozen=True)
class _Work:
    """A command, and whether what it was to do is done."""

    name: str
    command: tuple[str, ...]
    done: Callable[[], bool]


def _works(folder: Path, *, at_least_bytes: int) -> tuple[_Work, ...]:
    exported, backup = folder / "long-export", folder / "long-backup.db"
    retention = ("retention", "--retention-days", str((datetime.now(UTC).date() - _KEPT_FROM).days))
    return (
        _Work(
            "export",
            ("export", "--tenant", KEPT, "--to", str(exported)),
            lambda: sum(file.stat().st_size for file in exported.iterdir()) >= at_least_bytes,
        ),
        _Work("backup", ("backup", str(backup)), backup.is_file),
        _Work(
            "tenant erase",
            ("tenant", "erase", ERASED, "--yes"),
            lambda: ERASED in _tenants(stanchion(folder, "tenant", "list", "--erased", "--json")),
        ),
        _Work(
            "retention --apply",
            (*retention, "--apply"),
            lambda: not any(_overdue(stanchion(folder, *retention, "--json")).values()),
        ),
    )


def _tenants(listed: str) -> set[str]:
    return {each["tenant"] for each in json.loads(listed)}


def _overdue(told: str) -> dict[str, int]:
    """Return how many scores there are to remove of each tenant that is there."""
    counts = {each["tenant"]: int(each["scores"]) for each in json.loads(told)["tenants"]}
    assert counts.keys() >= {TENANT, KEPT}, f"of {KEPT} nothing is told"
    return counts


def _bring_in(folder: Path, tenant: str, size_bytes: int) -> int:
    """Make a tenant of a page of scores that is at least so large; return how large that is."""
    page = folder / f"{tenant}.json"
    write_page(page, _scores_of(tenant), at_least_bytes=size_bytes)
    new_tenant(folder, tenant, [page])
    brought = page.stat().st_size
    page.unlink()
    return brought


def _scores_of(tenant: str) -> Iterator[Body]:
    for score in scores_from(_FIRST_DAY):
        yield {**score, "id": str(score["id"]).replace(TENANT, tenant), "azureTenantId": tenant}
