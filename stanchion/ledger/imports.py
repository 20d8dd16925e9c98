"""Bringing a file of entities in: what is new, what differs, and what stays as it was.

- One transaction and one change a file; the change keeps counts and the file's digest, not the values.
- The same file twice changes nothing.
- A snapshot of a past day that is there already stays: exports of older days are thinner than what was kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from stanchion.errors import BadRequest, StanchionError
from stanchion.ledger.commands import Wish, entity_reads, settled
from stanchion.ledger.decisions import owner_of
from stanchion.ledger.edits import is_control, refuse_other_tenant, same_content
from stanchion.ledger.fold import Applied
from stanchion.ledger.placement import encoded_id
from stanchion.ledger.working_set import Draft, Key, NotLoaded
from stanchion.model.edm import SECURE_SCORES, EntitySet
from stanchion.model.instant import TICKS_PER_SECOND, parse_instant
from stanchion.model.json_text import JsonObject
from stanchion.model.wording import shown

TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND


@dataclass(frozen=True)
class ImportCounts:
    """What an import did. `kept` are snapshots of past days, which stay as they were."""

    new: int = 0
    changed: int = 0
    same: int = 0
    kept: int = 0


@dataclass(frozen=True, kw_only=True)
class ImportEntities(Wish):
    """Bring a file of entities in: one transaction, one change, all or nothing."""

    source: str  # the file's name, for the change
    digest: str  # SHA-256 of the file, hex
    entities: tuple[tuple[EntitySet, JsonObject], ...]  # checked, with their ids
    placed: bool = False  # an export of this ledger, whose ids are encoded and placed already

    def reads(self) -> Iterable[Key]:
        """Name every entity of the file."""
        return [
            key
            for entity_set, value in self.entities
            for key in entity_reads(entity_set, self._id(entity_set, value))
        ]

    def apply(self, draft: Draft) -> Applied[ImportCounts]:
        """Write what differs; the answer counts."""
        tally = {"new": 0, "changed": 0, "same": 0, "kept": 0}
        missing: list[Key] = []
        for entity_set, value in self._latest():
            try:
                tally[self._import_one(draft, entity_set, value)] += 1
            except NotLoaded as error:
                # What is missing is asked for at once, because each asking begins the file anew.
                missing += error.keys
            except StanchionError:
                # A refusal may come of what is missing.
                if not missing:
                    raise
                break
        if missing:
            raise NotLoaded(missing)
        detail: JsonObject = {"source": self.source, "sha256": self.digest, **tally}
        return Applied(ImportCounts(**tally), "import", detail)

    def _latest(self) -> Iterable[tuple[EntitySet, JsonObject]]:
        """Give each entity once: of one that comes several times, as on pages that overlap, the last."""
        last = {
            (entity_set.name, self._id(entity_set, value), owner_of(value)): (entity_set, value)
            for entity_set, value in self.entities
        }
        return last.values()

    def _id(self, entity_set: EntitySet, value: JsonObject) -> str:
        entity_id = cast("str", value["id"])
        if self.placed or not is_control(entity_set):
            return entity_id
        return encoded_id(entity_id, owner_of(value))

    def _import_one(
        self, draft: Draft, entity_set: EntitySet, value: JsonObject
    ) -> Literal["new", "changed", "same", "kept"]:
        refuse_other_tenant(value, tenant_id=self.tenant_id)
        entity_id = self._id(entity_set, value)
        try:
            after = settled(draft, entity_set, {**value, "id": entity_id})
        except BadRequest as error:
            raise BadRequest(f"{shown(entity_id)}: {error.message}", target=error.target) from None
        stored = draft.get(entity_set, cast("str", after["id"]))
        if stored is None:
            draft.put(entity_set, after)
            return "new"
        if same_content(stored.value, after, entity_set):
            return "same"
        if entity_set is SECURE_SCORES and is_past_day(stored.value, now_ticks=draft.now_ticks):
            return "kept"
        draft.put(entity_set, after)
        return "changed"


def is_past_day(score: JsonObject, *, now_ticks: int) -> bool:
    """Say whether a snapshot belongs to a UTC day before today."""
    created = score.get("createdDateTime")
    return isinstance(created, str) and parse_instant(created) // TICKS_PER_DAY < now_ticks // TICKS_PER_DAY
