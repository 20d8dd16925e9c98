"""Bringing a tenant's entity under another tenant's id.

`azureTenantId` and the `{tenant}_` prefix of the id change, and nothing else: links and texts that name the tenant
stay as they came.
"""

from stanchion.model.json_text import JsonObject


def retargeted(value: JsonObject, *, tenant_id: str) -> JsonObject:
    """Return the entity as one of `tenant_id`; one that is so already, or names no tenant, as it is."""
    named = value.get("azureTenantId")
    if not isinstance(named, str) or named.lower() == tenant_id:
        return value
    entity_id, prefix = value.get("id"), f"{named}_"
    if isinstance(entity_id, str) and entity_id[: len(prefix)].lower() == prefix.lower():
        value = {**value, "id": f"{tenant_id}_{entity_id[len(prefix) :]}"}
    return {**value, "azureTenantId": tenant_id}
