"""POST, PATCH and DELETE on the Graph roots: a request becomes a command, its outcome a reply.

- PATCH of a control answers 204, or 200 with the control under `Prefer: return=representation`.
- POST answers 201, or 200 for what exists already, PATCH of a score or user 200, each with the entity;
  under `return=minimal` 204, after a POST with `OData-EntityId`.
- `$select` cuts the entity answered (OData 4.01 Protocol 11.4.1.3).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypedDict, TypeVar, cast
from uuid import uuid4

import msgspec

from stanchion.access.caller import Caller
from stanchion.errors import BadRequest, NotFound
from stanchion.ledger.changes import Actor
from stanchion.ledger.commands import (
    CreateEntity,
    DecideControl,
    DeleteEntity,
    MergeEntity,
    Outcome,
    Versions,
)
from stanchion.ledger.decisions import DecisionRequest, owner_of, parse_request
from stanchion.ledger.edits import filled, refuse_other_tenant, snapshot_id
from stanchion.ledger.plain_requests import parse_plain
from stanchion.model.check import check_entity, check_whole
from stanchion.model.edm import SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject, parse_object
from stanchion.odata.etags import etag, named_versions
from stanchion.odata.options import parse_item_options
from stanchion.odata.preferences import Preferences, parse_preferences
from stanchion.odata.resources import EntityResource, SetResource
from stanchion.odata.style import Style
from stanchion.odata.url import entity_address
from stanchion.settings import Settings
from stanchion.store import Store
from stanchion.web.call import Call
from stanchion.web.exchange import Reply, Request
from stanchion.web.replies import entity_reply
from stanchion.web.request_ids import request_ids

# Reading this much takes about a millisecond; what is longer is read beside the event loop.
MAX_INLINE_BYTES = 64 * 1024

T = TypeVar("T")


class _Wish(TypedDict):
    tenant_id: str
    command_id: str
    actor: Actor
    only_provider: str | None


class Writing:
    """Answers what may change something."""

    def __init__(self, store: Store, *, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        # Ids that count on grow the index on them at its end; random ones would touch a page of it each.
        self._command_ids = request_ids()

    async def decide(self, resource: EntityResource, call: Call) -> Reply:
        """Record a decision about a control."""
        select = parse_item_options(call.request.query)
        decision = await self._decision(resource, call.request)
        outcome = await self._store.submit(
            DecideControl(
                **self._wish(call.caller),
                control_id=resource.key,
                request=decision,
                if_match=self._if_match(call.request),
            )
        )
        preferences = parse_preferences(call.request.headers.get("prefer"))
        status = 200 if preferences.returned == "representation" else 204
        answer = _Answer(status, preferences, select, call.style)
        return self._outcome(outcome, resource, call.origin, answer=answer)

    async def create(self, resource: SetResource, call: Call) -> Reply:
        """Add an entity."""
        select = parse_item_options(call.request.query)
        value = await self._read(
            call.request, lambda body: _identified(body, resource.entity_set, call.caller)
        )
        call.caller.require_own_provider(value)
        outcome = await self._store.submit(
            CreateEntity(
                **self._wish(call.caller),
                entity_set=resource.entity_set,
                value=value,
            )
        )
        preferences = parse_preferences(call.request.headers.get("prefer"))
        status = 204 if preferences.returned == "minimal" else 201 if outcome.created else 200
        answer = _Answer(status, preferences, select, call.style)
        reply = self._outcome(outcome, resource, call.origin, answer=answer)
        address = entity_address(call.origin, resource.root, resource.entity_set, key=outcome.stored.id)
        reply.headers["Location"] = address
        if status == 204:  # noqa: PLR2004 (No Content)
            reply.headers["OData-EntityId"] = address
        return reply

    async def merge(self, resource: EntityResource, call: Call) -> Reply:
        """Change properties of the score or user that the path names."""
        return await self._merge(resource, resource.key, await self._patch(resource, call), call)

    async def merge_named_in_body(self, resource: SetResource, call: Call) -> Reply:
        """Change properties of the score that the body names: by its id, else the newest of its provider."""
        patch = await self._patch(resource, call)
        if "id" in patch:
            return await self._merge(resource, cast("str", patch["id"]), patch, call)
        key = await self._newest_score(patch, call.caller)
        return await self._merge(resource, key, _without_locator(patch), call)

    async def delete(self, resource: EntityResource, call: Call) -> Reply:
        """Remove an entity."""
        parse_item_options(call.request.query)
        await self._store.submit(
            DeleteEntity(
                **self._wish(call.caller),
                entity_set=resource.entity_set,
                entity_id=resource.key,
                if_match=self._if_match(call.request),
            )
        )
        return Reply(204)

    async def _merge(
        self,
        resource: SetResource | EntityResource,
        key: str,
        patch: JsonObject,
        call: Call,
    ) -> Reply:
        outcome = await self._store.submit(
            MergeEntity(
                **self._wish(call.caller),
                entity_set=resource.entity_set,
                entity_id=key,
                patch=patch,
                if_match=self._if_match(call.request),
            )
        )
        preferences = parse_preferences(call.request.headers.get("prefer"))
        status = 204 if preferences.returned == "minimal" else 200
        answer = _Answer(status, preferences, parse_item_options(call.request.query), call.style)
        return self._outcome(outcome, resource, call.origin, answer=answer)

    def _outcome(
        self,
        outcome: Outcome,
        resource: SetResource | EntityResource,
        origin: str,
        *,
        answer: "_Answer",
    ) -> Reply:
        if answer.status == 204:  # noqa: PLR2004 (No Content)
            reply = Reply(204, headers={"ETag": etag(self._store.epoch, outcome.stored.version)})
        else:
            reply = entity_reply(
                outcome.stored,
                entity_set=resource.entity_set,
                root=resource.root,
                origin=origin,
                epoch=self._store.epoch,
                select=answer.select,
                style=answer.style,
            )
            reply.status = answer.status
        if answer.preferences.applied is not None:
            reply.headers["Preference-Applied"] = answer.preferences.applied
        return reply

    async def _patch(self, resource: SetResource | EntityResource, call: Call) -> JsonObject:
        # Options that are not allowed are refused before a byte of the body is read.
        parse_item_options(call.request.query)
        patch = await self._read(
            call.request, lambda body: check_entity(body, resource.entity_set, whole=False)
        )
        call.caller.require_own_provider_if_named(patch)
        return patch

    async def _decision(self, resource: EntityResource, request: Request) -> DecisionRequest:
        body = await self._body(request)
        plain = parse_plain(body, root=resource.root) if len(body) <= MAX_INLINE_BYTES else None
        if plain is not None:
            return plain
        return await _parsed(body, lambda value: parse_request(value, root=resource.root))

    async def _read(self, request: Request, read: Callable[[JsonObject], T]) -> T:
        """Return what `read` makes of the object in the body."""
        return await _parsed(await self._body(request), read)

    def _body(self, request: Request) -> Awaitable[bytes]:
        return request.body(
            max_bytes=self._settings.max_body_bytes,
            timeout_seconds=self._settings.request_timeout_seconds,
        )

    async def _newest_score(self, patch: JsonObject, caller: Caller) -> str:
        owner = owner_of(patch)
        if owner is None:
            raise BadRequest(
                "The body must name the score: by 'id', or by 'vendorInformation' with vendor and provider for "
                "the newest score of that product.",
                target="id",
            )
        newest = await self._store.newest_score_id(
            caller.tenant_id, vendor=owner.vendor, provider=owner.provider
        )
        if newest is None:
            raise NotFound(f"There is no score of {owner} in this tenant.", target="vendorInformation")
        return newest

    def _wish(self, caller: Caller) -> _Wish:
        return {
            "tenant_id": caller.tenant_id,
            "command_id": next(self._command_ids),
            "actor": caller.actor,
            "only_provider": caller.provider,
        }

    def _if_match(self, request: Request) -> Versions:
        if request.headers.get("if-none-match", "").strip() == "*":
            return "none"
        header = request.headers.get("if-match")
        return None if header is None else named_versions(header, self._store.epoch)


class _Answer(msgspec.Struct, frozen=True):
    """How an outcome is told."""

    status: int
    preferences: Preferences
    select: tuple[str, ...] | None
    style: Style


async def _parsed(body: bytes, read: Callable[[JsonObject], T]) -> T:
    if len(body) <= MAX_INLINE_BYTES:
        return read(parse_object(body))
    return await asyncio.to_thread(lambda: read(parse_object(body)))


def _without_locator(patch: JsonObject) -> JsonObject:
    """Return the patch without the product's names: they told which score, in any case of their letters."""
    information = cast("JsonObject", patch["vendorInformation"])
    details = {name: value for name, value in information.items() if name not in {"vendor", "provider"}}
    return {**patch, "vendorInformation": details}


def _identified(body: JsonObject, entity_set: EntitySet, caller: Caller) -> JsonObject:
    """Return a new entity checked, with the tenant and an id; raises BadRequest where it needs one."""
    part = check_entity(body, entity_set, whole=False)
    refuse_other_tenant(part, tenant_id=caller.tenant_id)
    if "id" not in part:
        if entity_set is SECURE_SCORES:
            part = {"id": snapshot_id(part, tenant_id=caller.tenant_id), **part}
        elif entity_set is USER_PROFILES:
            part = {"id": str(uuid4()), **part}
        else:
            raise BadRequest("A control needs an 'id'.", target="id")
    whole = filled(part, entity_set, tenant_id=caller.tenant_id)
    check_whole(whole, entity_set)
    return whole
