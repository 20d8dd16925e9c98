"""How the bodies of a tenant are kept by what is written next: long ones packed, scores after dictionaries.

- The dictionary of a score is that of the score of its vendor and provider which was written last, or else the score
  itself, which becomes one. So a tenant has about one for each of its providers.
- Where packing after it saves little any more, because texts have changed, the score at hand becomes the next one. A
  tenant has one for so many of its scores at most: with scores that have nothing in common it costs little too.
- Nothing is written before `write`, which is called inside the transaction, before the bodies go in. It asks what is
  there then: another process may have written the same meanwhile, or taken all of the tenant away.
"""

from functools import cached_property, lru_cache
from typing import NamedTuple

import zstandard
from sqlalchemy import ColumnElement, bindparam, func, literal_column, select

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.text import folded
from stanchion.store.bodies import COMPRESS_OVER_BYTES, LEVEL, NAME_BYTES, NAMING, pack
from stanchion.store.compile import Compiled, compile_statement
from stanchion.store.dictionaries import (
    MAX_BYTES,
    as_dictionary,
    dictionary_id,
    forget_statement,
    ids_statement,
    known_statement,
    named,
    named_id,
    read_dictionary,
    upsert_statement,
)
from stanchion.store.session import Connection, Source
from stanchion.store.tables import ENTITY_TABLES, dictionaries

# Ten times at the end and some thirty on the way: a real score takes a fortieth over a year.
_WORTH = 12
# What a tenant may have from the first day, and how many scores allow for one more.
_DICTIONARIES, _SCORES_EACH = 8, 16

_ONE: ColumnElement[int] = literal_column("1")
# SQLAlchemy would add an OFFSET of its own, as a value, to every LIMIT on SQLite.
_AT_ONCE: ColumnElement[int] = literal_column("0")


class LateText:
    """A body that becomes text when it is sent: the bodies of a long import are in memory once until then."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __len__(self) -> int:
        return len(self.body)


class TextKeeper:
    """Keeps bodies as text, which the database packs by itself."""

    def keep(self, body: bytes, *, source: Source | None = None) -> LateText:  # noqa: ARG002 (all are kept alike)
        """Return a body that will be text."""
        return LateText(body)

    def write(self) -> None:
        """Write nothing: they need nothing."""

    def forget(self) -> None:
        """Remove nothing: there is nothing besides."""


class _Dictionary(NamedTuple):
    id: bytes
    content: bytes
    compressor: zstandard.ZstdCompressor

    @classmethod
    def of(cls, content: bytes, *, tenant_id: str) -> "_Dictionary":
        compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=as_dictionary(content))
        return cls(dictionary_id(content, tenant_id=tenant_id), content, compressor)

    def pack(self, body: bytes) -> bytes:
        return named(self.compressor.compress(body), self.id)


class PackingKeeper:
    """Keeps bodies as bytes, long ones packed, for one transaction or one that is prepared."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._last: dict[Source, _Dictionary | None] = {}
        self._used: dict[bytes, _Dictionary] = {}
        self._begun: set[bytes] = set()
        self._packed = 0

    def keep(self, body: bytes, *, source: Source | None = None) -> bytes:
        """Return a body packed where that saves room, that of a score after a dictionary."""
        if source is None or not COMPRESS_OVER_BYTES < len(body) <= MAX_BYTES:
            return pack(body)
        source = (folded(source[0] or ""), folded(source[1] or ""))
        self._packed += 1
        last = self._last[source] if source in self._last else self._found(source)
        kept = None if last is None else last.pack(body)
        if last is None or kept is None or len(kept) * _WORTH > len(body):
            if self._may_begin():
                last = self._begin(body)
                kept = last.pack(body)
            else:
                alone = pack(body)
                if last is None or kept is None or len(alone) <= len(kept):
                    return alone
        self._last[source] = self._used[last.id] = last
        return kept

    def write(self) -> None:
        """Write the dictionaries that were used and are not there."""
        if not self._used:
            return
        ids = self._connection.array(id.hex() for id in self._used)
        parameters = {"tenant_id": self._tenant_id, "ids": ids}
        there = {id for (id,) in self._connection.fetch(known_statement(), parameters)}
        rows = [
            (self._tenant_id, id.hex(), pack(used.content))
            for id, used in self._used.items()
            # What is begun here goes over what somebody may have altered.
            if id in self._begun or id.hex() not in there
        ]
        if rows:
            self._connection.write_rows(upsert_statement(), rows)

    def forget(self) -> None:
        """Remove the dictionaries that no score names any more, once scores are deleted."""
        parameters = {"tenant_id": self._tenant_id}
        there = {id for (id,) in self._connection.fetch(ids_statement(), parameters)}
        if there:
            found = self._connection.fetch(named_statement(), {**parameters, "naming": NAMING})
            unused = there - {named_id(begin).hex() for (begin,) in found}
            ids = self._connection.array(sorted(unused))
            self._connection.fetch(forget_statement(), {**parameters, "ids": ids})

    def _begin(self, body: bytes) -> _Dictionary:
        dictionary = _Dictionary.of(body, tenant_id=self._tenant_id)
        self._begun.add(dictionary.id)
        return dictionary

    def _found(self, source: Source) -> _Dictionary | None:
        """Return the dictionary of the score of a source that was written last; None for one that is no good."""
        vendor, provider = source
        parameters = {
            "tenant_id": self._tenant_id,
            "vendor": vendor,
            "provider": provider,
            "naming": NAMING,
        }
        found = self._connection.fetch(last_statement(), parameters)
        self._last[source] = None
        if found:
            id = named_id(found[0][0])
            try:
                content = read_dictionary(self._connection, id, tenant_id=self._tenant_id)
            except zstandard.ZstdError:
                return None  # Whoever reads what names it is told; nothing more is to name it.
            self._last[source] = _Dictionary.of(content, tenant_id=self._tenant_id)
        return self._last[source]

    def _may_begin(self) -> bool:
        there = self._there + len(self._begun)
        if there < _DICTIONARIES:
            return True
        return there < _DICTIONARIES + (self._scores + self._packed) // _SCORES_EACH

    # Counted once: an import of scores with nothing in common would go through all that are there for each.
    @cached_property
    def _there(self) -> int:
        return self._count(count_statement())

    @cached_property
    def _scores(self) -> int:
        return self._count(scores_statement())

    def _count(self, statement: Compiled) -> int:
        ((count,),) = self._connection.fetch(statement, {"tenant_id": self._tenant_id})
        return int(count)


@lru_cache
def last_statement() -> Compiled:
    """How the body begins that was written last of those of a vendor and provider which name a dictionary."""
    table = ENTITY_TABLES[SECURE_SCORES.name]
    statement = (
        select(_begin(NAME_BYTES))
        .where(
            table.c.tenant_id == bindparam("tenant_id"),
            _folded(table.c.vendor_information_vendor) == bindparam("vendor"),
            _folded(table.c.vendor_information_provider) == bindparam("provider"),
            _begin(len(NAMING)) == bindparam("naming"),
        )
        .order_by(table.c.version.desc(), table.c.id.desc())
        .limit(_ONE)
        .offset(_AT_ONCE)
    )
    return compile_statement(statement)


@lru_cache
def named_statement() -> Compiled:
    """How the bodies of a tenant's scores begin that name a dictionary, each beginning once."""
    table = ENTITY_TABLES[SECURE_SCORES.name]
    statement = select(_begin(NAME_BYTES)).distinct()
    return compile_statement(
        statement.where(
            table.c.tenant_id == bindparam("tenant_id"), _begin(len(NAMING)) == bindparam("naming")
        )
    )


@lru_cache
def count_statement() -> Compiled:
    """How many dictionaries a tenant has."""
    statement = select(func.count()).select_from(dictionaries)
    return compile_statement(statement.where(dictionaries.c.tenant_id == bindparam("tenant_id")))


@lru_cache
def scores_statement() -> Compiled:
    """How many scores a tenant has."""
    table = ENTITY_TABLES[SECURE_SCORES.name]
    statement = select(func.count()).select_from(table)
    return compile_statement(statement.where(table.c.tenant_id == bindparam("tenant_id")))


def _begin(length: int) -> ColumnElement[bytes]:
    return func.substr(ENTITY_TABLES[SECURE_SCORES.name].c.body, _ONE, literal_column(str(length)))


def _folded(column: ColumnElement[str | None]) -> ColumnElement[str]:
    return func.coalesce(func.lower(column), literal_column("''"))
