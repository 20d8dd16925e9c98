"""The first opening of a database: the facts of the store, and the chain of its own acts."""

import getpass
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from stanchion.errors import OperatorError
from stanchion.ledger.changes import Operator
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.ledger.working_set import Key, RowKey
from stanchion.store import purpose
from stanchion.store.batch import commit_batch
from stanchion.store.outcome import Refused
from stanchion.store.rows import STORE_CHAIN, read_meta
from stanchion.store.session import Connection
from stanchion.store.tables import meta, tenants


def operator() -> Operator:
    """Return who works on this machine: the name of the account, as the record of what is done shows it."""
    try:
        return Operator(getpass.getuser())
    except (KeyError, OSError):  # A container may run under a number without a name.
        return Operator("unknown")


@dataclass(frozen=True)
class StoreFacts:
    """What tells a store from all others; the link key signs the tokens of next links."""

    store_id: str
    epoch: str
    link_key: bytes


@dataclass(frozen=True)
class CreateStore:
    """Give a new database its id, epoch and link key; a database that has them keeps them."""

    store_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    epoch: str = field(default_factory=lambda: secrets.token_hex(4))
    link_key: str = field(default_factory=lambda: secrets.token_hex(32))
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    actor: Operator = field(default_factory=operator)
    tenant_id: str = STORE_CHAIN

    def reads(self) -> Iterable[Key]:
        """Name the fact that tells whether the store is new."""
        return (RowKey(meta.name, "store_id"),)

    def apply(self, draft: Draft) -> Applied[None]:
        """Write the facts, and the first change of the store's chain."""
        if draft.row(meta.name, "store_id") is None:
            facts = {
                "store_id": self.store_id,
                "epoch": self.epoch,
                "link_key": self.link_key,
                "directory_revision": "0",
            }
            draft.creates_tenant = True
            for key, value in facts.items():
                draft.put_row(meta.name, key, {"value": value})
            draft.put_row(tenants.name, self.tenant_id, {"name": "store", "created_ticks": draft.now_ticks})
        return Applied(None, "createStore", {"storeId": self.store_id, "epoch": self.epoch})


def store_facts(connection: Connection, *, name: str, patience_seconds: float = 0) -> StoreFacts:
    """Return the facts of a store, made first where the database, shown as `name`, is new.

    Another one that makes them at once is waited for so long.
    Raises OperatorError for one that is not to be used as a store.
    """
    if (other := purpose.read_purpose(connection)) is not None:
        raise purpose.refusal(other, name=name)
    if read_meta(connection, "store_id") is None:
        (outcome,) = commit_batch(connection, [CreateStore()], patience_seconds=patience_seconds)
        if isinstance(outcome, Refused):
            raise outcome.error
    found = [read_meta(connection, key) for key in ("store_id", "epoch", "link_key")]
    match found:
        case [str(store_id), str(epoch), str(link_key)]:
            return StoreFacts(store_id, epoch, bytes.fromhex(link_key))
        case _:
            raise OperatorError(f"{name} has lost facts of its store; restore it from a backup.")
