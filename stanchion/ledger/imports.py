"""Bringing a file of entities in: what is new, what differs, what stays as it was, and what may not come in.

- One transaction and one change a file; the change keeps counts and the file's digest, not the values.
- The same file twice changes nothing.
- A snapshot of a past day that is there already stays: exports of older days are thinner than what was kept.
- A file with an entity that may not come in stays out as a whole, unless such entities are to be skipped; then the
  rest comes in as if they were not in the file.
- Of an entity that comes several times in a file the last counts, once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias, cast

import msgspec

from stanchion.errors import BadRequest, StanchionError
from stanchion.ledger.commands import Wish, entity_reads, settled
from stanchion.ledger.decisions import MICROSOFT, Owner, owner_of, parse_status, refuse_commands
from stanchion.ledger.draft import Draft
from stanchion.ledger.edits import is_control, refuse_other_tenant, same_content
from stanchion.ledger.fold import Applied
from stanchion.ledger.placement import encoded_id
from stanchion.ledger.working_set import BesideKey, Key, NotLoaded
from stanchion.model.check import complete, refuse_unusable_id
from stanchion.model.edm import SECURE_SCORES, EntitySet
from stanchion.model.instant import TICKS_PER_SECOND, parse_instant
from stanchion.model.json_text import JsonObject, dump_json, load_object
from stanchion.model.wording import shown

TICKS_PER_DAY = 86_400 * TICKS_PER_SECOND

# So many refused and written entities of a file are named; beyond it they are counted.
MAX_NAMED = 1_000

Fate: TypeAlias = Literal["new", "changed", "same", "kept"]


@dataclass(frozen=True)
class Incoming:
    """An entity of a file, checked, and where it stands there."""

    entity_set: EntitySet
    body: bytes  # its wire JSON, which takes less room than the value
    number: int  # of the entity in its file
    path: str
    placed: bool  # from an export of this ledger: its id is encoded and placed already

    @classmethod
    def of(
        cls,
        entity_set: EntitySet,
        value: JsonObject,
        *,
        number: int = 1,
        path: str = "",
        placed: bool = False,
    ) -> "Incoming":
        """Return a checked entity, with all declared properties, as it will be stored."""
        return cls(entity_set, dump_json(complete(value, entity_set)), number, path, placed)

    @property
    def value(self) -> JsonObject:
        """The entity, decoded anew at each asking so that it does not stay in memory."""
        return load_object(self.body)


@dataclass(frozen=True)
class Refusal:
    """An entity that may not come in: where it stands, its id where it has one, and why."""

    number: int
    path: str
    id: str | None
    reason: str


@dataclass
class Refusals:
    """The entities of a file that may not come in: how many, and the first of them."""

    count: int = 0
    named: list[Refusal] = field(default_factory=list)

    def add(self, refusal: Refusal) -> None:
        """Count another one."""
        self.count += 1
        if len(self.named) < MAX_NAMED:
            self.named.append(refusal)

    def copy(self) -> "Refusals":
        """Return the same, to be added to."""
        return Refusals(self.count, list(self.named))


class EntitiesRefused(BadRequest):
    """A file stays out because of entities that may not come in."""

    def __init__(self, refusals: Refusals) -> None:
        first = refusals.named[0]
        named = f", {shown(first.id)}" if first.id is not None else ""
        more = f" And {refusals.count - 1} more." if refusals.count > 1 else ""
        super().__init__(f"Entity {first.number}{named}: {first.reason}{more}", target=first.path or None)
        self.refusals = refusals


@dataclass(frozen=True)
class ImportCounts:
    """What an import did. `kept` are snapshots of past days, which stay as they were."""

    new: int = 0
    changed: int = 0
    same: int = 0
    kept: int = 0
    refused: int = 0


@dataclass(frozen=True)
class ImportedEntity:
    """An entity that an import wrote, by the id under which it is kept."""

    entity_set: str
    id: str
    fate: Literal["new", "changed"]


@dataclass(frozen=True)
class ImportReport:
    """What an import did: the counts, the first of the entities written, and the first of those refused."""

    counts: ImportCounts
    written: tuple[ImportedEntity, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class _Candidate(NamedTuple):
    """An entity that may come in by itself, and the ids under which it may be stored already.

    It is kept under the first of them if it is under none yet.
    """

    incoming: Incoming
    ids: tuple[str, ...]
    owner: Owner | None


@dataclass(frozen=True)
class _Sifted:
    """What of a file may come in, each entity once, and what may not."""

    candidates: tuple[_Candidate, ...]
    refusals: Refusals


class ImportEntities(Wish, frozen=True, kw_only=True, dict=True):
    """Bring a file of entities in: one transaction, one change, all or nothing."""

    source: str  # the file's name, for the change
    digest: str  # SHA-256 of the file, hex
    entities: tuple[Incoming, ...]
    faults: Refusals = msgspec.field(default_factory=Refusals)  # what could not even be read
    skip_refused: bool = False

    def reads(self) -> Iterable[Key]:
        """Name every entity of the file."""
        for incoming, ids, owner in self._sifted.candidates:
            for entity_id in ids:
                yield from entity_reads(incoming.entity_set, entity_id)
            if is_control(incoming.entity_set) and not MICROSOFT.matches(owner):
                yield BesideKey(ids[0])

    def apply(self, draft: Draft) -> Applied[ImportReport]:
        """Write what differs; the answer counts. Raises EntitiesRefused, which names what may not come in."""
        tally: dict[str, int] = {"new": 0, "changed": 0, "same": 0, "kept": 0}
        refusals = self._sifted.refusals.copy()
        written: list[ImportedEntity] = []
        missing: list[Key] = []
        for candidate in self._sifted.candidates:
            incoming = candidate.incoming
            try:
                entity_id, fate = _import_one(draft, candidate)
            except NotLoaded as error:
                # What is missing is asked for at once, because each asking begins the file anew.
                missing += error.keys
            except StanchionError as error:
                # One that comes of what is missing is judged again.
                refusals.add(_refusal(incoming, error))
            else:
                tally[fate] += 1
                if fate in ("new", "changed") and len(written) < MAX_NAMED:
                    written.append(ImportedEntity(incoming.entity_set.name, entity_id, fate))
        if missing:
            raise NotLoaded(missing)
        if refusals.count and not self.skip_refused:
            raise EntitiesRefused(refusals)
        counts = {**tally, "refused": refusals.count}
        detail: JsonObject = {"source": self.source, "sha256": self.digest, **counts}
        report = ImportReport(ImportCounts(**counts), tuple(written), tuple(refusals.named))
        return Applied(report, "import", detail, movable=True)

    @cached_property
    def _sifted(self) -> _Sifted:
        """Judge each entity by itself; no store is needed for it, so it is done once."""
        refusals = self.faults.copy()
        last: dict[tuple[str, str, tuple[str, str] | None], _Candidate] = {}
        for incoming in self.entities:
            value = incoming.value
            try:
                ids = self._ids(incoming, value)
            except StanchionError as error:
                refusals.add(_refusal(incoming, error))
            else:
                owner = owner_of(value)
                # Controls of several products may have one id; whatever else has the same id is the same entity.
                product = owner.folded if owner is not None and is_control(incoming.entity_set) else None
                key = incoming.entity_set.name, ids[-1], product
                last[key] = _Candidate(incoming, ids, owner)
        return _Sifted(tuple(last.values()), refusals)

    def _ids(self, incoming: Incoming, value: JsonObject) -> tuple[str, ...]:
        """Return the ids under which an entity may be stored; raises what refuses it."""
        refuse_other_tenant(value, tenant_id=self.tenant_id)
        entity_id = cast("str", value["id"])
        if incoming.entity_set is SECURE_SCORES:
            return _spellings(entity_id, tenant_id=self.tenant_id, placed=incoming.placed)
        if is_control(incoming.entity_set):
            _refuse_control(value)
            control_id = entity_id if incoming.placed else encoded_id(entity_id, owner_of(value))
            refuse_unusable_id(control_id, of="control")
            return (control_id,)
        return (entity_id,)


def is_past_day(score: JsonObject, *, now_ticks: int) -> bool:
    """Say whether a snapshot belongs to a UTC day before today."""
    created = score.get("createdDateTime")
    return isinstance(created, str) and parse_instant(created) // TICKS_PER_DAY < now_ticks // TICKS_PER_DAY


def _refuse_control(value: JsonObject) -> None:
    """Raise BadRequest for what no control may say, before anything makes way for it."""
    refuse_commands(value)
    for index, update in enumerate(cast("list[JsonObject]", value.get("controlStateUpdates") or [])):
        if update.get("state") is not None:
            parse_status(update["state"], path=f"controlStateUpdates/{index}/state")


def _import_one(draft: Draft, candidate: _Candidate) -> tuple[str, Fate]:
    incoming, ids, _ = candidate
    entity_set, held = incoming.entity_set, ids[0]
    if len(ids) > 1:
        held = next((each for each in ids if draft.get(entity_set, each) is not None), held)
    value = incoming.value
    after = settled(draft, entity_set, {**value, "id": held})
    entity_id = cast("str", after["id"])
    stored = draft.get(entity_set, entity_id)
    if stored is not None:
        before = stored.value
        stored.drop_value()
        if same_content(before, after, entity_set):
            return entity_id, "same"
        if entity_set is SECURE_SCORES and is_past_day(before, now_ticks=draft.now_ticks):
            return entity_id, "kept"
    # Most scores are stored as they came: then their bytes are in memory once.
    draft.put(entity_set, after, body=incoming.body if after == value else None).drop_value()
    return entity_id, "new" if stored is None else "changed"


def _spellings(score_id: str, *, tenant_id: str, placed: bool) -> tuple[str, ...]:
    """Return the ids that mean the same snapshot: tenants compare without regard to case, in an id too.

    The first is the one to be kept: with the tenant in lower case, but for an id that this ledger gave. The last
    is the same for all spellings.
    """
    if score_id[: len(tenant_id) + 1].lower() != f"{tenant_id}_":
        return (score_id,)
    rest = score_id[len(tenant_id) :]
    plain, capital = tenant_id + rest, tenant_id.upper() + rest
    return (score_id, capital, plain) if placed else (plain, score_id, capital, plain)


def _refusal(incoming: Incoming, error: StanchionError) -> Refusal:
    entity_id = cast("str", incoming.value["id"])
    return Refusal(incoming.number, incoming.path, entity_id, error.message)
