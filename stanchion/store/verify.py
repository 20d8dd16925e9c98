"""Verifying that a tenant's history was not altered: its chain of changes, and every entity against it.

- Records follow each other without a gap, each hash covers the one before, the head is the last of them.
- A record's own words (tenant, sequence, time, command) and the columns beside it say the same.
- Each stored entity is the one that the last change touching it wrote; its columns say what its body says.
- No entity is there that no change wrote, none is missing, and each deleted one has its tombstone.
- What left its provider is told as the last change says by which it did, and nothing else is.
- A detail or salt may have been erased; what is still there matches the record.
- Of a tenant that was erased the hashes are left, and the change that says so. While it is being erased nothing tells
  what should still be there.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, select

from stanchion.errors import OperatorError
from stanchion.ledger.changes import ChangeRecord, Head, first_head
from stanchion.ledger.working_set import EntityKey
from stanchion.model.edm import ENTITY_SETS, EntitySet
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.dictionaries import require_dictionaries
from stanchion.store.erased_part import ErasedPart, is_erased, under_way
from stanchion.store.proof import ChangeRow, EntityRow, Proof
from stanchion.store.reading import read_end
from stanchion.store.session import Connection, Readable
from stanchion.store.tables import ENTITY_TABLES, change_details, changes, departures, tombstones

# Few enough that the largest bodies of them fit into memory, and many enough that each costs little more than itself.
_ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class VerifyReport:
    """What was verified: the head of the chain, and how many changes and stored entities it explains.

    Of those entities `unchecked` have lost the salt of their change, so that nothing tells whether their bodies
    are what was written. Of `erased_changes` only the hashes are left; `closed_ticks` is since when the tenant is
    erased, `under_way` where that has not ended.
    """

    sequence: int
    hash: str
    changes: int
    entities: int
    unchecked: int = 0
    erased_changes: int = 0
    closed_ticks: int | None = None
    under_way: bool = False


def verify(store: Readable, tenant_id: str, *, head: tuple[int, str] | None) -> VerifyReport:
    """Verify a tenant's chain and entities as they are at one moment.

    `head` is a (sequence, hash) noted earlier, which must still be in the chain. Raises OperatorError naming
    the place of the first fault.
    """
    with store.reading() as connection:
        return verify_rows(connection, tenant_id, head=head)


def verify_rows(connection: Connection, tenant_id: str, *, head: tuple[int, str] | None) -> VerifyReport:
    """Do what `verify` does, on a connection that reads one state of the database."""
    return _Walk(connection, tenant_id).report(noted=head)


class _Walk:
    """One verification of one tenant."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self._tenant_id = tenant_id
        self._proof = Proof(tenant_id, body=connection.body)
        self._last: dict[EntityKey, tuple[int, str | None]] = {}  # version and digest by the last change
        self._left: dict[tuple[EntityKey, str], int] = {}  # by entity and provider: the last change by which
        self._unchecked = 0

    def report(self, *, noted: tuple[int, str] | None) -> VerifyReport:
        end = read_end(self._connection, tenant_id=self._tenant_id)
        head = self._proof.head(end.head if end is not None else None)
        assert end is not None  # noqa: S101 (it was just proved)
        erased = ErasedPart(self._proof, end)
        self._proof.ends(self._walk_chain(noted, erased), head=head)
        report = VerifyReport(
            head.sequence,
            head.hash.hex(),
            head.sequence,
            0,
            erased_changes=erased.changes,
            closed_ticks=end.erased_ticks,
            under_way=under_way(end),
        )
        if report.under_way:
            return report
        entities = sum(self._check_set(entity_set) for entity_set in ENTITY_SETS.values())
        if self._dialect == "sqlite":
            require_dictionaries(self._connection, self._tenant_id)
        self._check_nothing_is_missing()
        self._check_details()
        self._check_tombstones()
        self._check_departures()
        return replace(report, entities=entities, unchecked=self._unchecked)

    def _walk_chain(self, noted: tuple[int, str] | None, erased: ErasedPart) -> Head:
        head = first_head(self._tenant_id)
        seen = noted is None
        for row in map(ChangeRow._make, self._rows(chain_statement(self._dialect))):
            if is_erased(row):
                head = erased.add(row, after=head)
            else:
                record = self._proof.change(row, after=head)
                erased.followed(row, record)
                self._note(record)
                head = Head(row.sequence, row.hash)
            seen = seen or noted == (row.sequence, row.hash.hex())
        if not seen and noted is not None and noted != (0, first_head(self._tenant_id).hash.hex()):
            raise OperatorError(
                f"The head {noted[0]}:{noted[1]} noted earlier is not in the chain of {self._tenant_id}."
            )
        erased.ends()
        return head

    def _note(self, record: ChangeRecord) -> None:
        for touched in record.entities:
            key = EntityKey(touched.entity_set, touched.id)
            self._last[key] = (touched.version, touched.digest)
            if touched.left is not None:
                self._left[key, touched.left] = touched.version

    def _check_set(self, entity_set: EntitySet) -> int:
        count = 0
        for id, version, body, salt, *columns in self._rows(bodies_statement(entity_set, self._dialect)):
            written, digest = self._last.pop(EntityKey(entity_set.name, id), (0, None))
            row = EntityRow(id, version, body, salt, columns)
            if not self._proof.entity(entity_set, row, version=written, digest=digest):
                self._unchecked += 1
            count += 1
        return count

    def _check_nothing_is_missing(self) -> None:
        for key, (version, digest) in self._last.items():
            if digest is not None:
                raise self._proof.misfit(key, f"is missing, though change {version} wrote it")

    def _check_details(self) -> None:
        for (sequence,) in self._rows(lost_details_statement(self._dialect)):
            raise self._proof.fault(sequence, "is missing, though its detail is there")

    def _check_tombstones(self) -> None:
        for entity_set, id, version in self._rows(tombstones_statement(self._dialect)):
            key = EntityKey(entity_set, id)
            if self._last.pop(key, None) != (version, None):
                raise self._proof.misfit(
                    key, f"has a tombstone of change {version}, which did not delete it last"
                )
        for key, (version, _) in self._last.items():
            raise self._proof.misfit(key, f"lacks the tombstone of change {version}, which deleted it")

    def _check_departures(self) -> None:
        for entity_set, id, provider, version in self._rows(departures_statement(self._dialect)):
            key = EntityKey(entity_set, id)
            if self._left.pop((key, provider), None) != version:
                raise self._proof.misfit(
                    key, f"is told to have left {provider} by change {version}, which did not take it last"
                )
        for (key, provider), version in self._left.items():
            raise self._proof.misfit(
                key, f"is not told to have left {provider}, though change {version} took it"
            )

    def _rows(self, statement: Compiled) -> Iterator[Sequence[Any]]:
        parameters = {"tenant_id": self._tenant_id}
        with closing(self._connection.chunks(statement, parameters, rows=_ROWS_AT_ONCE)) as chunks:
            for rows in chunks:
                yield from rows


@lru_cache
def chain_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Every change of a tenant, the first one first."""
    return compile_statement(change_rows(), dialect)


def change_rows() -> Select[int, int, str, bytes, bytes, bytes | None, bytes | None]:
    """Describe the changes of a tenant by sequence, with salt and detail where they are still kept."""
    details = (
        select(change_details).where(change_details.c.tenant_id == bindparam("tenant_id")).subquery("details")
    )
    return (
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
    """Every entity of a set."""
    return compile_statement(entity_rows(entity_set), dialect)


def entity_rows(entity_set: EntitySet) -> Select[str, int, bytes, bytes | None]:
    """Describe the entities of a set by id: salt of the change that wrote each, its dictionary, its columns."""
    table = ENTITY_TABLES[entity_set.name]
    salts = (
        select(change_details.c.sequence, change_details.c.salt)
        .where(change_details.c.tenant_id == bindparam("tenant_id"))
        .subquery("salts")
    )
    columns = (table.c.dictionary, *(table.c[column.name] for column in entity_set.columns))
    return (
        select(table.c.id, table.c.version, table.c.body, salts.c.salt, *columns)
        .join_from(table, salts, table.c.version == salts.c.sequence, isouter=True)
        .where(table.c.tenant_id == bindparam("tenant_id"))
        .order_by(table.c.id)
    )


@lru_cache
def tombstones_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Every tombstone of a tenant."""
    statement = select(tombstones.c.entity_set, tombstones.c.id, tombstones.c.version)
    return compile_statement(statement.where(tombstones.c.tenant_id == bindparam("tenant_id")), dialect)


@lru_cache
def departures_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Every departure of a tenant."""
    statement = select(departures.c.entity_set, departures.c.id, departures.c.provider, departures.c.version)
    return compile_statement(statement.where(departures.c.tenant_id == bindparam("tenant_id")), dialect)
