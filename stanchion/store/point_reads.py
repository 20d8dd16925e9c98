"""Point reads of a server: those that are asked in one turn of the event loop are read together.

- At a load, some thirty requests are under way in each turn. Those of one tenant are one statement, which costs a
  fifth of as many; those of several are one transaction, which takes and lets go of a lock of the file once.
- Whoever asks waits for the next turn; who comes first in it reads for all. That is after the asking, so each sees
  all that was committed before it asked, and nobody needs a future.
"""

from collections.abc import Generator
from contextlib import suppress
from types import coroutine
from typing import TypeAlias

from stanchion.errors import StanchionError
from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet
from stanchion.store.connection import SQLiteConnection
from stanchion.store.deadline import Deadline
from stanchion.store.dictionaries import DictionaryFault
from stanchion.store.failures import for_reader
from stanchion.store.reading import read_entities, read_entity

_Key: TypeAlias = tuple[str, EntitySet]
_Answers: TypeAlias = dict[str, "Stored | Exception"]


class _Turn:
    """What was asked for in one turn, and what became of it, once that is known."""

    __slots__ = ("answers", "asked")

    def __init__(self) -> None:
        self.asked: dict[_Key, list[str]] = {}
        self.answers: dict[_Key, _Answers] | None = None


class PointReads:
    """The point reads of a connection, those of a turn within `seconds` from the moment at which they run."""

    def __init__(self, connection: SQLiteConnection, deadline: Deadline, *, seconds: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._seconds = seconds
        self._turn: _Turn | None = None

    async def get(self, tenant_id: str, entity_set: EntitySet, id: str) -> Stored | None:
        """Return an entity, or None."""
        key = (tenant_id, entity_set)
        turn = self._turn
        if turn is None:
            turn = self._turn = _Turn()
        ids = turn.asked.get(key)
        if ids is None:
            turn.asked[key] = [id]
        else:
            ids.append(id)
        await _next_turn()
        if turn.answers is None:
            # From here on another reading begins: this one would come too early for who asks now.
            self._turn = None
            turn.answers = self._read_all(turn.asked)
        answer = turn.answers[key].get(id)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _read_all(self, asked: dict[_Key, list[str]]) -> dict[_Key, _Answers]:
        if len(asked) > 1:
            # What one of them suffers from is told to whom it concerns: then each is read by itself.
            with suppress(Exception), self._deadline.after(self._seconds), self._connection.snapshot():
                return {key: {**self._entities(key, ids)} for key, ids in asked.items()}
        return {key: self._read(key, ids) for key, ids in asked.items()}

    def _read(self, key: _Key, ids: list[str]) -> _Answers:
        try:
            with self._deadline.after(self._seconds):
                return {**self._entities(key, ids)}
        except StanchionError as error:
            return dict.fromkeys(ids, error)
        except Exception as error:  # noqa: BLE001 (whatever it is, whoever asked is to have it)
            if len(ids) == 1:
                return {ids[0]: for_reader(error)}
        # What is wrong with one entity is no reason to refuse the others.
        answers: _Answers = {}
        for id in ids:
            answers |= self._read(key, [id])
        return answers

    def _entities(self, key: _Key, ids: list[str]) -> dict[str, Stored]:
        try:
            return self._found(key, ids)
        except DictionaryFault:
            if self._connection.in_transaction:
                raise
        # It may have gone meanwhile, with the last score that named it. At one moment both are there, or neither is.
        with self._connection.snapshot():
            return self._found(key, ids)

    def _found(self, key: _Key, ids: list[str]) -> dict[str, Stored]:
        tenant_id, entity_set = key
        if len(ids) == 1:
            return read_entity(self._connection, entity_set, tenant_id=tenant_id, id=ids[0])
        return read_entities(self._connection, entity_set, tenant_id=tenant_id, ids=ids)


@coroutine
def _next_turn() -> Generator[None]:
    """Wait until all has run that the event loop was to run before this was called."""
    yield
