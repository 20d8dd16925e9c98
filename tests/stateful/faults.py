"""Faults put into the service on purpose, each of which the machine must come upon: `FAULTS` names them.

They are faults of one line, such as somebody makes in a hurry: a predicate forgotten, a check left out, a cache whose
key is too short.
"""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any

import msgspec

from stanchion.access import own_tokens
from stanchion.access.caller import Caller
from stanchion.access.permission import Need, require
from stanchion.ledger import commands, fold, imports
from stanchion.ledger.changes import Actor
from stanchion.ledger.draft import Draft
from stanchion.odata import delta
from stanchion.odata.batch import parse_batch
from stanchion.store import SQLiteStore
from stanchion.web import batch, graph, request_log, writing
from tests.stateful.estate import TENANTS

Store = SQLiteStore


def get_without_tenant() -> None:
    """An entity is looked for by its id alone."""
    get = Store.get

    async def got(self: Store, tenant_id: str, entity_set: Any, id: str) -> Any:
        own = await get(self, tenant_id, entity_set, id)
        others = [await get(self, each, entity_set, id) for each in TENANTS] if own is None else []
        return next((found for found in others if found is not None), own)

    put(Store, "get", got)


def list_without_tenant() -> None:
    """A list that is filtered is that of the first tenant, whoever asks."""
    page = Store.page

    async def paged(self: Store, tenant_id: str, query: Any, **more: Any) -> Any:
        asked = TENANTS[0] if query.filter is not None else tenant_id
        return await page(self, asked, query, **more)

    put(Store, "page", paged)


def count_without_tenant() -> None:
    """The number of entities is that of all tenants."""
    page, count = Store.page, Store.count

    async def paged(self: Store, tenant_id: str, query: Any, **more: Any) -> Any:
        found = await page(self, tenant_id, query, **more)
        if found.count is None:
            return found
        return _with(found, count=sum([await count(self, each, query) for each in TENANTS]))

    put(Store, "page", paged)


def list_from_short_cache() -> None:
    """A page is kept by its query, and given to whoever asks for the same."""
    page = Store.page

    async def paged(self: Store, tenant_id: str, query: Any, **more: Any) -> Any:
        key = repr((query.carried, query.entity_set.name, query.after, query.provider))
        kept = vars(self).setdefault("kept", {})
        if key not in kept:
            kept[key] = await page(self, tenant_id, query, **more)
        return kept[key]

    put(Store, "page", paged)


def changes_without_tenant() -> None:
    """The first round of changes is that of another tenant where that one has more."""
    changes = Store.delta

    async def changed(self: Store, tenant_id: str, query: Any, **more: Any) -> Any:
        return await changes(self, TENANTS[1] if query.place is None else tenant_id, query, **more)

    put(Store, "delta", changed)


def changes_without_deletions() -> None:
    """What was removed is not told."""
    changes = Store.delta

    async def changed(self: Store, tenant_id: str, query: Any, **more: Any) -> Any:
        return _with(await changes(self, tenant_id, query, **more), removed=())

    put(Store, "delta", changed)


def links_for_everybody() -> None:
    """A link to changes is bound to no tenant."""
    tag = delta.DeltaLinks._tag

    def tagged(self: delta.DeltaLinks, *arguments: Any) -> bytes:
        return tag(msgspec.structs.replace(self, tenant_id=""), *arguments)

    put(delta.DeltaLinks, "_tag", tagged)


def if_match_ignored() -> None:
    """A write goes through whatever version it was made for."""
    put(commands, "refuse_other_version", lambda *_: None)


def limit_ignored_in_lists() -> None:
    """A list shows an app all providers."""
    page = Store.page

    async def paged(self: Store, tenant_id: str, query: Any, **more: Any) -> Any:
        return await page(self, tenant_id, msgspec.structs.replace(query, provider=None), **more)

    put(Store, "page", paged)


def limit_ignored_in_reads() -> None:
    """An entity by its id is shown to an app of another provider."""
    put(Caller, "may_see", lambda *_: True)


def limit_ignored_in_writes() -> None:
    """An app decides about another provider's controls."""
    put(commands.Wish, "may_touch", lambda *_: True)


def revocation_ignored() -> None:
    """Tokens count also when they, or their app, are revoked."""
    put(own_tokens, "_check_revocation", lambda *_: None)


def expiry_ignored() -> None:
    """Tokens count for ever."""
    put(own_tokens, "_check_times", lambda *_, **__: None)


def readers_write() -> None:
    """Whoever may read may write."""
    put(graph, "require", lambda caller, _: require(caller, Need.READ))


def actor_of_before() -> None:
    """The history names whoever wrote before."""
    wish, last = writing.Writing._wish, list[Actor]()

    def wished(self: Any, caller: Caller) -> Any:
        last.append(caller.actor)
        return {**wish(self, caller), "actor": last[-2:][0]}

    put(writing.Writing, "_wish", wished)


def no_op_recorded() -> None:
    """A write that changes nothing is a change all the same."""
    made = fold.Applied

    @wraps(made)
    def applied(*arguments: Any, **more: Any) -> Any:
        return made(*arguments, **{"detail": {}, **more, "recorded": True} if len(arguments) == 2 else more)

    put(commands, "Applied", applied)


def decisions_left_behind() -> None:
    """A control that makes way for Microsoft's own loses what was decided about it."""
    put(Draft, "move_decisions", lambda *_, **__: None)


def past_overwritten() -> None:
    """An import writes over what was kept of a past day."""
    put(imports, "is_past_day", lambda *_, **__: False)


def order_of_batch_ignored() -> None:
    """Requests of a batch wait for nobody."""

    def parsed(data: bytes) -> Any:
        return tuple(msgspec.structs.replace(item, after=()) for item in parse_batch(data))

    put(batch, "parse_batch", parsed)


def bodies_logged() -> None:
    """The log tells what was answered."""
    add = request_log.RequestLog.add

    def added(self: Any, request: Any, reply: Any, **more: Any) -> None:
        logging.getLogger("stanchion.request").info("answered %s", reply.body)
        add(self, request, reply, **more)

    put(request_log.RequestLog, "add", added)


def tokens_logged() -> None:
    """The log tells who asked, by the token."""
    add = request_log.RequestLog.add

    def added(self: Any, request: Any, reply: Any, **more: Any) -> None:
        logging.getLogger("stanchion.request").info("asked by %s", request.authorization)
        add(self, request, reply, **more)

    put(request_log.RequestLog, "add", added)


def put(owner: object, name: str, value: object) -> None:
    """Put something in the place of what a module or a class has."""
    setattr(owner, name, value)


def _with(value: Any, **changes: Any) -> Any:
    """Return the same with some members changed."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)


FAULTS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {
        fault.__name__: fault
        for fault in (
            get_without_tenant,
            list_without_tenant,
            count_without_tenant,
            list_from_short_cache,
            changes_without_tenant,
            changes_without_deletions,
            links_for_everybody,
            if_match_ignored,
            limit_ignored_in_lists,
            limit_ignored_in_reads,
            limit_ignored_in_writes,
            revocation_ignored,
            expiry_ignored,
            readers_write,
            actor_of_before,
            no_op_recorded,
            decisions_left_behind,
            past_overwritten,
            order_of_batch_ignored,
            bodies_logged,
            tokens_logged,
        )
    }
)
