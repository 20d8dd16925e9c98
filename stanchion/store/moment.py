"""A tenant as it was at one moment, for an export.

- All reads see the moment at which it began, whoever writes meanwhile.
- It has a connection and one read transaction of its own; while it lasts, what others overwrite is kept for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import zstandard

from stanchion.errors import OperatorError
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.store import reading
from stanchion.store.session import Connection, Readable


class Moment:
    """The entities and histories of one tenant, and the head of its chain.

    `head` is None where nobody added the tenant, or it is erased.
    """

    def __init__(self, connection: Connection, *, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        # The first read is what fixes the moment.
        end = reading.read_end(connection, tenant_id=tenant_id)
        self.head = end.head if end is not None and end.erased_ticks is None else None

    def entities(self, entity_set: EntitySet) -> Iterator[Stored]:
        """Give every entity of a set by id, some at a time."""
        return reading.read_chunks(self._connection, entity_set, tenant_id=self._tenant_id)

    def history(self, control_id: str) -> tuple[Stored, ...]:
        """Return the decisions about a control, oldest first."""
        ids = [control_id]
        found = reading.read_histories(self._connection, tenant_id=self._tenant_id, control_ids=ids)
        return found.get(control_id, ())


@contextmanager
def moment(store: Readable, *, tenant_id: str) -> Iterator[Moment]:
    """Open a moment of a tenant for the block; raises OperatorError for what cannot be read."""
    try:
        with store.reading() as connection:
            yield Moment(connection, tenant_id=tenant_id)
    except zstandard.ZstdError as error:
        raise OperatorError(f"A body in {store.name} cannot be read: {error}.") from error
