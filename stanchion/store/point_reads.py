"""Point reads of a server: those that are asked in one turn of the event loop are one statement.

- At a load, some thirty requests are under way in each turn: read together they cost half as much, of which a part
  is that a transaction takes and lets go of a lock of the operating system.
- Whoever asks waits for the next turn; who comes first in it reads for all. That is after the asking, so each sees
  all that was committed before it asked, and nobody needs a future.
"""

from collections.abc import Generator, Iterable
from types import coroutine
from typing import TypeAlias

from stanchion.errors import StanchionError
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.store.connection import SQLiteConnection
from stanchion.store.deadline import Deadline
from stanchion.store.reading import read_entities

_Key: TypeAlias = tuple[str, EntitySet]
_Answers: TypeAlias = dict[str, "Stored | Exception"]


class _Together:
    """The ids that were asked for in one turn, and what became of them, once that is known."""

    __slots__ = ("answers", "ids")

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.answers: _Answers | None = None


class PointReads:
    """The point reads of a connection, each within `seconds` from the moment at which it runs."""

    def __init__(self, connection: SQLiteConnection, deadline: Deadline, *, seconds: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._seconds = seconds
        self._asked: dict[_Key, _Together] = {}

    async def get(self, tenant_id: str, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity, or None."""
        key = (tenant_id, entity_set)
        together = self._asked.get(key)
        if together is None:
            together = self._asked[key] = _Together()
        together.ids.append(id)
        await _next_turn()
        answers = together.answers
        if answers is None:
            # From here on another reading begins: this one would come too early for who asks now.
            del self._asked[key]
            answers = together.answers = self._read(together.ids, entity_set, tenant_id=tenant_id)
        answer = answers.get(id)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _read(self, ids: list[str], entity_set: EntitySet, *, tenant_id: str) -> _Answers:
        try:
            return {**self._found(ids, entity_set, tenant_id=tenant_id)}
        except StanchionError as error:
            return dict.fromkeys(ids, error)
        except Exception as error:  # noqa: BLE001 (whatever it is, whoever asked is to have it)
            if len(ids) == 1:
                return {ids[0]: error}
        # What is wrong with one entity is no reason to refuse the others.
        answers: _Answers = {}
        for id in ids:
            answers |= self._read([id], entity_set, tenant_id=tenant_id)
        return answers

    def _found(self, ids: Iterable[str], entity_set: EntitySet, *, tenant_id: str) -> dict[str, Stored]:
        with self._deadline.after(self._seconds):
            return read_entities(self._connection, entity_set, tenant_id=tenant_id, ids=ids)


@coroutine
def _next_turn() -> Generator[None]:
    """Wait until all has run that the event loop was to run before this was called."""
    yield
