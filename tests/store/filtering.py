"""Asking a store with a filter."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

import msgspec

from stanchion.model.edm import EntitySet
from stanchion.odata.filter import parse_filter
from stanchion.odata.query import IdKey, ListQuery
from stanchion.store import Page
from tests.databases import AnyStore
from tests.store.commands import TENANT
from tests.store.filter_author import NOW
from tests.store.filter_meaning import ticks

PLENTY = 10**9

Run: TypeAlias = Callable[[Coroutine[Any, Any, Page]], Page]


def asked(
    entity_set: EntitySet, text: str, aliases: Mapping[str, str] | None = None, *, top: int = 999
) -> ListQuery:
    """Return the query of a filter, by id, at a fixed time."""
    found = parse_filter(text, entity_set, aliases=aliases or {})
    return ListQuery(entity_set, "beta", (IdKey(),), top=top, filter=found, now_ticks=ticks(NOW) or 0)


def ids_of(*pages: Page) -> list[str]:
    """Return the ids of the entities of pages."""
    runs = [run for found in pages for run in found.runs]
    return [body["id"] for body in msgspec.json.decode(b"[%b]" % b",".join(runs))]


def ids_found(store: AnyStore, query: ListQuery, *, run: Run = asyncio.run) -> list[str]:
    """Return the ids that a store finds, asked on the event loop that `run` has."""
    return ids_of(run(store.page(TENANT, query, max_bytes=PLENTY)))
