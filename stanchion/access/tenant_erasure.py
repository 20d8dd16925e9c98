"""The erasure of a tenant as commands: closed by the first, erased with the last, its issuers silenced between.

What lies between them, the rows themselves, goes without a change of its own: see `stanchion.store.erasure`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, cast

import msgspec

from stanchion.access.administration import TENANTS
from stanchion.access.issuer_administration import ISSUERS
from stanchion.errors import Conflict, NotFound
from stanchion.ledger.changes import Operator
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.ledger.working_set import Key, Row, RowKey, TableKey
from stanchion.model.instant import format_instant
from stanchion.store import STORE_CHAIN
from stanchion.store.erasure import ErasedChanges


@dataclass(frozen=True, kw_only=True)
class CloseTenant:
    """Close a tenant for ever, so that it can be erased; one that is closed already stays as it is."""

    tenant_id: str
    actor: Operator
    command_id: str

    def reads(self) -> Iterable[Key]:
        """Name the tenant's row."""
        return (RowKey(TENANTS, self.tenant_id),)

    def apply(self, draft: Draft) -> Applied[int]:
        """Take the tenant's name and mark it; return since when it is closed."""
        row = _row(draft)
        draft.about_erasure = True
        ticks = draft.erased_ticks
        if ticks is None:
            ticks = draft.now_ticks
            draft.put_row(TENANTS, self.tenant_id, {**row, "name": "", "erased_ticks": ticks})
        return Applied(ticks, "tenant.erase.begin", {"tenant": self.tenant_id})


@dataclass(frozen=True, kw_only=True)
class EndErasure:
    """Say that all of a closed tenant is gone but the hashes of its changes; said already, it stays as it is."""

    tenant_id: str
    erased: ErasedChanges
    actor: Operator
    command_id: str

    def reads(self) -> Iterable[Key]:
        """Name the tenant's row."""
        return (RowKey(TENANTS, self.tenant_id),)

    def apply(self, draft: Draft) -> Applied[None]:
        """Write which change it is that says so, with the proof of those before it."""
        row = _row(draft)
        if draft.erased_ticks is None:
            raise Conflict(f"The tenant {self.tenant_id} is not being erased.", target="tenant")
        draft.about_erasure = True
        last = draft.next_sequence - 1
        if row["erased_sequence"] != last:
            if self.erased.changes != last:
                raise Conflict(f"The tenant {self.tenant_id} has other changes now.", target="tenant")
            draft.put_row(TENANTS, self.tenant_id, {**row, "erased_sequence": draft.next_sequence})
        detail = {
            "tenant": self.tenant_id,
            "closed": format_instant(draft.erased_ticks),
            "changes": self.erased.changes,
            "hashes": self.erased.hashes,
        }
        return Applied(None, "tenant.erase", detail)


@dataclass(frozen=True, kw_only=True)
class SilenceIssuers:
    """Let no issuer speak for a tenant any more; one that spoke for no other one is removed.

    It is recorded in any case: an issuer that was folded while the tenant was open is then folded anew, and refused.
    """

    of_tenant: str
    actor: Operator
    command_id: str
    tenant_id: ClassVar[str] = STORE_CHAIN

    def reads(self) -> Iterable[Key]:
        """Name all issuers."""
        return (TableKey(ISSUERS),)

    def apply(self, draft: Draft) -> Applied[int]:
        """Take the tenant out of every entry; return of how many."""
        entries = []
        for entry_id, row in draft.rows_of(ISSUERS).items():
            tenant_ids = msgspec.json.decode(cast("str", row["tenant_ids"]), type=list[str])
            if self.of_tenant in tenant_ids:
                entries.append(entry_id)
                others = [each for each in tenant_ids if each != self.of_tenant]
                removed_ticks = row["removed_ticks"] if others or row["removed_ticks"] else draft.now_ticks
                left: Row = {
                    "tenant_ids": msgspec.json.encode(others).decode(),
                    "removed_ticks": removed_ticks,
                }
                draft.put_row(ISSUERS, entry_id, {**row, **left})
        detail = {"tenant": self.of_tenant, "entries": entries}
        return Applied(len(entries), "issuer.silence", detail, recorded=True)


def _row(draft: Draft) -> Row:
    """Return the row of the draft's tenant; raises NotFound where nobody added it."""
    row = draft.row(TENANTS, draft.tenant_id)
    if row is None:
        raise NotFound(f"The tenant {draft.tenant_id} does not exist; `stanchion tenant list` names them.")
    return row
