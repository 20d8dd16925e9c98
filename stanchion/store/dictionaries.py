"""Dictionaries: bodies of a tenant after which its later ones are packed, on SQLite.

- A score repeats what the one of the day before said, but for some figures. Packed after an earlier one it takes a
  fiftieth of its bytes, packed alone a quarter.
- A body so packed names its dictionary before its frame.
- A dictionary's id is a digest of its tenant and its content, so that what lies under an id is what was meant or is
  refused, in whichever database; it is never altered, and never another tenant's. A body that names one which is
  missing or altered cannot be read.
- A connection has the dictionaries in memory that it used last, up to a limit.
"""

import hashlib
from collections import OrderedDict
from functools import lru_cache
from typing import NamedTuple

import zstandard
from sqlalchemy import bindparam, delete, select

from stanchion.errors import OperatorError
from stanchion.store.bodies import ID_BYTES, NAME_BYTES, NAMING, body_bytes, decompressed, unpack
from stanchion.store.compile import Compiled, compile_for_rows, compile_statement, upsert
from stanchion.store.expressions import AnyOf
from stanchion.store.session import Connection
from stanchion.store.tables import dictionaries

MAX_BYTES = 1024 * 1024
"""Of one: beyond it would be large in memory, and reach further back than zstd looks."""

# Each takes some 110 KB beside its content, whatever that is.
_KNOWN, _KNOWN_BYTES = 32, 4 * 1024 * 1024


class DictionaryFault(zstandard.ZstdError):
    """A body cannot be read, because its dictionary is missing or is not what it was."""


class _Known(NamedTuple):
    decompressor: zstandard.ZstdDecompressor
    size: int


class Dictionaries:
    """The dictionaries that a connection used last."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, bytes], _Known] = OrderedDict()
        self._bytes = 0

    def unpack(self, kept: bytes, *, tenant_id: str, connection: Connection) -> bytes:
        """Return a body of a tenant that was packed after a dictionary; raises zstandard.ZstdError."""
        key = (tenant_id, kept[len(NAMING) : NAME_BYTES])
        known = self._known.get(key)
        if known is None:
            known = self._learn(key, connection)
        else:
            self._known.move_to_end(key)
        return decompressed(kept[NAME_BYTES:], known.decompressor)

    def _learn(self, key: tuple[str, bytes], connection: Connection) -> _Known:
        content = read_dictionary(connection, key[1], tenant_id=key[0])
        known = _Known(zstandard.ZstdDecompressor(dict_data=as_dictionary(content)), len(content))
        self._known[key] = known
        self._bytes += known.size
        while len(self._known) > 1 and (len(self._known) > _KNOWN or self._bytes > _KNOWN_BYTES):
            _, (_, size) = self._known.popitem(last=False)
            self._bytes -= size
        return known


def as_dictionary(content: bytes) -> zstandard.ZstdCompressionDict:
    """Return a body as what zstd packs others after, with no tables of its own."""
    return zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def dictionary_id(content: bytes, *, tenant_id: str) -> bytes:
    """Return the id of a dictionary of a tenant."""
    return hashlib.sha256(tenant_id.encode() + b"\0" + content).digest()[:ID_BYTES]


def named(frame: bytes, id: bytes) -> bytes:
    """Return a body that was packed after a dictionary, with the name of that."""
    return NAMING + id + frame


def named_id(kept: bytes) -> bytes:
    """Return the id of the dictionary that a body names."""
    return kept[len(NAMING) : NAME_BYTES]


def read_dictionary(connection: Connection, id: bytes, *, tenant_id: str) -> bytes:
    """Return a dictionary of a tenant; raises DictionaryFault for one that is missing or altered."""
    found = connection.fetch(dictionary_statement(), {"tenant_id": tenant_id, "id": id.hex()})
    if not found:
        raise DictionaryFault(f"its dictionary {id.hex()} is missing")
    return _proven(found[0][0], id, tenant_id=tenant_id)


def require_dictionaries(connection: Connection, tenant_id: str) -> None:
    """Look at each dictionary of a tenant, in use or not; raises OperatorError for the first that was altered."""
    for (id,) in connection.fetch(ids_statement(), {"tenant_id": tenant_id}):
        try:
            read_dictionary(connection, bytes.fromhex(str(id)), tenant_id=tenant_id)
        except (ValueError, zstandard.ZstdError) as error:
            raise OperatorError(
                f"dictionaries/{id} of {tenant_id} is not what was written: {error}."
            ) from error


def _proven(kept: object, id: bytes, *, tenant_id: str) -> bytes:
    # A few altered bytes of a frame may stand for gigabytes.
    if body_bytes(kept) > MAX_BYTES:
        raise DictionaryFault(f"its dictionary {id.hex()} cannot be read: it is longer than any is written")
    try:
        content = unpack(kept)
    except zstandard.ZstdError as error:
        raise DictionaryFault(f"its dictionary {id.hex()} cannot be read: {error}") from error
    if dictionary_id(content, tenant_id=tenant_id) != id:
        raise DictionaryFault(f"its dictionary {id.hex()} was altered")
    return content


@lru_cache
def dictionary_statement() -> Compiled:
    """One dictionary."""
    statement = select(dictionaries.c.body)
    return compile_statement(
        statement.where(
            dictionaries.c.tenant_id == bindparam("tenant_id"), dictionaries.c.id == bindparam("id")
        )
    )


@lru_cache
def ids_statement() -> Compiled:
    """The ids of all dictionaries of a tenant."""
    statement = select(dictionaries.c.id).where(dictionaries.c.tenant_id == bindparam("tenant_id"))
    return compile_statement(statement.order_by(dictionaries.c.id))


@lru_cache
def known_statement() -> Compiled:
    """Those of some ids under which there is a dictionary."""
    statement = select(dictionaries.c.id).where(
        dictionaries.c.tenant_id == bindparam("tenant_id"), AnyOf(dictionaries.c.id, "ids")
    )
    return compile_statement(statement)


@lru_cache
def upsert_statement() -> Compiled:
    """A dictionary, whole, new or not."""
    return compile_for_rows(upsert(dictionaries))


@lru_cache
def forget_statement() -> Compiled:
    """Some dictionaries go."""
    statement = delete(dictionaries).where(
        dictionaries.c.tenant_id == bindparam("tenant_id"), AnyOf(dictionaries.c.id, "ids")
    )
    return compile_statement(statement)
