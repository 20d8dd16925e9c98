"""The draft of one command: what it reads, and what it means to write.

A command reads through its draft, which asks the state for what the command has not written itself. A draft that
is refused is dropped, one that is accepted becomes part of the state that the next command sees.
"""

from collections.abc import Mapping
from typing import cast

from stanchion.ledger.changes import Head
from stanchion.ledger.working_set import (
    BesideKey,
    EntityKey,
    HistoryKey,
    LatestDecisionKey,
    NotLoaded,
    Row,
    RowKey,
    Stored,
    TableKey,
    TenantState,
    ids_beside_which,
    loaded,
    standing_order,
)
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, EntitySet
from stanchion.model.json_text import JsonObject


class Draft:
    """What one command reads and means to write; nothing of it counts until it is accepted."""

    __slots__ = (
        "_decided",
        "_put_beside",
        "_state",
        "_vacated",
        "about_erasure",
        "amended",
        "creates_tenant",
        "decisions_written",
        "deleted",
        "entities",
        "next_sequence",
        "now_ticks",
        "replaced",
        "rows",
    )

    def __init__(self, state: TenantState, *, now_ticks: int) -> None:
        self._state = state
        self.now_ticks = now_ticks
        # The sequence that the command's change will have: the version of all it writes.
        self.next_sequence = state.head.sequence + 1 if state.head is not None else 1
        self.entities: dict[EntityKey, Stored | None] = {}  # None: deleted
        self.amended: set[EntityKey] = set()  # those written that differ in no column
        self.deleted: set[EntityKey] = set()  # some may be there again
        self.replaced: set[EntityKey] = set()  # those whose provider may be another one now
        self.rows: dict[RowKey, Row] = {}
        self.creates_tenant = False
        self.about_erasure = False  # whether it may write to a tenant that is erased
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
    def erased_ticks(self) -> int | None:
        """Since when the tenant is erased."""
        return self._state.erased_ticks

    @property
    def writes(self) -> bool:
        """Whether the command has written anything so far."""
        return bool(self.entities or self.rows or self.creates_tenant)

    def get(self, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity as earlier commands and this one left it, or None."""
        key = EntityKey(entity_set.name, id)
        return self.entities[key] if key in self.entities else loaded(self._state.entities, key)

    def history(self, control_id: str) -> tuple[Stored, ...]:
        """Return the decisions about a control in the order in which they were written."""
        entries: dict[str, Stored] = {}
        if control_id not in self._vacated:
            known = loaded(self._state.histories, HistoryKey(control_id))
            entries = {entry.id: entry for entry in known} | self._state.decided.get(control_id, {})
        entries |= self._decided.get(control_id, {})
        return tuple(sorted(entries.values(), key=lambda entry: (entry.version, entry.id)))

    def latest_decision(self, control_id: str) -> Stored | None:
        """Return the decision about a control that stands, or None where nobody decided."""
        latest = loaded(self._state.latest, LatestDecisionKey(control_id))
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
        return loaded(self._state.beside, key) | earlier | self._put_beside.get(key, set())

    def row(self, table: str, key: str) -> Row | None:
        """Return a row of a table that holds no entities, or None."""
        row_key = RowKey(table, key)
        return self.rows[row_key] if row_key in self.rows else loaded(self._state.rows, row_key)

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
            return stored
        self.replaced.add(key)
        if entity_set is CONTROL_PROFILES and "@" in stored.id:
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
        self.deleted.add(key)
        self.entities[key] = None
        self.amended.discard(key)
        self.replaced.add(key)

    def put_row(self, table: str, key: str, row: Row) -> None:
        """Write a row of a table that holds no entities."""
        self.rows[RowKey(table, key)] = row

    def departures(self) -> Mapping[EntityKey, str]:
        """Return each entity that is its former provider's no longer, with that provider in lower case.

        What was amended has its provider still, and is not looked at: a decision costs nothing here. Raises
        NotLoaded for what was replaced unseen.
        """
        left: dict[EntityKey, str] = {}
        for key in self.replaced:
            former, stored = loaded(self._state.entities, key), self.entities[key]
            provider = former.provider if former is not None else None
            if provider is not None and (stored is None or stored.provider != provider):
                left[key] = provider
        return left

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
        if self.about_erasure:
            state.erased_ticks = cast(
                "int | None", self.rows[RowKey("tenants", self.tenant_id)]["erased_ticks"]
            )

    def _put_decision(self, decision: Stored) -> None:
        control_id = cast("str", decision.value["controlId"])
        self._require_latest(control_id)
        self._decided.setdefault(control_id, {})[decision.id] = decision
        self.decisions_written += 1

    def _require_latest(self, control_id: str) -> None:
        loaded(self._state.latest, LatestDecisionKey(control_id))
