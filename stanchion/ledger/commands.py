"""The commands that write entities: decide about a control, create, merge, delete.

Each checks in the order that callers rely on: the entity is there (404), its owner (404), If-Match (412), the
body against the entity (400), conflict (409), and only then whether anything changes. A command that changes
nothing writes nothing, so the version, and with it the ETag, stays.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias, cast

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from stanchion.errors import Conflict, Forbidden, NotFound, PreconditionFailed
from stanchion.ledger.changes import Actor, Operator
from stanchion.ledger.control_bodies import ControlBody
from stanchion.ledger.controls import decision_time, merge_history, record, standing
from stanchion.ledger.decisions import (
    DecisionRequest,
    Standing,
    is_of_provider,
    owner_of,
    refuse_commands,
)
from stanchion.ledger.draft import Draft
from stanchion.ledger.edits import (
    differences,
    filled,
    is_control,
    merge,
    refuse_other_id,
    refuse_other_tenant,
    refuse_read_only,
    same_content,
    showing,
)
from stanchion.ledger.fold import Applied
from stanchion.ledger.placement import place, refuse_chosen_id, refuse_other_owner
from stanchion.ledger.working_set import EntityKey, Key, LatestDecisionKey, Stored
from stanchion.model.check import refuse_unusable_id
from stanchion.model.edm import CONTROL_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject
from stanchion.model.wording import shown

Versions: TypeAlias = frozenset[int] | Literal["any", "none"] | None
"""The versions that If-Match allows: "any" for `*`, None where the header was not sent.

"none" is `If-None-Match: *`, which asks for the entity not to exist.
"""


class Outcome(msgspec.Struct, frozen=True):
    """An entity as after the command that is answered."""

    stored: Stored
    created: bool = False
    changed: bool = True


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Who wishes a write, in which tenant, under which id.

    With `only_provider` the entities of all other providers are as if absent.
    """

    tenant_id: str
    command_id: str
    actor: Actor | Operator
    only_provider: str | None = None

    def existing(self, draft: Draft, entity_set: EntitySet, entity_id: str) -> Stored:
        """Return an entity; raises NotFound where it is not there, or of a provider not to be touched."""
        stored = draft.get(entity_set, entity_id)
        if stored is None or not self.may_touch(stored):
            raise not_found(entity_set, entity_id, hidden=stored is not None)
        return stored

    def may_touch(self, stored: Stored) -> bool:
        """Say whether the entity is of a provider that the wish may touch."""
        return self.only_provider is None or is_of_provider(stored.value, self.only_provider)


class DecideControl(Wish, frozen=True, kw_only=True):
    """Record a decision about a control (PATCH of a secureScoreControlProfile)."""

    control_id: str
    request: DecisionRequest
    if_match: Versions = None

    def reads(self) -> Iterable[Key]:
        """Name the control and the decision that stands."""
        return EntityKey(CONTROL_PROFILES.name, self.control_id), LatestDecisionKey(self.control_id)

    def apply(self, draft: Draft) -> Applied[Outcome]:
        """Write the decision; the answer is the control as after it."""
        stored = self.existing(draft, CONTROL_PROFILES, self.control_id)
        body = ControlBody(stored)
        refuse_other_owner(stored, self.request.owner, holder=body.owner)
        refuse_other_version(stored, self.if_match)
        if self.request.echoed:
            refuse_read_only(self.request.echoed, present=stored.value)
        former = standing(draft, self.control_id)
        decision = self._decision(former)
        if decision == former:
            return Applied(Outcome(stored, changed=False), "control.decide")
        decision = replace(decision, updated_by=self.actor.name, updated=decision_time(draft, former))
        record(draft, self.control_id, decision, owner=body.owner)
        after = draft.amend(CONTROL_PROFILES, stored.id, body.showing(decision))
        detail = {"control": self.control_id, "before": former, "after": decision}
        return Applied(Outcome(after), "control.decide", detail)

    def _decision(self, former: Standing) -> Standing:
        request = self.request
        decision = replace(
            former,
            assigned_to=former.assigned_to if request.assigned_to is UNSET else request.assigned_to,
            comment=former.comment if request.comment is UNSET else request.comment,
        )
        # An equal state leaves what lies behind it alone: some clients send "default" at every run.
        if request.status is UNSET or request.status.state == former.status.state:
            return decision
        return replace(decision, status=request.status, approver=None, expires=None)


class CreateEntity(Wish, frozen=True, kw_only=True):
    """Add an entity (POST). An id that exists with the same content is no error; with other content it is."""

    entity_set: EntitySet
    value: JsonObject  # checked, with its id

    def reads(self) -> Iterable[Key]:
        """Name the entity."""
        return entity_reads(self.entity_set, cast("str", self.value["id"]))

    def apply(self, draft: Draft) -> Applied[Outcome]:
        """Write the entity; the answer says whether it is new."""
        entity_id = cast("str", self.value["id"])
        if is_control(self.entity_set) and draft.get(self.entity_set, entity_id) is None:
            refuse_chosen_id(entity_id)
        after = settled(draft, self.entity_set, self.value)
        entity_id = cast("str", after["id"])
        stored = draft.get(self.entity_set, entity_id)
        detail: JsonObject = {"set": self.entity_set.name, "id": entity_id}
        if stored is None:
            created = draft.put(self.entity_set, after)
            return Applied(Outcome(created, created=True), "entity.create", detail)
        if not self.may_touch(stored):
            # What stands under the id is not to be told, be it equal or not.
            raise Forbidden(
                f"An app limited to provider '{self.only_provider}' may not use the id {shown(entity_id)}.",
                target="id",
            )
        # Decisions that the history lacks were written to the draft: they are other content too.
        if draft.writes or not same_content(stored.value, after, self.entity_set):
            raise Conflict(
                f"{shown(entity_id)} exists in {self.entity_set.name} with other content.", target="id"
            )
        return Applied(Outcome(stored, changed=False), "entity.create", detail)


class MergeEntity(Wish, frozen=True, kw_only=True):
    """Change properties of a score or a user (PATCH)."""

    entity_set: EntitySet
    entity_id: str
    patch: JsonObject  # checked
    if_match: Versions = None

    def reads(self) -> Iterable[Key]:
        """Name the entity."""
        return (EntityKey(self.entity_set.name, self.entity_id),)

    def apply(self, draft: Draft) -> Applied[Outcome]:
        """Merge the properties; the answer is the entity as after it."""
        stored = self.existing(draft, self.entity_set, self.entity_id)
        refuse_other_version(stored, self.if_match)
        refuse_other_id(self.patch, key=self.entity_id)
        refuse_other_tenant(self.patch, tenant_id=self.tenant_id)
        merged = merge(stored.value, {**self.patch, "id": self.entity_id}, self.entity_set.type)
        merged["azureTenantId"] = stored.value["azureTenantId"]
        before, after = differences(stored.value, merged, self.entity_set.type)
        if not before and not after:
            return Applied(Outcome(stored, changed=False), "entity.update")
        written = draft.put(self.entity_set, merged)
        detail: JsonObject = {"set": self.entity_set.name, "id": self.entity_id}
        return Applied(Outcome(written), "entity.update", {**detail, "before": before, "after": after})


class DeleteEntity(Wish, frozen=True, kw_only=True):
    """Remove an entity (DELETE); its former value stays in the change, a control's decisions in the history."""

    entity_set: EntitySet
    entity_id: str
    if_match: Versions = None

    def reads(self) -> Iterable[Key]:
        """Name the entity."""
        return (EntityKey(self.entity_set.name, self.entity_id),)

    def apply(self, draft: Draft) -> Applied[None]:
        """Delete the entity."""
        stored = self.existing(draft, self.entity_set, self.entity_id)
        refuse_other_version(stored, self.if_match)
        draft.delete(self.entity_set, self.entity_id)
        detail: JsonObject = {"set": self.entity_set.name, "id": self.entity_id, "before": stored.value}
        return Applied(None, "entity.delete", detail)


def settled(draft: Draft, entity_set: EntitySet, value: JsonObject) -> JsonObject:
    """Return an entity as it will be stored: filled and, for a control, placed and with its decision."""
    after = filled(value, entity_set, tenant_id=draft.tenant_id)
    if not is_control(entity_set):
        return after
    refuse_commands(after)
    owner = owner_of(after)
    control_id = place(draft, cast("str", after["id"]), owner)
    refuse_unusable_id(control_id, of="control")
    merge_history(draft, control_id, cast("list[JsonObject]", after["controlStateUpdates"]), owner=owner)
    return showing({**after, "id": control_id}, standing(draft, control_id))


def entity_reads(entity_set: EntitySet, entity_id: str) -> tuple[Key, ...]:
    """Name what writing an entity whole reads."""
    key = EntityKey(entity_set.name, entity_id)
    return (key, LatestDecisionKey(entity_id)) if is_control(entity_set) else (key,)


def not_found(entity_set: EntitySet, entity_id: str, *, hidden: bool) -> NotFound:
    """Return the refusal of an entity that is not there, in Graph's words; who may not see it is told the same."""
    return NotFound(
        f"Resource {shown(entity_id)} does not exist in {entity_set.name} of this tenant.",
        target="id",
        denial="other_provider" if hidden else None,
    )


def refuse_other_version(stored: Stored, if_match: Versions) -> None:
    """Raise PreconditionFailed where If-Match does not allow the present version."""
    if if_match == "none":
        raise PreconditionFailed(
            f"If-None-Match: * asks for the entity not to exist, and {shown(stored.id)} does.",
            target="If-None-Match",
        )
    if if_match is None or if_match == "any" or stored.version in if_match:
        return
    raise PreconditionFailed(
        f"If-Match does not hold: {shown(stored.id)} was changed meanwhile. Read it again for its present ETag.",
        target="If-Match",
    )
