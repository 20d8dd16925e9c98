"""Verifying a sample of a tenant's history: enough to notice damage soon, at a cost that does not grow with it.

- The newest changes, up to the head; and some older ones, each with the one before it.
- Of the entities that these changes touched, some: each is what the change of its version wrote, or it has the
  tombstone of a change as late.

Tampering that rewrites what no sample meets goes unseen: only `verify` looks at everything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from sqlalchemy import bindparam, literal_column, select

from stanchion.ledger.changes import ChangeRecord, Head, Touched, first_head
from stanchion.ledger.working_set import EntityKey
from stanchion.model.edm import ENTITY_SETS, EntitySet
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.erased_part import erased_head, is_erased, under_way
from stanchion.store.proof import ChangeRow, EntityRow, Proof
from stanchion.store.reading import read_end
from stanchion.store.session import Connection
from stanchion.store.tables import ENTITY_TABLES, changes, tombstones
from stanchion.store.verify import change_rows, entity_rows

NEWEST_CHANGES = 50
OLDER_CHANGES = 50
ENTITIES = 100


@dataclass(frozen=True)
class SampleReport:
    """What was verified: how many changes and entities, of how many changes."""

    changes: int
    entities: int
    of_changes: int


def sample_rows(connection: Connection, tenant_id: str, *, random: Random) -> SampleReport:
    """Verify a sample of a tenant, on a connection that reads one state of the database.

    Raises OperatorError naming the place of the first fault.
    """
    return _Sample(connection, tenant_id, random).report()


class _Sample:
    """One sample of one tenant."""

    def __init__(self, connection: Connection, tenant_id: str, random: Random) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._random = random
        self._dialect = connection.dialect
        self._proof = Proof(tenant_id, body=connection.body)
        self._records: dict[int, ChangeRecord] = {}
        self._hashes = 0  # of changes of which nothing else is left
        self._erased_before = 0  # no other change may have lost its record

    def report(self) -> SampleReport:
        end = read_end(self._connection, tenant_id=self._tenant_id)
        head = self._proof.head(end.head if end is not None else None)
        assert end is not None  # noqa: S101 (it was just proved)
        self._erased_before = head.sequence + 1 if under_way(end) else end.erased_sequence or 0
        newest = range(max(0, head.sequence - NEWEST_CHANGES), head.sequence)
        self._proof.ends(self._walk(newest), head=head)
        for after in self._random.sample(range(newest.start), min(OLDER_CHANGES, newest.start)):
            self._walk(range(after, after + 1))
        # While a tenant is being erased nothing tells what should still be there.
        touched = [] if under_way(end) else self._touched()
        for each in touched:
            self._check(each)
        return SampleReport(len(self._records) + self._hashes, len(touched), head.sequence)

    def _walk(self, sequences: range) -> Head:
        """Verify the changes that follow each of some sequences on end; return the last of them."""
        last = self._link(sequences.start)
        parameters = {"tenant_id": self._tenant_id, "after": sequences.start, "limit": len(sequences)}
        for row in map(ChangeRow._make, self._connection.fetch(changes_statement(self._dialect), parameters)):
            if is_erased(row) and row.sequence < self._erased_before:
                last = erased_head(row, after=last, proof=self._proof)
                self._hashes += 1
            else:
                self._records[row.sequence] = self._proof.change(row, after=last)
                last = Head(row.sequence, row.hash)
        return last

    def _link(self, sequence: int) -> Head:
        if sequence == 0:
            return first_head(self._tenant_id)
        parameters = {"tenant_id": self._tenant_id, "sequence": sequence}
        for (digest,) in self._connection.fetch(link_statement(self._dialect), parameters):
            return Head(sequence, digest)
        raise self._proof.fault(sequence, "is missing")

    def _touched(self) -> list[Touched]:
        """Choose some of what the changes touched, each entity once, by the latest of them."""
        latest: dict[EntityKey, Touched] = {}
        for sequence in sorted(self._records):
            for touched in self._records[sequence].entities:
                latest[EntityKey(touched.entity_set, touched.id)] = touched
        return self._random.sample(list(latest.values()), min(ENTITIES, len(latest)))

    def _check(self, touched: Touched) -> None:
        key = EntityKey(touched.entity_set, touched.id)
        entity_set = ENTITY_SETS[touched.entity_set]
        parameters = {"tenant_id": self._tenant_id, "id": touched.id}
        for id, version, body, salt, *columns in self._connection.fetch(
            entity_statement(entity_set, self._dialect), parameters
        ):
            if version < touched.version:
                raise self._proof.misfit(
                    key, f"has version {version}, but change {touched.version} wrote it later"
                )
            written, digest = self._written(key, version)
            row = EntityRow(id, version, body, salt, columns)
            self._proof.entity(entity_set, row, version=written, digest=digest)
            return
        if self._deleted_at(key) < touched.version:
            raise self._proof.misfit(key, f"is missing, though change {touched.version} wrote it")

    def _written(self, key: EntityKey, version: int) -> tuple[int, str | None]:
        """Return the version and digest by which the change of this version names the entity, if it does."""
        if version not in self._records:
            self._walk(range(version - 1, version))
        entities: Iterable[Touched] = self._records[version].entities if version in self._records else ()
        mine = (each for each in entities if EntityKey(each.entity_set, each.id) == key)
        return next(((each.version, each.digest) for each in mine), (0, None))

    def _deleted_at(self, key: EntityKey) -> int:
        parameters = {"tenant_id": self._tenant_id, "entity_set": key.entity_set, "id": key.id}
        rows = self._connection.fetch(tombstone_statement(self._dialect), parameters)
        return int(rows[0][0]) if rows else 0


@lru_cache
def changes_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Some changes that follow a sequence."""
    following = change_rows().where(changes.c.sequence > bindparam("after"))
    # SQLAlchemy would add an OFFSET of its own, as a value, to every LIMIT on SQLite.
    return compile_statement(following.limit(bindparam("limit")).offset(literal_column("0")), dialect)


@lru_cache
def link_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The hash of one change."""
    statement = select(changes.c.hash).where(
        changes.c.tenant_id == bindparam("tenant_id"), changes.c.sequence == bindparam("sequence")
    )
    return compile_statement(statement, dialect)


@lru_cache
def entity_statement(entity_set: EntitySet, dialect: DialectName = "sqlite") -> Compiled:
    """One entity."""
    id_column = ENTITY_TABLES[entity_set.name].c.id
    return compile_statement(entity_rows(entity_set).where(id_column == bindparam("id")), dialect)


@lru_cache
def tombstone_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The version of the change that deleted an entity."""
    statement = select(tombstones.c.version).where(
        tombstones.c.tenant_id == bindparam("tenant_id"),
        tombstones.c.entity_set == bindparam("entity_set"),
        tombstones.c.id == bindparam("id"),
    )
    return compile_statement(statement, dialect)
