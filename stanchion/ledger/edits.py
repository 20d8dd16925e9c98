"""What POST and PATCH make of an entity, as values.

- PATCH merges: complex values merge, collections are replaced, open properties are kept, null sets null.
- A stored control always shows exactly one entry in `controlStateUpdates`, the decision that stands.
- The detail of a change holds what the write replaced: each property that differs, before and after.

Source: OData 4.01 Protocol, 11.4.3 "Update an Entity".
"""

from stanchion.errors import BadRequest
from stanchion.ledger.decisions import MICROSOFT, Standing, owner_of
from stanchion.model.check import complete, refuse_unusable_id, same_value
from stanchion.model.edm import CONTROL_PROFILES, EntitySet, StructuredType
from stanchion.model.instant import format_instant, parse_instant
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.wording import did_you_mean, shown


def merge(stored: JsonObject, patch: JsonObject, kind: StructuredType) -> JsonObject:
    """Return `stored` with the members of `patch` laid over it."""
    result = dict(stored)
    for name, value in patch.items():
        prop = kind.by_name.get(name)
        former = stored.get(name)
        if prop is not None and isinstance(prop.type, StructuredType) and isinstance(former, dict):
            result[name] = merge(former, value, prop.type) if isinstance(value, dict) else value
        else:
            result[name] = value
    return result


def differences(before: JsonObject, after: JsonObject, kind: StructuredType) -> tuple[JsonObject, JsonObject]:
    """Return the members of both that differ in meaning: numbers compare as numbers, times as instants."""
    names = [
        name
        for name in {**before, **after}
        if (name in before) != (name in after) or not same_property(name, before[name], after[name], kind)
    ]
    return (
        {name: before[name] for name in names if name in before},
        {name: after[name] for name in names if name in after},
    )


def same_property(name: str, a: JsonValue, b: JsonValue, kind: StructuredType) -> bool:
    """Say whether two values of a property mean the same; tenants compare without regard to case."""
    if name == "azureTenantId" and isinstance(a, str) and isinstance(b, str):
        return a.lower() == b.lower()
    prop = kind.by_name.get(name)
    return same_value(a, b, prop.type if prop is not None else None)


def filled(value: JsonObject, entity_set: EntitySet, *, tenant_id: str) -> JsonObject:
    """Return the entity as it is stored: every declared property there, the tenant named."""
    owned = value if value.get("azureTenantId") is not None else {**value, "azureTenantId": tenant_id}
    return complete(owned, entity_set)


def showing(profile: JsonObject, standing: Standing) -> JsonObject:
    """Return a control that shows the decision which stands, and no other."""
    return {**profile, "controlStateUpdates": [standing.shown()]}


def refuse_other_tenant(value: JsonObject, *, tenant_id: str) -> None:
    """Raise BadRequest where the entity names a tenant other than the one written to."""
    named = value.get("azureTenantId")
    if isinstance(named, str) and named.lower() != tenant_id:
        raise BadRequest(
            f"'azureTenantId' is {shown(named)}, but the tenant written to is '{tenant_id}'.",
            target="azureTenantId",
            denial="other_tenant",
        )


def refuse_other_id(value: JsonObject, *, key: str) -> None:
    """Raise BadRequest where the body names an id other than the one addressed."""
    named = value.get("id", key)
    if named != key:
        raise BadRequest(f"'id' is {shown(str(named))}, but the request addresses {shown(key)}.", target="id")


def refuse_read_only(echoed: JsonObject, *, present: JsonObject) -> None:
    """Raise BadRequest for a property of the entity sent with another value than it has, or unknown to it."""
    kind = CONTROL_PROFILES.type
    information = present.get("vendorInformation")
    product = information if isinstance(information, dict) else {}
    for name, value in echoed.items():
        if name not in kind.by_name and name not in present:
            hint = did_you_mean(name, ("assignedTo", "comment", "state", *kind.by_name))
            raise BadRequest(
                f"Could not find a property named {shown(name)} on type 'microsoft.graph.{kind.name}'.{hint}",
                target=name,
            )
        # Of the product, clients send as much as they know.
        sent = {**product, **value} if name == "vendorInformation" and isinstance(value, dict) else value
        if not same_property(name, sent, present.get(name), kind):
            raise BadRequest(
                f"{shown(name)} is read-only; assignedTo, comment and state can be changed. "
                "Leave it out, or send its present value.",
                target=name,
            )


def snapshot_id(value: JsonObject, *, tenant_id: str) -> str:
    """Return the id of a score that was sent without one: `{tenant}_{yyyy-MM-dd}` for Microsoft's own.

    Other providers' scores have `_{provider}` behind. Raises BadRequest without `createdDateTime`, and where that
    is no id, as with a long provider.
    """
    created = value.get("createdDateTime")
    if not isinstance(created, str):
        raise BadRequest("A score needs an 'id', or a 'createdDateTime' to make one of.", target="id")
    day = format_instant(parse_instant(created))[:10]
    provider = _provider(value.get("vendorInformation"))
    bare = not provider or MICROSOFT.matches(owner_of(value))
    made = f"{tenant_id}_{day}" if bare else f"{tenant_id}_{day}_{provider}"
    refuse_unusable_id(made, of="score", hint=" Send an 'id' of your own.")
    return made


def same_content(before: JsonObject, after: JsonObject, entity_set: EntitySet) -> bool:
    """Say whether two entities mean the same."""
    return before == after or differences(before, after, entity_set.type) == ({}, {})


def is_control(entity_set: EntitySet) -> bool:
    """Say whether the set's entities are controls, which carry decisions."""
    return entity_set is CONTROL_PROFILES


def _provider(information: JsonValue) -> JsonValue:
    return information.get("provider") if isinstance(information, dict) else None
