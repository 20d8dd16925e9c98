"""Commands for trying the store: each does what its function says."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from stanchion.ledger.changes import Operator
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.ledger.working_set import EntityKey, Key, RowKey, Stored
from stanchion.model.edm import CONTROL_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue

T = TypeVar("T")

TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"


@dataclass(frozen=True)
class Do(Generic[T]):
    """Run a function on the draft."""

    action: Callable[[Draft], T]
    tenant_id: str = TENANT
    keys: tuple[Key, ...] = ()
    operation: str = "test"
    detail: JsonValue = None
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    actor: Operator = field(default_factory=lambda: Operator("tester"))
    movable: bool = False

    def reads(self) -> Iterable[Key]:
        return self.keys

    def apply(self, draft: Draft) -> Applied[T]:
        return Applied(self.action(draft), self.operation, self.detail, movable=self.movable)


def add_tenant(tenant_id: str = TENANT, name: str = "Alder Quay") -> Do[None]:
    def action(draft: Draft) -> None:
        draft.creates_tenant = True
        draft.put_row("tenants", tenant_id, {"name": name, "created_ticks": draft.now_ticks})

    return Do(action, tenant_id, (RowKey("tenants", tenant_id),), "addTenant")


def put(
    value: JsonObject, entity_set: EntitySet = CONTROL_PROFILES, *, tenant_id: str = TENANT
) -> Do[Stored]:
    key = EntityKey(entity_set.name, str(value["id"]))
    return Do(lambda draft: draft.put(entity_set, value), tenant_id, (key,), "put", {"after": value})


def put_all(values: list[JsonObject], entity_set: EntitySet, *, tenant_id: str = TENANT) -> Do[None]:
    def action(draft: Draft) -> None:
        for value in values:
            draft.put(entity_set, value)

    return Do(action, tenant_id, (), "putAll")


def delete(id: str, entity_set: EntitySet = CONTROL_PROFILES, *, tenant_id: str = TENANT) -> Do[None]:
    return Do(lambda draft: draft.delete(entity_set, id), tenant_id, (), "delete")


def increment(id: str, *, tenant_id: str = TENANT) -> Do[int]:
    """Add one to a control's rank, and answer with the new one."""

    def action(draft: Draft) -> int:
        stored = draft.get(CONTROL_PROFILES, id)
        rank = stored.value["rank"] if stored is not None else 0
        assert isinstance(rank, int)
        draft.put(CONTROL_PROFILES, control(id, rank=rank + 1))
        return rank + 1

    return Do(action, tenant_id)


def control(id: str, **members: JsonValue) -> JsonObject:
    vendor: JsonObject = {"provider": "SecureScore", "vendor": "Microsoft"}
    return {
        "id": id,
        "azureTenantId": TENANT,
        "title": f"Title of {id}",
        "vendorInformation": vendor,
        **members,
    }


def score(
    id: str, created: str | None, provider: str = "SecureScore", vendor: str = "Microsoft"
) -> JsonObject:
    information: JsonObject = {"provider": provider, "vendor": vendor}
    return {
        "id": id,
        "azureTenantId": TENANT,
        "createdDateTime": created,
        "currentScore": 12,
        "vendorInformation": information,
    }


def decision(id: str, control_id: str, updated: str | None = None) -> JsonObject:
    return {"id": id, "controlId": control_id, "status": "reviewed", "updatedDateTime": updated}
