"""Verifying that a tenant's history was not altered: its chain of changes, and every entity against it.

- Records follow each other without a gap, each hash covers the one before, the head is the last of them.
- A record's own words (tenant, sequence, time, command) and the columns beside it say the same.
- Each stored entity is the one that the last change touching it wrote; its columns say what its body says.
- No entity is there that no change wrote, none is missing, and each deleted one has its tombstone.
- A detail or salt may have been erased; what is still there matches the record.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

import msgspec
import zstandard
from sqlalchemy import bindparam, select

from stanchion.errors import OperatorError
from stanchion.ledger.changes import ChangeRecord, Head, decode_record, first_head, link, salted_digest
from stanchion.ledger.working_set import EntityKey, Stored
from stanchion.model.check import column_values
from stanchion.model.edm import ENTITY_SETS, EntitySet
from stanchion.model.instant import format_instant
from stanchion.store.bodies import unpack
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.connection import connect, snapshot
from stanchion.store.failures import for_operator
from stanchion.store.reading import read_head
from stanchion.store.sqlite import SQLiteStore
from stanchion.store.tables import ENTITY_TABLES, change_details, changes, tombstones

_BUSY_SECONDS = 30.0

# A frame may claim to hold more than there is memory, and JSON may be nested without end.
_DAMAGED = (zstandard.ZstdError, MemoryError)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# SQLite lets any column hold a value of any type.
_FOREIGN = "has a value of another type than was written"


@dataclass(frozen=True)
class VerifyReport:
    """What was verified: the head of the chain, and how many changes and stored entities it explains.

    Of those entities `unchecked` have lost the salt of their change, so that nothing tells whether their bodies
    are what was written.
    """

    sequence: int
    hash: str
    changes: int
    entities: int
    unchecked: int = 0


def verify(store: SQLiteStore, tenant_id: str, *, head: tuple[int, str] | None) -> VerifyReport:
    """Verify a tenant's chain and entities as they are at one moment.

    `head` is a (sequence, hash) noted earlier, which must still be in the chain. Raises OperatorError naming
    the place of the first fault.
    """
    try:
        with closing(connect(store.path, busy_seconds=_BUSY_SECONDS)) as connection, snapshot(connection):
            return _Walk(connection, tenant_id).report(noted=head)
    except sqlite3.Error as error:
        raise for_operator(error, path=str(store.path)) from error


class _Walk:
    """One verification of one tenant."""

    def __init__(self, connection: sqlite3.Connection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._last: dict[EntityKey, tuple[int, str | None]] = {}  # version and digest by the last change
        self._unchecked = 0

    def report(self, *, noted: tuple[int, str] | None) -> VerifyReport:
        head = read_head(self._connection, tenant_id=self._tenant_id)
        if head is None:
            raise OperatorError(f"The tenant {self._tenant_id} does not exist.")
        if not _all_bytes(head.hash):
            raise OperatorError(f"The head of {self._tenant_id} {_FOREIGN}.")
        last = self._walk_chain(noted)
        if last != head:
            raise OperatorError(
                f"The chain of {self._tenant_id} ends at change {last.sequence}, "
                f"but its head says {head.sequence} with hash {head.hash.hex()}."
            )
        entities = sum(self._check_set(entity_set) for entity_set in ENTITY_SETS.values())
        self._check_nothing_is_missing()
        self._check_details()
        self._check_tombstones()
        return VerifyReport(head.sequence, head.hash.hex(), head.sequence, entities, self._unchecked)

    def _walk_chain(self, noted: tuple[int, str] | None) -> Head:
        head = first_head(self._tenant_id)
        seen = noted is None
        for sequence, time_ticks, command_id, content, digest, salt, detail in self._rows(chain_statement()):
            if sequence != head.sequence + 1:
                raise self._fault(head.sequence + 1, "is missing")
            if not _all_bytes(content, digest) or (salt is not None and not _all_bytes(salt, detail)):
                raise self._fault(sequence, _FOREIGN)
            if link(head.hash, content) != digest:
                raise self._fault(sequence, "does not match its hash")
            record = self._record(sequence, content)
            told = (record.tenant, record.sequence, record.time, record.command)
            if told != (self._tenant_id, sequence, _instant(time_ticks), command_id):
                raise self._fault(sequence, "does not say what its columns say")
            if salt is not None and salted_digest(salt, self._detail(sequence, detail)) != record.detail:
                raise self._fault(sequence, "has another detail than its record says")
            self._touch(record)
            head = Head(sequence, digest)
            seen = seen or noted == (sequence, digest.hex())
        if not seen and noted is not None and noted != (0, first_head(self._tenant_id).hash.hex()):
            raise OperatorError(
                f"The head {noted[0]}:{noted[1]} noted earlier is not in the chain of {self._tenant_id}."
            )
        return head

    def _record(self, sequence: int, content: bytes) -> ChangeRecord:
        try:
            return decode_record(content)
        except _UNREADABLE as error:
            raise self._fault(sequence, f"cannot be read: {error}") from error

    def _detail(self, sequence: int, kept: bytes) -> bytes:
        try:
            return unpack(kept)
        except _DAMAGED as error:
            raise self._fault(sequence, f"has a detail that cannot be read: {error}") from error

    def _touch(self, record: ChangeRecord) -> None:
        for touched in record.entities:
            if touched.version != record.sequence:
                raise self._fault(record.sequence, f"names another version of {touched.id} than its own")
            self._last[EntityKey(touched.entity_set, touched.id)] = (touched.version, touched.digest)

    def _check_set(self, entity_set: EntitySet) -> int:
        count = 0
        for row in self._rows(bodies_statement(entity_set)):
            id, version, body, salt, *columns = row
            stored = Stored(id, version, self._body(EntityKey(entity_set.name, id), body))
            self._check_entity(entity_set, stored, salt=salt)
            self._check_columns(entity_set, stored, columns=columns)
            count += 1
        return count

    def _body(self, key: EntityKey, kept: bytes) -> bytes:
        if not _all_bytes(kept):
            raise self._misfit(key, _FOREIGN)
        try:
            return unpack(kept)
        except _DAMAGED as error:
            raise self._misfit(key, f"has a body that cannot be read: {error}") from error

    def _check_entity(self, entity_set: EntitySet, stored: Stored, *, salt: bytes | None) -> None:
        key = EntityKey(entity_set.name, stored.id)
        version, digest = self._last.pop(key, (0, None))
        if digest is None:
            raise self._misfit(key, "is stored, but " + ("was deleted" if version else "no change wrote it"))
        if stored.version != version:
            raise self._misfit(
                key, f"has version {stored.version}, but change {version} was the last to write it"
            )
        if salt is None:
            self._unchecked += 1
        elif salted_digest(salt, stored.body) != digest:
            raise self._misfit(key, f"differs from what change {version} wrote")

    def _check_columns(self, entity_set: EntitySet, stored: Stored, *, columns: list[object]) -> None:
        key = EntityKey(entity_set.name, stored.id)
        try:
            value: object = stored.value
        except _UNREADABLE as error:
            raise self._misfit(key, f"has a body that cannot be read: {error}") from error
        if not isinstance(value, dict) or value.get("id") != stored.id:
            raise self._misfit(key, "has a body with another id")
        if [None, *column_values(entity_set, value).values()] != columns:
            raise self._misfit(key, "has columns that differ from its body")

    def _check_nothing_is_missing(self) -> None:
        for key, (version, digest) in self._last.items():
            if digest is not None:
                raise self._misfit(key, f"is missing, though change {version} wrote it")

    def _check_details(self) -> None:
        for (sequence,) in self._rows(lost_details_statement()):
            raise self._fault(sequence, "is missing, though its detail is there")

    def _check_tombstones(self) -> None:
        for entity_set, id, version in self._rows(tombstones_statement()):
            key = EntityKey(entity_set, id)
            if self._last.pop(key, None) != (version, None):
                raise self._misfit(key, f"has a tombstone of change {version}, which did not delete it last")
        for key, (version, _) in self._last.items():
            raise self._misfit(key, f"lacks the tombstone of change {version}, which deleted it")

    def _rows(self, statement: Compiled) -> sqlite3.Cursor:
        return self._connection.execute(statement.sql, {"tenant_id": self._tenant_id})

    def _fault(self, sequence: int, fault: str) -> OperatorError:
        return OperatorError(f"Change {sequence} of {self._tenant_id} {fault}.")

    def _misfit(self, key: EntityKey, fault: str) -> OperatorError:
        return OperatorError(f"{key.entity_set}/{key.id} of {self._tenant_id} {fault}.")


def _instant(ticks: object) -> str | None:
    try:
        return format_instant(ticks) if isinstance(ticks, int) else None
    except (OverflowError, ValueError):
        return None


def _all_bytes(*values: object) -> bool:
    return all(isinstance(value, bytes) for value in values)


@lru_cache
def chain_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Every change of a tenant, the first one first, with salt and detail where they are still kept."""
    details = (
        select(change_details).where(change_details.c.tenant_id == bindparam("tenant_id")).subquery("details")
    )
    statement = (
        select(
            changes.c.sequence,
            changes.c.time_ticks,
            changes.c.command_id,
            changes.c.record,
            changes.c.hash,
            details.c.salt,
            details.c.detail,
        )
        .join_from(changes, details, changes.c.sequence == details.c.sequence, isouter=True)
        .where(changes.c.tenant_id == bindparam("tenant_id"))
        .order_by(changes.c.sequence)
    )
    return compile_statement(statement, dialect)


@lru_cache
def lost_details_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The sequences of details without their changes."""
    theirs = (
        select(changes.c.sequence).where(changes.c.tenant_id == bindparam("tenant_id")).subquery("theirs")
    )
    statement = (
        select(change_details.c.sequence)
        .join_from(change_details, theirs, theirs.c.sequence == change_details.c.sequence, isouter=True)
        .where(change_details.c.tenant_id == bindparam("tenant_id"), theirs.c.sequence.is_(None))
    )
    return compile_statement(statement, dialect)


@lru_cache
def bodies_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """Every entity of a set with the salt of the change that wrote it, its dictionary and its columns."""
    table = ENTITY_TABLES[entity_set.name]
    salts = (
        select(change_details.c.sequence, change_details.c.salt)
        .where(change_details.c.tenant_id == bindparam("tenant_id"))
        .subquery("salts")
    )
    columns = (table.c.dictionary, *(table.c[column.name] for column in entity_set.columns))
    statement = (
        select(table.c.id, table.c.version, table.c.body, salts.c.salt, *columns)
        .join_from(table, salts, table.c.version == salts.c.sequence, isouter=True)
        .where(table.c.tenant_id == bindparam("tenant_id"))
        .order_by(table.c.id)
    )
    return compile_statement(statement, dialect)


@lru_cache
def tombstones_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Every tombstone of a tenant."""
    statement = select(tombstones.c.entity_set, tombstones.c.id, tombstones.c.version)
    return compile_statement(statement.where(tombstones.c.tenant_id == bindparam("tenant_id")), dialect)
