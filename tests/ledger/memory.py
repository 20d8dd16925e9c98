"""A store in memory for the fold: it loads what a command misses from dicts, as the store does from tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

from stanchion.ledger.changes import Actor, Change, Head, first_head
from stanchion.ledger.commands import (
    CreateEntity,
    DecideControl,
    DeleteEntity,
    MergeEntity,
    Versions,
)
from stanchion.ledger.controls import exported
from stanchion.ledger.decisions import parse_request
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied, Command, Fold
from stanchion.ledger.imports import ImportCounts, ImportEntities, Incoming
from stanchion.ledger.working_set import (
    BesideKey,
    EntityKey,
    HistoryKey,
    Key,
    LatestDecisionKey,
    NotLoaded,
    Row,
    RowKey,
    Stored,
    TableKey,
    TenantState,
    standing_order,
)
from stanchion.model.check import check_entity
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, SECURE_SCORES, EntitySet, RootName
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import JsonObject, JsonValue, parse_object

T = TypeVar("T")

TENANT = "11111111-1111-4111-8111-111111111111"
NOW = parse_instant("2026-03-10T12:00:00Z")
ACTOR = Actor("urn:test", TENANT, "ann@example.com", oid="ann")
MICROSOFT: JsonObject = {"vendor": "Microsoft", "provider": "SecureScore"}
PROWLER: JsonObject = {"vendor": "Prowler", "provider": "Prowler"}

_ids = count()


def command_id() -> str:
    """Return an id that no other command of the run has."""
    return f"command-{next(_ids)}"


class Batch:
    """One transaction: a fold that loads from the memory; nothing is kept before `commit`."""

    def __init__(self, memory: "Memory") -> None:
        self.memory = memory
        self.fold = Fold(TenantState(memory.tenant_id, memory.head), salt=memory.salt)
        self.loads: list[tuple[Key, ...]] = []

    def run(self, command: Command[T], *, now: int | None = None) -> T:
        """Apply a command; raises what it raises."""
        while True:
            try:
                return self.fold.apply(command, now_ticks=self.memory.now if now is None else now)
            except NotLoaded as missing:
                keys = missing.keys
            assert not all(self.fold.state.holds(key) for key in keys)
            self.loads.append(keys)
            self.memory.load(self.fold.state, keys)

    def commit(self) -> None:
        """Keep what the accepted commands wrote."""
        self.memory.keep(self.fold)


class Memory:
    """The tables of one tenant as dicts."""

    def __init__(self, tenant_id: str = TENANT) -> None:
        self.tenant_id = tenant_id
        self.head: Head | None = first_head(tenant_id)
        self.now = NOW
        self.entities: dict[EntityKey, Stored] = {}
        self.rows: dict[RowKey, Row] = {}
        self.changes: list[Change] = []
        self._salts = count()

    def salt(self) -> bytes:
        """Return a salt that depends on nothing but how many changes came before."""
        return next(self._salts).to_bytes(16)

    def run(self, command: Command[T]) -> T:
        """Run one command in a transaction of its own."""
        batch = Batch(self)
        result = batch.run(command)
        batch.commit()
        return result

    def counts(self, command: ImportEntities) -> ImportCounts:
        """Import a file, and return how much of it was new, changed, same, kept and refused."""
        return self.run(command).counts

    def load(self, state: TenantState, keys: Iterable[Key]) -> None:
        """Load as the store does: what was committed, without what the batch wrote."""
        for key in keys:
            if state.holds(key):
                continue
            match key:
                case EntityKey():
                    stored = self.entities.get(key)
                    state.entities[key] = reread(stored) if stored is not None else None
                case HistoryKey(control_id):
                    state.histories[key] = self.history(control_id)
                case LatestDecisionKey(control_id):
                    state.latest[key] = max(self.history(control_id), key=standing_order, default=None)
                case BesideKey(control_id):
                    state.beside[key] = frozenset(
                        id for id in self._known_ids() if id.startswith(f"{control_id}@")
                    )
                case RowKey():
                    state.rows[key] = self.rows.get(key)
                case TableKey(table):
                    state.rows.update(
                        {row: self.rows[row] for row in self.rows if row.table == table} | state.rows
                    )
                    state.tables.add(key)

    def _known_ids(self) -> set[str]:
        decided = {
            str(each.value["controlId"])
            for key, each in self.entities.items()
            if key.entity_set == DECISIONS.name
        }
        return decided | self.ids()

    def keep(self, fold: Fold) -> None:
        """Write what a fold leaves."""
        written = fold.written
        for key, stored in written.entities.items():
            if stored is None:
                assert key in written.deleted_versions
                self.entities.pop(key, None)
            else:
                self.entities[key] = reread(stored)
        self.rows.update(written.rows)
        self.changes += written.changes
        self.head = fold.state.head

    def history(self, control_id: str) -> tuple[Stored, ...]:
        """Return the decisions about a control in the order of writing."""
        entries = [stored for key, stored in self.entities.items() if key.entity_set == DECISIONS.name]
        mine = [entry for entry in entries if entry.value["controlId"] == control_id]
        return tuple(sorted(mine, key=lambda entry: (entry.version, entry.id)))

    def get(self, entity_id: str, entity_set: EntitySet = CONTROL_PROFILES) -> Stored:
        """Return an entity that must be there."""
        return self.entities[EntityKey(entity_set.name, entity_id)]

    def ids(self, entity_set: EntitySet = CONTROL_PROFILES) -> set[str]:
        """Return the ids of a set."""
        return {key.id for key in self.entities if key.entity_set == entity_set.name}

    def shown(self, control_id: str) -> JsonObject:
        """Return the one entry of a control's `controlStateUpdates`."""
        (entry,) = items(self.get(control_id).value["controlStateUpdates"])
        return entry

    def detail(self) -> JsonObject:
        """Return the detail of the newest change."""
        return parse_object(self.changes[-1].detail)

    def exported(self, control_id: str) -> JsonObject:
        """Return a control as an export has it."""
        return exported(self.get(control_id).value, self.history(control_id))


def reread(stored: Stored) -> Stored:
    """Return an entity as it comes from a table: nothing but its bytes."""
    return Stored(stored.id, stored.version, stored.body)


def items(value: JsonValue) -> list[JsonObject]:
    """Return the objects of a JSON array."""
    assert isinstance(value, list)
    return [item for item in value if isinstance(item, dict)]


def control(control_id: str, owner: JsonObject | None = None, **members: JsonValue) -> JsonObject:
    """Return a control as a provider describes it."""
    return {
        "id": control_id,
        "azureTenantId": TENANT,
        "title": f"Control {control_id}",
        "maxScore": 5,
        "rank": 3,
        "lastModifiedDateTime": "2026-01-01T00:00:00Z",
        "threats": ["Account Breach"],
        "vendorInformation": dict(MICROSOFT if owner is None else owner),
        **members,
    }


def update(state: str, when: str | None, by: str | None = "bob", comment: str | None = None) -> JsonObject:
    """Return an entry of an imported `controlStateUpdates`."""
    return {"assignedTo": None, "comment": comment, "state": state, "updatedBy": by, "updatedDateTime": when}


def bring(
    *values: JsonObject,
    entity_set: EntitySet = CONTROL_PROFILES,
    placed: bool = False,
    skip_refused: bool = False,
) -> ImportEntities:
    """Return the import of a file of entities of one set."""
    return ImportEntities(
        tenant_id=TENANT,
        command_id=command_id(),
        actor=ACTOR,
        source="file.json",
        digest="00",
        entities=tuple(
            Incoming.of(entity_set, value, number=number, path=f"value/{number - 1}", placed=placed)
            for number, value in enumerate(values, start=1)
        ),
        skip_refused=skip_refused,
    )


def decide(
    control_id: str,
    body: JsonObject,
    *,
    root: RootName = "beta",
    if_match: Versions = None,
    by: Actor = ACTOR,
) -> DecideControl:
    """Return the command that a PATCH of a control is."""
    return DecideControl(
        tenant_id=TENANT,
        command_id=command_id(),
        actor=by,
        control_id=control_id,
        request=parse_request(body, root=root),
        if_match=if_match,
    )


@dataclass(frozen=True)
class Do(Generic[T]):
    """A command that runs a function on the draft."""

    action: Callable[[Draft], Applied[T]]
    tenant_id: str = TENANT
    command_id: str = field(default_factory=command_id)
    actor: Actor = ACTOR

    def reads(self) -> Iterable[Key]:
        """Name nothing: what is missing is loaded when it is read."""
        return ()

    def apply(self, draft: Draft) -> Applied[T]:
        """Run the function."""
        return self.action(draft)


def create(value: JsonObject, entity_set: EntitySet = SECURE_SCORES) -> CreateEntity:
    """Return the command that a POST is."""
    return CreateEntity(
        tenant_id=TENANT, command_id=command_id(), actor=ACTOR, entity_set=entity_set, value=value
    )


def merge(
    entity_id: str,
    patch: JsonObject,
    *,
    entity_set: EntitySet = SECURE_SCORES,
    if_match: Versions = None,
) -> MergeEntity:
    """Return the command that a PATCH of a score or user is."""
    return MergeEntity(
        tenant_id=TENANT,
        command_id=command_id(),
        actor=ACTOR,
        entity_set=entity_set,
        entity_id=entity_id,
        patch=check_entity(patch, entity_set, whole=False),
        if_match=if_match,
    )


def delete(
    entity_id: str, *, entity_set: EntitySet = SECURE_SCORES, if_match: Versions = None
) -> DeleteEntity:
    """Return the command that a DELETE is."""
    return DeleteEntity(
        tenant_id=TENANT,
        command_id=command_id(),
        actor=ACTOR,
        entity_set=entity_set,
        entity_id=entity_id,
        if_match=if_match,
    )


def score(day: str = "2026-03-10", owner: JsonObject | None = None, **members: JsonValue) -> JsonObject:
    """Return the snapshot of a day."""
    return {
        "id": f"{TENANT}_{day}",
        "azureTenantId": TENANT,
        "createdDateTime": f"{day}T00:00:00Z",
        "currentScore": 10.0,
        "maxScore": 50,
        "enabledServices": ["HasExchange"],
        "controlScores": [{"controlName": "AdminMFA", "score": 5, "scoreInPercentage": 100}],
        "vendorInformation": dict(MICROSOFT if owner is None else owner),
        **members,
    }
