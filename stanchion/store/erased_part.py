"""The beginning of a chain that was erased: changes of which only the hashes are left, and the change that says so.

- They stand before all others without a gap, and without details. The first change that still says something after
  them is that of the erasure: it names how many they are, and the digest of their hashes.
- While the tenant is being erased that change is still to come.
- What the tenant's row says of all this is what the changes say: since when it is closed, and which change erased it.
"""

from hashlib import sha256

import msgspec

from stanchion.ledger.changes import ChangeRecord, Head
from stanchion.store.bodies import unpack
from stanchion.store.erasure import NOTHING, ErasedChanges
from stanchion.store.proof import FOREIGN, ChangeRow, Proof, all_bytes, instant_text
from stanchion.store.reading import ChainEnd

BEGUN, ERASED = "tenant.erase.begin", "tenant.erase"


class ErasedPart:
    """What is proved of it while a chain is walked from its first change."""

    def __init__(self, proof: Proof, end: ChainEnd) -> None:
        self._proof = proof
        self._end = end
        self._under_way = under_way(end)
        self._digest = sha256()
        self._said_by: int | None = None  # the change that says that those before it were erased
        self._closed: object = None  # since when, as that says
        self._last: str | None = None  # the operation of the last change, None where it was erased
        self.changes = 0

    def add(self, row: ChangeRow, *, after: Head) -> Head:
        """Prove that a change without a record is part of it; return the head after it."""
        head = erased_head(row, after=after, proof=self._proof)
        if after.sequence != self.changes:
            raise self._proof.fault(row.sequence, "has lost its record")
        self.changes += 1
        self._last = None
        self._digest.update(row.hash)
        return head

    def followed(self, row: ChangeRow, record: ChangeRecord) -> None:
        """Prove of a change after it, if it is the first one, that it says that it was erased."""
        self._last = record.operation
        if self._said_by is not None or not self.changes or self._under_way:
            return
        self._said_by = row.sequence
        if record.operation != ERASED or row.detail is None:
            raise self._proof.fault(self.changes, "has lost its record, and no erasure says why")
        try:
            told = msgspec.json.decode(unpack(row.detail), type=dict[str, object])
        except msgspec.DecodeError as error:
            raise self._proof.fault(
                row.sequence, f"says of an erasure what cannot be read: {error}"
            ) from error
        self._closed = told.get("closed")
        kept = ErasedChanges(self.changes, self._digest.hexdigest())
        if (told.get("changes"), told.get("hashes")) != kept:
            raise self._proof.fault(
                row.sequence, "says that other changes were erased than are left as hashes"
            )

    def ends(self) -> None:
        """Prove, at the end of the chain, that it was said, and that the tenant's row says so too."""
        if self._under_way:
            told = self._last in {None, BEGUN} and isinstance(self._end.erased_ticks, int)
        elif self.changes and self._said_by is None:
            raise self._proof.fault(self.changes, "has lost its record, and no erasure says why")
        else:
            closed = self._closed if self._last == ERASED else None
            said = (self._end.erased_sequence, instant_text(self._end.erased_ticks))
            told = said == (self._said_by, closed) and (closed is not None or self._end.erased_ticks is None)
        if not told:
            raise self._proof.row("says something else of an erasure than its changes")


def under_way(end: ChainEnd) -> bool:
    """Say whether a tenant is being erased, and all that is gone not yet said."""
    return end.erased_ticks is not None and end.erased_sequence != end.head.sequence


def erased_head(row: ChangeRow, *, after: Head, proof: Proof) -> Head:
    """Prove what can be proved of one change without a record; return the head after it."""
    if row.sequence != after.sequence + 1:
        raise proof.fault(after.sequence + 1, "is missing")
    if not all_bytes(row.hash):
        raise proof.fault(row.sequence, FOREIGN)
    if row.salt is not None:
        raise proof.fault(row.sequence, "has lost its record, and its detail is still there")
    return Head(row.sequence, row.hash)


def is_erased(row: ChangeRow) -> bool:
    """Say whether only the hash of a change is left."""
    return row.record == NOTHING
