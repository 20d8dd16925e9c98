"""What a database says of its tenant, read beside the program that wrote it.

It knows the tables and nothing of the program's code but how bodies are packed and how the chain is hashed, so that
a fault of the store's own reading cannot hide a fault of its writing.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from tests.crash.database import Database, plain, rows
from tests.crash.operations import Kind, Written
from tests.serving.place import TENANT

_KINDS: dict[str, Kind] = {
    "control.decide": "decide",
    "entity.create": "create",
    "entity.update": "update",
    "entity.delete": "delete",
}
_TABLE_STATEMENTS: Final = (
    (
        "SELECT id, version, body FROM secure_score_control_profiles "
        "WHERE tenant_id = :tenant_id AND version > :since"
    ),
    "SELECT id, version, body FROM user_security_profiles WHERE tenant_id = :tenant_id AND version > :since",
)


@dataclass(frozen=True)
class Decision:
    """One change that decided about a control."""

    sequence: int
    control: str
    comment: str


@dataclass(frozen=True)
class Recorded:
    """One change of the chain that a writer may have asked for."""

    sequence: int
    command: str
    written: Written


@dataclass(frozen=True)
class Shown:
    """What an entity shows, and the version that it has."""

    version: int
    mark: str | None
    there: bool = True  # not a tombstone


def decisions(database: Database) -> list[Decision]:
    """Return every decision of the tenant in the chain of changes, the oldest first."""
    return [
        Decision(each.sequence, each.written.entity, each.written.mark)
        for each in recorded(database)
        if each.written.kind == "decide"
    ]


def recorded(database: Database, *, since: int = 0) -> list[Recorded]:
    """Return the writers' changes after a sequence, the oldest first."""
    found = []
    for sequence, command, record, detail in rows(
        database,
        "SELECT c.sequence, c.command_id, c.record, d.detail FROM changes c JOIN change_details d "
        "ON d.tenant_id = c.tenant_id AND d.sequence = c.sequence "
        "WHERE c.tenant_id = :tenant_id AND c.sequence > :since ORDER BY c.sequence",
        since=since,
    ):
        kind = _KINDS.get(json.loads(record)["operation"])
        if kind is not None:
            found.append(Recorded(sequence, command, _written(kind, json.loads(plain(detail)))))
    return found


def _written(kind: Kind, told: dict[str, object]) -> Written:
    after = told.get("after")
    match kind, after:
        case "decide", {"comment": str(comment)}:
            return Written(kind, str(told["control"]), comment)
        case "update", {"displayName": str(name)}:
            return Written(kind, str(told["id"]), name)
        case _:
            return Written(kind, str(told.get("id", told.get("control"))))


def histories(database: Database, *, since: int = 0) -> dict[str, list[str]]:
    """Return the comments that later changes added to the history of each control, the oldest first."""
    found: dict[str, list[str]] = {}
    for control, body in rows(
        database,
        "SELECT control_id, body FROM decisions "
        "WHERE tenant_id = :tenant_id AND version > :since ORDER BY version",
        since=since,
    ):
        comment = json.loads(plain(body))["comment"]
        if comment is not None:
            found.setdefault(control, []).append(comment)
    return found


def shown(database: Database, *, since: int = 0) -> dict[str, Shown]:
    """Return each control and user that a later change wrote or deleted, by its id."""
    found = {}
    for statement, show in zip(_TABLE_STATEMENTS, (_comment, _name), strict=True):
        for id, version, body in rows(database, statement, since=since):
            found[id] = Shown(version, show(json.loads(plain(body))))
    for id, version in rows(
        database,
        "SELECT id, version FROM tombstones WHERE tenant_id = :tenant_id AND version > :since",
        since=since,
    ):
        # An entity and its tombstone must not both be there; the pair is told apart by a name that no entity has.
        found[id if id not in found else f"tombstone of {id}"] = Shown(version, None, there=False)
    return found


def chain_faults(database: Database) -> list[str]:
    """Return what is wrong with the chain itself: gaps, hashes, commands run twice, and a head that is another."""
    hash_, last, commands, wrong = sha256(TENANT.encode()).digest(), 0, set[str](), list[str]()
    for sequence, command, record, told in rows(
        database,
        "SELECT sequence, command_id, record, hash FROM changes WHERE tenant_id = :tenant_id ORDER BY sequence",
    ):
        hash_ = sha256(hash_ + record).digest()
        if sequence != last + 1:
            wrong.append(f"change {last + 1} is missing before {sequence}")
        if hash_ != told:
            wrong.append(f"the hash of change {sequence} is another")
        if command in commands:
            wrong.append(f"command {command} ran twice")
        last, hash_ = sequence, told
        commands.add(command)
    ((sequence, hash_told),) = rows(
        database, "SELECT sequence, head_hash FROM tenants WHERE tenant_id = :tenant_id"
    )
    if (sequence, hash_told) != (last, hash_):
        wrong.append(f"the head is {sequence}, the last change {last}")
    return wrong[:5]


@dataclass(frozen=True)
class Totals:
    """How much of the tenant there is: a transaction that came in whole or not at all shows here."""

    scores: int
    controls: int
    changes: int
    newest: int  # the sequence of the head


def totals(database: Database) -> Totals:
    """Count what the database holds of the tenant."""
    return Totals(
        scores=_number(database, "SELECT count(*) FROM secure_scores WHERE tenant_id = :tenant_id"),
        controls=_number(
            database, "SELECT count(*) FROM secure_score_control_profiles WHERE tenant_id = :tenant_id"
        ),
        changes=_number(database, "SELECT count(*) FROM changes WHERE tenant_id = :tenant_id"),
        newest=head(database),
    )


def head(database: Database) -> int:
    """Return the sequence of the tenant's last change."""
    return _number(database, "SELECT sequence FROM tenants WHERE tenant_id = :tenant_id")


def _number(database: Database, statement: str) -> int:
    ((number,),) = rows(database, statement)
    return int(number)


def _comment(body: dict[str, object]) -> str | None:
    updates = body["controlStateUpdates"]
    assert isinstance(updates, list)
    (update,) = updates
    comment: str | None = update["comment"]
    return comment


def _name(body: dict[str, object]) -> str | None:
    name = body["displayName"]
    return None if name is None else str(name)
