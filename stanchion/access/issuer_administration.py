"""Administration of issuers as commands, recorded in the store's own chain: they belong to no one tenant.

An entry is never altered, so that a token is judged by what was written when its entry was added.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from stanchion.access.administration import TENANTS
from stanchion.access.issuer_entry import IssuerEntry, entry_of, entry_row
from stanchion.errors import Conflict, NotFound
from stanchion.ledger.changes import Operator
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.ledger.working_set import Key, RowKey, TableKey
from stanchion.model.json_text import JsonObject
from stanchion.store import STORE_CHAIN

ISSUERS = "issuers"


@dataclass(frozen=True, kw_only=True)
class AddIssuer:
    """Trust an issuer for some tenants, all of them there and none with this issuer already."""

    entry: IssuerEntry
    actor: Operator
    command_id: str
    tenant_id: ClassVar[str] = STORE_CHAIN

    def reads(self) -> Iterable[Key]:
        """Name its tenants, and all issuers."""
        return (TableKey(ISSUERS), *(RowKey(TENANTS, tenant_id) for tenant_id in self.entry.tenant_ids))

    def apply(self, draft: Draft) -> Applied[IssuerEntry]:
        """Write the entry and return it."""
        entry = replace(self.entry, created_ticks=draft.now_ticks)
        for tenant_id in entry.tenant_ids:
            row = draft.row(TENANTS, tenant_id)
            if row is None or row["erased_ticks"] is not None:
                raise NotFound(
                    f"There is no tenant {tenant_id}; `stanchion tenant add` adds it.", target="tenant"
                )
        _require_free(draft, entry)
        draft.put_row(ISSUERS, entry.entry_id, entry_row(entry))
        return Applied(entry, "issuer.add", _described(entry))


@dataclass(frozen=True, kw_only=True)
class RemoveIssuer:
    """Trust an issuer no more; an entry that is removed already stays as it is."""

    entry_id: str
    actor: Operator
    command_id: str
    tenant_id: ClassVar[str] = STORE_CHAIN

    def reads(self) -> Iterable[Key]:
        """Name the entry's row."""
        return (RowKey(ISSUERS, self.entry_id),)

    def apply(self, draft: Draft) -> Applied[IssuerEntry]:
        """Mark the entry as removed and return it."""
        row = draft.row(ISSUERS, self.entry_id)
        if row is None:
            raise NotFound(f"There is no issuer {self.entry_id}.", target="issuer")
        entry = entry_of(row)
        if not entry.removed:
            entry = replace(entry, removed_ticks=draft.now_ticks)
            draft.put_row(ISSUERS, entry.entry_id, entry_row(entry))
        return Applied(entry, "issuer.remove", _described(entry))


def _require_free(draft: Draft, entry: IssuerEntry) -> None:
    """Raise Conflict where a live entry speaks for one of the tenants under the same `iss`."""
    for row in draft.rows_of(ISSUERS).values():
        other = entry_of(row)
        if other.removed:
            continue
        for tenant_id in set(entry.tenant_ids).intersection(other.tenant_ids):
            if not entry.issuers(tenant_id).keys().isdisjoint(other.issuers(tenant_id)):
                raise Conflict(
                    f"The issuer {other.issuer} speaks for the tenant {tenant_id} already; "
                    f"`stanchion issuer remove {other.entry_id}` makes room.",
                    target="issuer",
                )


def _described(entry: IssuerEntry) -> JsonObject:
    return {
        "id": entry.entry_id,
        "issuer": entry.issuer,
        "audiences": list(entry.audiences),
        "tenants": list(entry.tenant_ids),
        "fleetHome": entry.fleet_home,
        "keysUrl": entry.keys_url,
    }
