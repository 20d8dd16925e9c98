"""What a stored change and a stored entity must prove, one row at a time; whoever walks them keeps the order.

- A change follows the one before it, its hash covers that one's, its record says what its columns say, and the
  detail, where it is still kept, is the one that the record names.
- An entity is the one that the change of its version wrote; its columns say what its body says.

Each function raises OperatorError naming the place of the fault.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import zstandard

from stanchion.errors import OperatorError
from stanchion.ledger.changes import ChangeRecord, Head, decode_record, link, salted_digest
from stanchion.ledger.working_set import EntityKey, Stored
from stanchion.model.check import column_values
from stanchion.model.edm import EntitySet
from stanchion.model.instant import format_instant
from stanchion.store.bodies import Foreign, unpack

# JSON may be nested without end.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# SQLite lets any column hold a value of any type.
FOREIGN = "has a value of another type than was written"


class ChangeRow(NamedTuple):
    """A change as it lies in the store, with salt and detail where they are still kept."""

    sequence: int
    time_ticks: int
    command_id: str
    record: bytes
    hash: bytes
    salt: bytes | None
    detail: bytes | None


class EntityRow(NamedTuple):
    """An entity as it lies in the store, the salt of the change that wrote it, and its columns."""

    id: str
    version: int
    body: object  # as the database keeps it
    salt: bytes | None
    columns: Sequence[object]


class Proof:
    """The proofs of one tenant's rows; `body` gives the body of an entity that is kept, as the connection does."""

    def __init__(self, tenant_id: str, *, body: Callable[[object, str], bytes]) -> None:
        self._tenant_id = tenant_id
        self._unkept = body

    def head(self, head: Head | None) -> Head:
        """Return the head of the tenant's chain, if there is one and it can be."""
        if head is None:
            raise OperatorError(
                f"The tenant {self._tenant_id} does not exist; `stanchion tenant list` names them."
            )
        if not all_bytes(head.hash):
            raise OperatorError(f"The head of {self._tenant_id} {FOREIGN}.")
        return head

    def ends(self, last: Head, *, head: Head) -> None:
        """Prove that the last change found is the one that the head names."""
        if last != head:
            raise OperatorError(
                f"The chain of {self._tenant_id} ends at change {last.sequence}, "
                f"but its head says {head.sequence} with hash {head.hash.hex()}."
            )

    def change(self, row: ChangeRow, *, after: Head) -> ChangeRecord:
        """Return the record of a change that follows `after`."""
        sequence = row.sequence
        if sequence != after.sequence + 1:
            raise self.fault(after.sequence + 1, "is missing")
        if not all_bytes(row.record, row.hash) or (
            row.salt is not None and not all_bytes(row.salt, row.detail)
        ):
            raise self.fault(sequence, FOREIGN)
        if link(after.hash, row.record) != row.hash:
            raise self.fault(sequence, "does not match its hash")
        record = self._record(row)
        told = (record.tenant, record.sequence, record.time, record.command)
        if told != (self._tenant_id, sequence, instant_text(row.time_ticks), row.command_id):
            raise self.fault(sequence, "does not say what its columns say")
        if row.salt is not None and row.detail is not None:
            self._detail(row.detail, salt=row.salt, record=record)
        for touched in record.entities:
            if touched.version != sequence:
                raise self.fault(sequence, f"names another version of {touched.id} than its own")
        return record

    def entity(self, entity_set: EntitySet, row: EntityRow, *, version: int, digest: str | None) -> bool:
        """Prove that an entity is what change `version` wrote under a digest.

        Returns whether the salt was still there to prove it. Version 0 says that no change wrote it, no digest
        that the change deleted it.
        """
        key = EntityKey(entity_set.name, row.id)
        stored = Stored(row.id, row.version, self._body(key, row.body))
        if digest is None:
            raise self.misfit(key, "is stored, but " + ("was deleted" if version else "no change wrote it"))
        if stored.version != version:
            raise self.misfit(
                key, f"has version {stored.version}, but change {version} was the last to write it"
            )
        if row.salt is not None and salted_digest(row.salt, stored.body) != digest:
            raise self.misfit(key, f"differs from what change {version} wrote")
        self._columns(entity_set, stored, columns=row.columns)
        return row.salt is not None

    def fault(self, sequence: int, fault: str) -> OperatorError:
        """Return what to say of a change."""
        return OperatorError(f"Change {sequence} of {self._tenant_id} {fault}.")

    def row(self, fault: str) -> OperatorError:
        """Return what to say of the tenant's own row."""
        return OperatorError(f"The head of {self._tenant_id} {fault}.")

    def misfit(self, key: EntityKey, fault: str) -> OperatorError:
        """Return what to say of an entity."""
        return OperatorError(f"{key.entity_set}/{key.id} of {self._tenant_id} {fault}.")

    def _record(self, row: ChangeRow) -> ChangeRecord:
        try:
            return decode_record(row.record)
        except _UNREADABLE as error:
            raise self.fault(row.sequence, f"cannot be read: {error}") from error

    def _detail(self, kept: bytes, *, salt: bytes, record: ChangeRecord) -> None:
        try:
            detail = unpack(kept)
        except zstandard.ZstdError as error:
            raise self.fault(record.sequence, f"has a detail that cannot be read: {error}") from error
        if salted_digest(salt, detail) != record.detail:
            raise self.fault(record.sequence, "has another detail than its record says")

    def _body(self, key: EntityKey, kept: object) -> bytes:
        try:
            return self._unkept(kept, self._tenant_id)
        except Foreign as error:
            raise self.misfit(key, FOREIGN) from error
        except zstandard.ZstdError as error:
            raise self.misfit(key, f"has a body that cannot be read: {error}") from error

    def _columns(self, entity_set: EntitySet, stored: Stored, *, columns: Sequence[object]) -> None:
        key = EntityKey(entity_set.name, stored.id)
        try:
            value: object = stored.value
        except _UNREADABLE as error:
            raise self.misfit(key, f"has a body that cannot be read: {error}") from error
        if not isinstance(value, dict) or value.get("id") != stored.id:
            raise self.misfit(key, "has a body with another id")
        if [None, *column_values(entity_set, value).values()] != list(columns):
            raise self.misfit(key, "has columns that differ from its body")


def all_bytes(*values: object) -> bool:
    """Say whether every value is of the type in which hashes, records and bodies are written."""
    return all(isinstance(value, bytes) for value in values)


def instant_text(ticks: object) -> str | None:
    """Return the instant of ticks as records have it, None for what are none."""
    try:
        return format_instant(ticks) if isinstance(ticks, int) else None
    except (OverflowError, ValueError):
        return None
