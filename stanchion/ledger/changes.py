"""A change: the record of one accepted write, and the hash chain that holds the records together.

- The record is exact bytes: JSON with sorted names and no blanks. What is hashed is what is stored.
- hash(n) = SHA-256(hash(n-1) || record(n)); hash(0) = SHA-256(tenant id).
- The record names each entity touched with its version (the change's own sequence), a salted digest of its body
  and the provider that it left, if it did; and a salted digest of the detail (the values before and after). Salt
  and detail lie apart from the record, so that they can be erased and the chain still verifies.
"""

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from stanchion.model.json_text import dump_canonical

SALT_BYTES = 16


@dataclass(frozen=True)
class Actor:
    """Who wrote: the subject of a token, by its `oid` (a person) or `appid` (an application)."""

    issuer: str
    tenant_id: str
    name: str  # as shown in updatedBy: upn, else preferred_username, else the application's id
    oid: str | None = None
    appid: str | None = None

    def describe(self) -> dict[str, str]:
        """Return the actor as it stands in a record."""
        subject = {"oid": self.oid} if self.oid is not None else {"appid": self.appid or ""}
        return {"iss": self.issuer, "tid": self.tenant_id, "name": self.name, **subject}


@dataclass(frozen=True)
class Operator:
    """Who wrote: a person with access to the store itself, by the name of their account on the machine."""

    name: str

    def describe(self) -> str:
        """Return the operator as it stands in a record."""
        return f"operator:{self.name}"


class Touched(msgspec.Struct, frozen=True, omit_defaults=True, rename={"entity_set": "set"}):
    """One entity that a change wrote; `digest` is null where it was deleted.

    `left` is the provider whose it was until then, A to Z in lower case, where it is that one's no longer.
    """

    entity_set: str
    id: str
    version: int
    digest: str | None
    left: str | None = None


class ChangeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the chain keeps of a change. `time` is UTC with microseconds; `detail` a salted digest."""

    tenant: str
    sequence: int
    time: str
    actor: dict[str, str] | str
    operation: str
    command: str
    entities: list[Touched]
    detail: str


class Head(msgspec.Struct, frozen=True):
    """The newest link of a tenant's chain; sequence 0 before the first change."""

    sequence: int
    hash: bytes


class Change(msgspec.Struct, frozen=True):
    """One change as the store keeps it."""

    tenant_id: str
    sequence: int
    time_ticks: int
    command_id: str
    record: bytes
    hash: bytes
    salt: bytes
    detail: bytes

    @property
    def head(self) -> Head:
        """The head of the chain that ends with this change."""
        return Head(self.sequence, self.hash)


def encode_record(record: ChangeRecord) -> bytes:
    """Return the exact bytes of a record."""
    return dump_canonical(record)


def decode_record(record: bytes) -> ChangeRecord:
    """Read a record; raises msgspec.DecodeError where the bytes are not one."""
    return msgspec.json.decode(record, type=ChangeRecord)


def first_head(tenant_id: str) -> Head:
    """Return the head of a chain without changes."""
    return Head(0, sha256(tenant_id.encode()).digest())


def link(previous_hash: bytes, record: bytes) -> bytes:
    """Return the hash of the change whose record follows `previous_hash`."""
    return sha256(previous_hash + record).digest()


def salted_digest(salt: bytes, content: bytes) -> str:
    """Return the digest under which a body or detail stands in a record, as hex."""
    return sha256(salt + content).hexdigest()
