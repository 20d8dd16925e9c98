"""Retention: scores that are older than an operator keeps them are removed, as a change that says which.

- A day counts by the `createdDateTime` of its score; one without stays for ever. The last N days are today and the N
  before it, in UTC.
- Nothing but scores is removed: controls are as they are now, and decisions are the record of who took which risk.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stanchion.ledger.changes import Operator
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.ledger.working_set import EntityKey, Key, Stored
from stanchion.model.edm import SECURE_SCORES
from stanchion.model.instant import TICKS_PER_SECOND, format_instant, parse_instant

TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND


def kept_from_ticks(now_ticks: int, *, days: int) -> int:
    """Return from when scores are kept: the beginning, in UTC, of the day so many days before today."""
    return (now_ticks // TICKS_PER_DAY - days) * TICKS_PER_DAY


@dataclass(frozen=True, kw_only=True)
class RemoveScores:
    """Remove those of some scores that are of a time before `before_ticks`; what is gone or younger stays."""

    tenant_id: str
    score_ids: tuple[str, ...]
    before_ticks: int
    actor: Operator
    command_id: str

    def reads(self) -> Iterable[Key]:
        """Name the scores."""
        return (EntityKey(SECURE_SCORES.name, id) for id in self.score_ids)

    def apply(self, draft: Draft) -> Applied[int]:
        """Delete them; return how many they were. The change keeps their ids, never what they said."""
        removed = 0
        for id in self.score_ids:
            stored = draft.get(SECURE_SCORES, id)
            if stored is not None and self._is_old(stored):
                draft.delete(SECURE_SCORES, id)
                removed += 1
        detail = {"before": format_instant(self.before_ticks), "scores": removed}
        return Applied(removed, "retention.remove", detail, movable=True)

    def _is_old(self, stored: Stored) -> bool:
        created = stored.value.get("createdDateTime")
        return isinstance(created, str) and parse_instant(created) < self.before_ticks
