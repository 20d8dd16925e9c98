"""What a tenant must hold, in plain Python: written from the rules of the service, with nothing of its code.

- Ids are unique within a tenant. Microsoft's own control takes its bare id; whose it was moves to `{id}@{provider}`,
  with its decisions. Otherwise first come keeps the id, and later ones stand beside it.
- A decision that says nothing new is none. Decisions outlive their control.
- A write that changes something is one change; its number is the version of all that it wrote.
- A caller limited to a provider sees that provider's entities and no others.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = dict[str, Any]
Owner: TypeAlias = tuple[str, str]

CONTROLS, SCORES, USERS = "secureScoreControlProfiles", "secureScores", "userSecurityProfiles"
SETS = (CONTROLS, SCORES, USERS)
MICROSOFT: Owner = ("Microsoft", "SecureScore")
PROWLER: Owner = ("Prowler", "prowler")
# By the state sent, in lower case: the state shown.
STATES = {
    "default": "Default",
    "ignored": "Ignored",
    "ignore": "Ignored",
    "thirdparty": "ThirdParty",
    "reviewed": "Reviewed",
}
UNTOUCHED: Value = {
    "assignedTo": None,
    "comment": None,
    "state": "Default",
    "updatedBy": None,
    "updatedDateTime": None,
}
# What stands for a moment that only the server knows.
SOME_TIME = "some time"


@dataclass(frozen=True)
class Caller:
    """Who asks: what their token lets them do."""

    name: str
    tenant: str
    shown: str  # as the history names them
    reads: bool = True
    writes: bool = False
    provider: str | None = None

    def sees(self, value: Value) -> bool:
        """Say whether an entity is one that this caller may know of."""
        owner = owner_of(value)
        return self.provider is None or (owner is not None and owner[1].lower() == self.provider.lower())


@dataclass(frozen=True)
class Row:
    """An entity and its version."""

    value: Value
    version: int


@dataclass(frozen=True)
class Decision:
    """A decision about a control, whose the control was, and the change that made it."""

    shown: Value
    owner: Owner | None
    made: int


@dataclass(frozen=True)
class Write:
    """What the history must say of a change."""

    operation: str
    actor: str
    touched: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Outcome:
    """What a request must come to: a status, the entity answered, and how many changes it made."""

    status: int
    row: Row | None = None
    changes: int = 0
    id: str = ""


@dataclass(frozen=True)
class Fit:
    """What If-Match asks for: a version, any, or none that ever was."""

    version: int | None = None
    any: bool = True

    def fits(self, row: Row) -> bool:
        """Say whether it allows the entity as it is."""
        return self.any or row.version == self.version


class Refused(Exception):
    """A file that cannot come in."""


@dataclass
class Tenant:
    """One tenant: its entities, the decisions about its controls, and its history."""

    id: str
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in SETS})
    decisions: dict[str, list[Decision]] = field(default_factory=dict)
    sequence: int = 0
    history: dict[int, Write] = field(default_factory=dict)

    def note(self, operation: str, actor: str, touched: frozenset[tuple[str, str]] = frozenset()) -> int:
        """Add a change to the history; return its number."""
        self.sequence += 1
        self.history[self.sequence] = Write(operation, actor, touched)
        return self.sequence

    def visible(self, caller: Caller, name: str) -> dict[str, Value]:
        """Return the entities of a set that a caller sees, by id."""
        return {id: row.value for id, row in self.rows[name].items() if caller.sees(row.value)}

    def found(self, caller: Caller, name: str, id: str) -> Row | None:
        """Return an entity that a caller sees."""
        row = self.rows[name].get(id)
        return row if row is not None and caller.sees(row.value) else None

    def decide(
        self, caller: Caller, id: str, *, owner: Owner | None, said: Mapping[str, str | None], fit: Fit
    ) -> Outcome:
        """Record a decision about a control."""
        row = self.found(caller, CONTROLS, id)
        if row is None or (owner is not None and not same_owner(owner, owner_of(row.value))):
            return Outcome(404)
        if not fit.fits(row):
            return Outcome(412)
        former = self.standing(id)
        shown = {**former, **{name: text for name, text in said.items() if name != "state"}}
        state = said.get("state")
        if state is not None:
            shown["state"] = STATES[state.lower()]
        if shown == former:
            return Outcome(204, row)
        version = self.note("control.decide", caller.shown, frozenset({(CONTROLS, id)}))
        shown |= {"updatedBy": caller.shown, "updatedDateTime": SOME_TIME}
        self.decisions.setdefault(id, []).append(Decision(shown, owner_of(row.value), version))
        after = Row({**row.value, "controlStateUpdates": [shown]}, version)
        self.rows[CONTROLS][id] = after
        return Outcome(204, after, 1)

    def create(self, caller: Caller, name: str, value: Value) -> Outcome:
        """Add an entity."""
        if not caller.sees(value):
            return Outcome(403)
        draft = _Draft(self)
        try:
            after = draft.settled(name, value)
        except Refused:
            return Outcome(409)
        held = draft.rows[name].get(after["id"])
        if held is not None and not caller.sees(held.value):
            return Outcome(403)
        if held is not None:
            same = not draft.touched and held.value == after
            return Outcome(200 if same else 409, held if same else None, id=after["id"])
        draft.put(name, after)
        version = draft.commit("entity.create", caller.shown)
        return Outcome(201, Row(after, version), 1, id=after["id"])

    def merge(self, caller: Caller, name: str, id: str, *, patch: Value, fit: Fit) -> Outcome:
        """Change plain properties of a score or a user."""
        row = self.found(caller, name, id)
        if row is None:
            return Outcome(404)
        if not fit.fits(row):
            return Outcome(412)
        after = {**row.value, **patch}
        if after == row.value:
            return Outcome(200, row)
        self.rows[name][id] = Row(after, self.note("entity.update", caller.shown, frozenset({(name, id)})))
        return Outcome(200, self.rows[name][id], 1)

    def delete(self, caller: Caller, name: str, id: str, *, fit: Fit) -> Outcome:
        """Remove an entity; the decisions about it stay."""
        row = self.found(caller, name, id)
        if row is None:
            return Outcome(404)
        if not fit.fits(row):
            return Outcome(412)
        del self.rows[name][id]
        self.note("entity.delete", caller.shown, frozenset({(name, id)}))
        return Outcome(204, None, 1)

    def load(self, entities: list[tuple[str, Value]], *, actor: str, today: str) -> Mapping[str, int]:
        """Bring a file in: all of it, or raising Refused nothing; return how many were new, changed, same, kept."""
        counts = {"new": 0, "changed": 0, "same": 0, "kept": 0}
        draft = _Draft(self)
        last = {(name, value["id"], _product(name, value)): (name, value) for name, value in entities}
        for name, value in last.values():
            after = draft.settled(name, value)
            held = draft.rows[name].get(after["id"])
            if held is None:
                fate = "new"
            elif held.value == after:
                fate = "same"
            elif name == SCORES and held.value["createdDateTime"] < today:
                fate = "kept"
            else:
                fate = "changed"
            counts[fate] += 1
            if fate in {"new", "changed"}:
                draft.put(name, after)
        if draft.touched:
            draft.commit("import", actor)
        return counts

    def standing(self, id: str) -> Value:
        """Return the decision that a control shows."""
        decisions = self.decisions.get(id)
        return dict(decisions[-1].shown) if decisions else dict(UNTOUCHED)


class _Draft:
    """A tenant as it would be after a write."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self.rows = {name: dict(rows) for name, rows in tenant.rows.items()}
        self._decisions = deepcopy(tenant.decisions)
        self.touched: set[tuple[str, str]] = set()

    def put(self, name: str, value: Value) -> None:
        self.rows[name][value["id"]] = Row(value, 0)
        self.touched.add((name, value["id"]))

    def commit(self, operation: str, actor: str) -> int:
        version = self._tenant.note(operation, actor, frozenset(self.touched))
        for name, id in self.touched:
            if id in self.rows[name]:
                self.rows[name][id] = Row(self.rows[name][id].value, version)
        self._tenant.rows, self._tenant.decisions = self.rows, self._decisions
        return version

    def settled(self, name: str, value: Value) -> Value:
        """Return an entity as it will stand, making way for a control of Microsoft's."""
        if name != CONTROLS:
            return value
        owner, id = owner_of(value), value["id"]
        claim = self._claim(id)
        if claim is None:
            beside = self.rows[CONTROLS].get(self._beside(id, owner))
            if owner != MICROSOFT and beside is not None and same_owner(owner, owner_of(beside.value)):
                id = self._beside(id, owner)
        elif not same_owner(owner, claim[0]):
            if owner == MICROSOFT:
                self._move(id, claim[0])
            else:
                id = self._beside(id, owner)
                other = self._claim(id)
                if other is not None and not same_owner(owner, other[0]):
                    raise Refused(id)
        return {**value, "id": id, "controlStateUpdates": [self._standing(id)]}

    def _claim(self, id: str) -> tuple[Owner | None] | None:
        row, decisions = self.rows[CONTROLS].get(id), self._decisions.get(id)
        if row is not None:
            return (owner_of(row.value),)
        return (decisions[-1].owner,) if decisions else None

    def _move(self, id: str, owner: Owner | None) -> None:
        to = self._beside(id, owner)
        if to in self.rows[CONTROLS]:
            raise Refused(to)
        if id in self._decisions:
            moved = [*self._decisions.get(to, []), *self._decisions.pop(id)]
            self._decisions[to] = sorted(moved, key=lambda decision: decision.made)
        row = self.rows[CONTROLS].pop(id, None)
        # Decisions that move are written anew, also where the control that they are about is gone.
        self.touched.add((CONTROLS, id))
        if row is not None:
            self.put(CONTROLS, {**row.value, "id": to, "controlStateUpdates": [self._standing(to)]})

    def _beside(self, id: str, owner: Owner | None) -> str:
        """Return the id beside another one; one that is there keeps the case in which its provider was spelt then."""
        own = f"{id}@{owner[1] if owner is not None else 'unknown'}"
        there = {*self.rows[CONTROLS], *self._decisions}
        return (
            own if own in there else min((each for each in there if each.lower() == own.lower()), default=own)
        )

    def _standing(self, id: str) -> Value:
        decisions = self._decisions.get(id)
        return dict(decisions[-1].shown) if decisions else dict(UNTOUCHED)


def owner_of(value: Value) -> Owner | None:
    """Return the vendor and provider that an entity names."""
    information = value.get("vendorInformation")
    return (information["vendor"], information["provider"]) if information is not None else None


def same_owner(one: Owner | None, other: Owner | None) -> bool:
    """Say whether both are the same product, in whatever case they are spelt."""
    return _folded(one) == _folded(other)


def _product(name: str, value: Value) -> Owner | None:
    """Return what tells two entities of one id apart within a file: of controls their product, of others nothing."""
    return _folded(owner_of(value)) if name == CONTROLS else None


def _folded(owner: Owner | None) -> Owner | None:
    return None if owner is None else (owner[0].lower(), owner[1].lower())
