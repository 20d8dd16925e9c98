"""The check of retention: for how long scores are kept, and whether those that are older have gone."""

from collections.abc import Iterator

from stanchion.cli.checks.finding import Finding, ok, warning
from stanchion.ledger.retention import kept_from_ticks
from stanchion.model.instant import format_instant
from stanchion.store.inspection import Inspection

# Those of a day go in the course of the next one.
_DAYS_OF_GRACE = 2


def check_retention(store: Inspection, *, days: int, now_ticks: int) -> Iterator[Finding]:
    """Tell for how long scores are kept, and how many are there that should have gone."""
    if not days:
        yield ok("Scores are kept for ever.")
        return
    before_ticks = kept_from_ticks(now_ticks, days=days + _DAYS_OF_GRACE)
    late = sum(store.old_scores(row.tenant_id, before_ticks=before_ticks) for row in store.tenants())
    told = f"Scores are kept for {days:,} days"
    if late:
        yield warning(
            f"{told}, and {late:,} of before {format_instant(before_ticks)} are still there; a server with this "
            "setting removes them once a day, or `stanchion retention --apply`."
        )
    else:
        yield ok(f"{told}; none is older.")
