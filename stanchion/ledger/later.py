"""A later place in the chain, for what was folded while others wrote.

A long import is folded without the lock. Where the chain has grown meanwhile, but by nothing that the import
read, all that it leaves stays as it is but for what names its place: the record with its time and hash, the
versions of what it wrote, and the ids of the decisions that it made, which are told by the sequence.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from stanchion.ledger.changes import (
    Change,
    Head,
    decode_record,
    encode_record,
    link,
    salted_digest,
)
from stanchion.ledger.controls import renumbered
from stanchion.ledger.fold import Written
from stanchion.ledger.working_set import EntityKey, Stored
from stanchion.model.edm import DECISIONS
from stanchion.model.instant import format_instant


def later(written: Written, head: Head, *, now_ticks: int) -> Written:
    """Return what one movable command leaves, as if it had been applied to a chain that ends with `head`."""
    (change,) = written.changes
    sequence = head.sequence + 1
    names = {key: _renamed(key, sequence=change.sequence, to=sequence) for key in written.entities}
    entities = {names[key]: _moved(stored, names[key], sequence) for key, stored in written.entities.items()}
    return Written(
        changes=(_later_change(change, names, entities, head=head, now_ticks=now_ticks),),
        entities=entities,
        deleted_versions=dict.fromkeys(written.deleted_versions, sequence),
        departures=dict.fromkeys(written.departures, sequence),
        rows=written.rows,
        new_tenant=written.new_tenant,
        movable=True,
    )


def _renamed(key: EntityKey, *, sequence: int, to: int) -> EntityKey:
    if key.entity_set != DECISIONS.name:
        return key
    return EntityKey(key.entity_set, renumbered(key.id, sequence=sequence, to=to))


def _moved(stored: Stored | None, key: EntityKey, sequence: int) -> Stored | None:
    if stored is None or stored.id == key.id:
        return stored and Stored(stored.id, sequence, stored.body)
    return Stored.of({**stored.value, "id": key.id}, version=sequence)


def _later_change(
    change: Change,
    names: Mapping[EntityKey, EntityKey],
    entities: Mapping[EntityKey, Stored | None],
    *,
    head: Head,
    now_ticks: int,
) -> Change:
    record = decode_record(change.record)
    touched = []
    for former in record.entities:
        key = names[EntityKey(former.entity_set, former.id)]
        stored, digest = entities[key], former.digest
        if stored is not None and key.id != former.id:
            digest = salted_digest(change.salt, stored.body)
        touched.append(replace(former, id=key.id, version=head.sequence + 1, digest=digest))
    moved = encode_record(
        replace(record, sequence=head.sequence + 1, time=format_instant(now_ticks), entities=touched)
    )
    return Change(
        tenant_id=change.tenant_id,
        sequence=head.sequence + 1,
        time_ticks=now_ticks,
        command_id=change.command_id,
        record=moved,
        hash=link(head.hash, moved),
        salt=change.salt,
        detail=change.detail,
    )
