"""What happens to a store as a whole, as changes of its own chain: it is restored from a backup, or moved."""

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from stanchion.ledger.changes import Operator
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.ledger.working_set import Key, RowKey
from stanchion.store.meta import operator
from stanchion.store.rows import STORE_CHAIN
from stanchion.store.tables import meta

_FACTS = ("epoch", "link_key")


@dataclass(frozen=True, kw_only=True)
class RestoreStore:
    """Give a restored store a new epoch and link key, so that no entity tag, token or link of before fits.

    `heads` are the ends of the chains by tenant, from which the restored store goes on.
    """

    heads: dict[str, str]
    epoch: str = field(default_factory=lambda: secrets.token_hex(4))
    link_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    actor: Operator = field(default_factory=operator)
    tenant_id: ClassVar[str] = STORE_CHAIN

    def reads(self) -> Iterable[Key]:
        """Name the facts that it puts others in place of."""
        return [RowKey(meta.name, key) for key in _FACTS]

    def apply(self, draft: Draft) -> Applied[str]:
        """Write both, and return the epoch."""
        former = draft.row(meta.name, "epoch") or {}
        draft.put_row(meta.name, "epoch", {"value": self.epoch})
        draft.put_row(meta.name, "link_key", {"value": self.link_key})
        detail = {"epoch": self.epoch, "formerEpoch": former.get("value"), "heads": self.heads}
        return Applied(self.epoch, "store.restore", detail)


@dataclass(frozen=True, kw_only=True)
class MoveStore:
    """Record that a store was moved from one database to another, both by kind; it stays the same store."""

    source: str
    target: str
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    actor: Operator = field(default_factory=operator)
    tenant_id: ClassVar[str] = STORE_CHAIN

    def reads(self) -> Iterable[Key]:
        """Name nothing."""
        return ()

    def apply(self, draft: Draft) -> Applied[None]:  # noqa: ARG002 (it writes its change alone)
        """Write nothing but the change."""
        return Applied(None, "store.move", {"from": self.source, "to": self.target}, recorded=True)
