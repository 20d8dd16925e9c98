"""What a batch of commands reads and writes: the state of each tenant, and the draft of one command.

A command reads through its draft. What the state does not hold yet is asked for by raising `NotLoaded`; the
store loads it and applies the command again, so commands are plain functions on both databases. A draft that
is refused is dropped, one that is accepted becomes part of the state that the next command sees.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar, cast

import msgspec

from stanchion.ledger.changes import Head
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, EntitySet
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import MIN_INTEGER, JsonObject, dump_json, load_object

RowValue: TypeAlias = "str | int | bytes | None"
Row: TypeAlias = Mapping[str, RowValue]


class EntityKey(msgspec.Struct, frozen=True):
    """One entity of a set."""

    entity_set: str
    id: str


class HistoryKey(msgspec.Struct, frozen=True):
    """All decisions about one control."""

    control_id: str


class LatestDecisionKey(msgspec.Struct, frozen=True):
    """The decision about a control that stands: the newest by its time, then by the order of writing."""

    control_id: str


class BesideKey(msgspec.Struct, frozen=True):
    """The ids of controls, or of decisions about some, that are this id with `@` and something behind."""

    control_id: str


class RowKey(msgspec.Struct, frozen=True, order=True):
    """One row of a table that holds no entities, by its primary key."""

    table: str
    key: str


class TableKey(msgspec.Struct, frozen=True):
    """All rows of a small table that no tenant owns."""

    table: str


Key: TypeAlias = EntityKey | HistoryKey | LatestDecisionKey | BesideKey | RowKey | TableKey
K = TypeVar("K", EntityKey, HistoryKey, LatestDecisionKey, BesideKey, RowKey)
V = TypeVar("V")


# Decoded, a body takes several times its room: those of a long import are decoded again where they are needed.
_VALUE_KEPT_BYTES = 16 * 1024


class NotLoaded(Exception):
    """A command reads what the state does not hold yet; the store loads `keys` and applies it again."""

    def __init__(self, keys: Iterable[Key]) -> None:
        super().__init__()
        self.keys = tuple(keys)


class Stored(msgspec.Struct, frozen=True, dict=True):
    """An entity as it is stored; `version` is the sequence of the change that last wrote it."""

    id: str
    version: int
    body: bytes  # the entity's wire JSON

    @classmethod
    def of(cls, value: JsonObject, *, version: int, body: bytes | None = None) -> "Stored":
        """Return an entity about to be written; `value` is not to be changed afterwards.

        `body` is its wire JSON, where that is known already.
        """
        stored = cls(cast("str", value["id"]), version, dump_json(value) if body is None else body)
        stored._keep(value)  # What was just encoded need not be decoded.
        return stored

    @property
    def value(self) -> JsonObject:
        """The body as a value; not to be changed in place."""
        known: JsonObject | None = self.__dict__.get("_value")
        return self._keep(load_object(self.body)) if known is None else known

    def drop_value(self) -> None:
        """Keep the body alone: decoded, the controls of a long import would take several times its room."""
        self.__dict__.pop("_value", None)

    def _keep(self, value: JsonObject) -> JsonObject:
        if len(self.body) <= _VALUE_KEPT_BYTES:
            self.__dict__["_value"] = value
        return value


@dataclass
class TenantState:
    """What a batch knows of one tenant. `head` is None for a tenant that nobody added.

    `histories` hold what was loaded, `latest` what stands after the batch so far: no decision is written
    before the latest one about its control is loaded, so nothing the batch wrote can be missing there.
    """

    tenant_id: str
    head: Head | None
    entities: dict[EntityKey, Stored | None] = field(default_factory=dict)
    histories: dict[HistoryKey, tuple[Stored, ...]] = field(default_factory=dict)  # oldest entry first
    latest: dict[LatestDecisionKey, Stored | None] = field(default_factory=dict)
    rows: dict[RowKey, Row | None] = field(default_factory=dict)
    tables: set[TableKey] = field(default_factory=set)  # those of which `rows` holds every row
    decided: dict[str, dict[str, Stored]] = field(default_factory=dict)  # by the batch: control, decision
    beside: dict[BesideKey, frozenset[str]] = field(default_factory=dict)
    put_beside: dict[BesideKey, set[str]] = field(default_factory=dict)  # by the batch

    def holds(self, key: Key) -> bool:
        """Say whether `key` needs no loading."""
        match key:
            case EntityKey():
                return key in self.entities
            case HistoryKey():
                return key in self.histories
            case LatestDecisionKey():
                return key in self.latest
            case BesideKey():
                return key in self.beside
            case RowKey():
                return key in self.rows
            case TableKey():
                return key in self.tables


class Draft:
    """What one command reads and means to write; nothing of it counts until it is accepted."""

    __slots__ = (
        "_decided",
        "_put_beside",
        "_state",
        "_vacated",
        "amended",
        "creates_tenant",
        "decisions_written",
        "deleted",
        "entities",
        "next_sequence",
        "now_ticks",
        "rows",
    )

    def __init__(self, state: TenantState, *, now_ticks: int) -> None:
        self._state = state
        self.now_ticks = now_ticks
        # The sequence that the command's change will have: the version of all it writes.
        self.next_sequence = state.head.sequence + 1 if state.head is not None else 1
        self.entities: dict[EntityKey, Stored | None] = {}  # None: deleted
        self.amended: set[EntityKey] = set()  # those written that differ in no column
        self.deleted: dict[EntityKey, Stored | None] = {}  # as they were before
        self.rows: dict[RowKey, Row] = {}
        self.creates_tenant = False
        self.decisions_written = 0
        self._decided: dict[str, dict[str, Stored]] = {}
        self._vacated: set[str] = set()  # controls whose decisions are about another one now
        self._put_beside: dict[BesideKey, set[str]] = {}

    @property
    def tenant_id(self) -> str:
        """The tenant the command writes to."""
        return self._state.tenant_id

    @property
    def exists(self) -> bool:
        """Whether somebody added the tenant."""
        return self._state.head is not None

    @property
    def writes(self) -> bool:
        """Whether the command has written anything so far."""
        return bool(self.entities or self.rows or self.creates_tenant)

    def get(self, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity as earlier commands and this one left it, or None."""
        key = EntityKey(entity_set.name, id)
        return self.entities[key] if key in self.entities else _loaded(self._state.entities, key)

    def history(self, control_id: str) -> tuple[Stored, ...]:
        """Return the decisions about a control in the order in which they were written."""
        entries: dict[str, Stored] = {}
        if control_id not in self._vacated:
            loaded = _loaded(self._state.histories, HistoryKey(control_id))
            entries = {entry.id: entry for entry in loaded} | self._state.decided.get(control_id, {})
        entries |= self._decided.get(control_id, {})
        return tuple(sorted(entries.values(), key=lambda entry: (entry.version, entry.id)))

    def latest_decision(self, control_id: str) -> Stored | None:
        """Return the decision about a control that stands, or None where nobody decided."""
        latest = _loaded(self._state.latest, LatestDecisionKey(control_id))
        if control_id in self._vacated:
            latest = None
        for decision in self._decided.get(control_id, {}).values():
            if latest is None or standing_order(decision) > standing_order(latest):
                latest = decision
        return latest

    def beside(self, control_id: str) -> frozenset[str]:
        """Return the ids of controls that are this one's with `@` and something behind; some may be gone."""
        key = BesideKey(control_id)
        earlier = self._state.put_beside.get(key, set())
        return _loaded(self._state.beside, key) | earlier | self._put_beside.get(key, set())

    def row(self, table: str, key: str) -> Row | None:
        """Return a row of a table that holds no entities, or None."""
        row_key = RowKey(table, key)
        return self.rows[row_key] if row_key in self.rows else _loaded(self._state.rows, row_key)

    def rows_of(self, table: str) -> dict[str, Row]:
        """Return every row of a table, by its primary key and in the order of it; only for the smallest ones."""
        key = TableKey(table)
        if not self._state.holds(key):
            raise NotLoaded([key])
        rows = sorted({**self._state.rows, **self.rows}.items())
        return {key.key: row for key, row in rows if key.table == table and row is not None}

    def put(self, entity_set: EntitySet, value: JsonObject, *, body: bytes | None = None) -> Stored:
        """Write an entity whole, at the version of this command's change; `body` as in `Stored.of`."""
        stored = Stored.of(value, version=self.next_sequence, body=body)
        key = EntityKey(entity_set.name, stored.id)
        self.entities[key] = stored
        self.amended.discard(key)
        if entity_set is DECISIONS:
            self._put_decision(stored)
        elif entity_set is CONTROL_PROFILES and "@" in stored.id:
            for base in ids_beside_which(stored.id):
                self._put_beside.setdefault(BesideKey(base), set()).add(stored.id)
        return stored

    def amend(self, entity_set: EntitySet, id: str, body: bytes) -> Stored:
        """Write another body of an entity that is there; what is in columns is to be as before.

        It costs a fraction of writing the entity whole, because nothing has to be read out of the body.
        """
        stored = Stored(id, self.next_sequence, body)
        key = EntityKey(entity_set.name, id)
        if key not in self.entities:
            self.amended.add(key)
        self.entities[key] = stored
        return stored

    def move_decisions(self, control_id: str, *, to: str) -> None:
        """Make all decisions about a control decisions about another one."""
        self._require_latest(control_id)
        for entry in self.history(control_id):
            self.put(DECISIONS, {**entry.value, "controlId": to})
        self._vacated.add(control_id)
        self._decided.pop(control_id, None)

    def delete(self, entity_set: EntitySet, id: str) -> None:
        """Delete an entity; a tombstone with this command's version takes its place."""
        key = EntityKey(entity_set.name, id)
        self.deleted[key] = self.get(entity_set, id)
        self.entities[key] = None
        self.amended.discard(key)

    def put_row(self, table: str, key: str, row: Row) -> None:
        """Write a row of a table that holds no entities."""
        self.rows[RowKey(table, key)] = row

    def accept(self, head: Head) -> None:
        """Make the draft part of the tenant's state, which now ends with `head`."""
        state = self._state
        for control_id in self._vacated:
            state.histories[HistoryKey(control_id)] = ()
            state.latest[LatestDecisionKey(control_id)] = None
            state.decided.pop(control_id, None)
        for control_id, written in self._decided.items():
            state.latest[LatestDecisionKey(control_id)] = self.latest_decision(control_id)
            state.decided.setdefault(control_id, {}).update(written)
        for key, ids in self._put_beside.items():
            state.put_beside.setdefault(key, set()).update(ids)
        state.entities.update(self.entities)
        state.rows.update(self.rows)
        state.head = head

    def _put_decision(self, decision: Stored) -> None:
        control_id = cast("str", decision.value["controlId"])
        self._require_latest(control_id)
        self._decided.setdefault(control_id, {})[decision.id] = decision
        self.decisions_written += 1

    def _require_latest(self, control_id: str) -> None:
        _loaded(self._state.latest, LatestDecisionKey(control_id))


def standing_order(entry: Stored) -> tuple[int, int, str]:
    """Return the place of a decision among those about its control: the greatest one stands."""
    text = cast("str | None", entry.value["updatedDateTime"])
    return (MIN_INTEGER if text is None else parse_instant(text), entry.version, entry.id)


def ids_beside_which(control_id: str) -> Iterator[str]:
    """Give the ids beside which a control of this one stands: what is before each `@`."""
    parts = control_id.split("@")
    return ("@".join(parts[:count]) for count in range(1, len(parts)))


def _loaded(part: Mapping[K, V], key: K) -> V:
    try:
        return part[key]
    except KeyError:
        raise NotLoaded([key]) from None
