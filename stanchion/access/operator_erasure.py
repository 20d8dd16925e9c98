"""What an operator does to erase a tenant: it is closed, all of it goes portion by portion, and a change says so.

Stopped at any moment, the same again goes on from there; so does another process at the same time.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stanchion.access.operator import new_id
from stanchion.access.tenant_erasure import CloseTenant, EndErasure, SilenceIssuers
from stanchion.access.tenants import parse_tenant_id
from stanchion.errors import NotFound
from stanchion.ledger.changes import Operator
from stanchion.store import OperatedStore
from stanchion.store.erasure import (
    TABLES,
    Place,
    count_rows,
    erased_changes,
    forget_told,
    forget_trust,
    take_away,
)
from stanchion.store.lock import serving_process
from stanchion.store.pace import Pace
from stanchion.store.reading import ChainEnd, read_end
from stanchion.store.scrubbing import Scrubbed, scrub
from stanchion.store.session import Connection

Advance: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

# A server knows within a second that a tenant is closed, and answers what it had begun; nobody is to be shown half of
# one.
_NOTICE_SECONDS = 2.0


@dataclass(frozen=True)
class Erasable:
    """What an erasure would take away, by table; since when the tenant is closed, and whether all has gone."""

    tenant_id: str
    rows: dict[str, int]
    closed_ticks: int | None
    ended: bool


@dataclass(frozen=True)
class ErasedTenant:
    """A tenant that is erased: since when it is closed, what went in this run, and what became of the file."""

    tenant_id: str
    closed_ticks: int
    rows: dict[str, int]
    head: str
    scrubbed: Scrubbed | None  # None: PostgreSQL


def erasable(store: OperatedStore, tenant: str) -> Erasable:
    """Return what there is of a tenant; raises BadRequest or NotFound where there can be nothing."""
    tenant_id = parse_tenant_id(tenant)
    with store.reading() as connection:
        end = _end(connection, tenant_id)
        return Erasable(tenant_id, count_rows(connection, tenant_id), end.erased_ticks, ended=_ended(end))


def erase_tenant(
    store: OperatedStore,
    tenant: str,
    *,
    actor: Operator,
    advance: Advance = lambda _what, _done, _all: None,
    pause: Callable[[float], object] = time.sleep,
) -> ErasedTenant:
    """Erase a tenant, or end its erasure; raises NotFound for one that nobody added, OperatorError."""
    tenant_id = parse_tenant_id(tenant)
    closed_ticks = store.run(CloseTenant(tenant_id=tenant_id, actor=actor, command_id=new_id()))
    with store.reading() as connection:
        ended = _ended(_end(connection, tenant_id))
        before = count_rows(connection, tenant_id)
    rows: Counter[str] = Counter()
    if not ended:
        if store.path is None or serving_process(store.path) is not None:
            pause(_NOTICE_SECONDS)
        store.run(SilenceIssuers(of_tenant=tenant_id, actor=actor, command_id=new_id()))
        rows["clients"] = store.transact(
            lambda connection: forget_trust(connection, tenant_id, closed_ticks=closed_ticks)
        )
        store.transact(lambda connection: forget_told(connection, tenant_id))
        rows += _take_all(
            store, tenant_id, closed_ticks=closed_ticks, before=before, advance=advance, pause=pause
        )
        _end_erasure(store, tenant_id, actor=actor)
    with store.reading() as connection:
        head = _end(connection, tenant_id).head
    scrubbed = scrub(store.path) if store.path is not None else None
    return ErasedTenant(tenant_id, closed_ticks, dict(rows), f"{head.sequence}:{head.hash.hex()}", scrubbed)


def _take_all(
    store: OperatedStore,
    tenant_id: str,
    *,
    closed_ticks: int,
    before: dict[str, int],
    advance: Advance,
    pause: Callable[[float], object],
) -> Counter[str]:
    """Take away all rows, some at a time; return how many went, by table."""
    pace, place, taken = Pace(pause=pause), Place(), Counter[str]()
    while place.tables:
        table, rows, start = place.tables[0].name, pace.rows, place

        def portion(connection: Connection, *, rows: int = rows, start: Place = start) -> tuple[int, Place]:
            pace.begin()
            return take_away(connection, start, tenant_id=tenant_id, closed_ticks=closed_ticks, rows=rows)

        count, place = store.transact(portion)
        taken[table] += count
        if count:
            pace.end()
        advance("erasing", sum(taken.values()), sum(before[each.name] for each in TABLES))
    return taken


def _end_erasure(store: OperatedStore, tenant_id: str, *, actor: Operator) -> None:
    with store.reading() as connection:
        # Somebody who erases it too may have ended it.
        if _ended(_end(connection, tenant_id)):
            return
        erased = erased_changes(connection, tenant_id)
    store.run(EndErasure(tenant_id=tenant_id, erased=erased, actor=actor, command_id=new_id()))


def _end(connection: Connection, tenant_id: str) -> ChainEnd:
    end = read_end(connection, tenant_id=tenant_id)
    if end is None:
        raise NotFound(f"The tenant {tenant_id} does not exist; `stanchion tenant list` names them.")
    return end


def _ended(end: ChainEnd) -> bool:
    return end.erased_ticks is not None and end.erased_sequence == end.head.sequence
