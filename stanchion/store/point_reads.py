"""Point reads of a server: those that are asked in one turn of the event loop are one statement.

- At a load, some thirty requests are under way in each turn: read together they cost half as much, of which a part
  is that a transaction takes and lets go of a lock of the operating system.
- They run on the event loop, after what was asked in the same turn and before anything that comes later, so each
  sees all that was committed before it was asked.
"""

import asyncio
import sqlite3
from typing import TypeAlias

from stanchion.errors import StanchionError
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.store.deadline import Deadline
from stanchion.store.reading import read_entities

_Answer: TypeAlias = "asyncio.Future[Stored | None]"
_Read: TypeAlias = tuple[str, _Answer]


class PointReads:
    """The point reads of a connection, each within `seconds` from the moment at which it runs."""

    def __init__(self, connection: sqlite3.Connection, deadline: Deadline, *, seconds: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._seconds = seconds
        self._asked: dict[tuple[str, EntitySet], list[_Read]] = {}
        self._reading_on: asyncio.AbstractEventLoop | None = None

    async def get(self, tenant_id: str, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity, or None."""
        loop = asyncio.get_running_loop()
        answer: _Answer = loop.create_future()
        self._asked.setdefault((tenant_id, entity_set), []).append((id, answer))
        # A loop may have ended before it came to the reading.
        if self._reading_on is not loop:
            self._reading_on = loop
            loop.call_soon(self._read)
        return await answer

    def _read(self) -> None:
        self._reading_on = None
        asked, self._asked = self._asked, {}
        for (tenant_id, entity_set), reads in asked.items():
            self._answer(reads, entity_set, tenant_id=tenant_id)

    def _answer(self, reads: list[_Read], entity_set: EntitySet, *, tenant_id: str) -> None:
        try:
            with self._deadline.after(self._seconds):
                ids = [id for id, _ in reads]
                found = read_entities(self._connection, entity_set, tenant_id=tenant_id, ids=ids)
        except StanchionError as error:
            _fail(reads, error)
        except Exception as error:  # noqa: BLE001 (whatever it is, whoever asked is to have it)
            if len(reads) == 1:
                _fail(reads, error)
            else:
                # What is wrong with one entity is no reason to refuse the others.
                for read in reads:
                    self._answer([read], entity_set, tenant_id=tenant_id)
        else:
            for id, answer in reads:
                if not answer.done():
                    answer.set_result(found.get(id))


def _fail(reads: list[_Read], error: Exception) -> None:
    for _, answer in reads:
        if not answer.done():
            answer.set_exception(error)
