"""A store copied from one database to another: tenant by tenant, compared row by row, resumed where it was stopped.

- A copy is a move: it stays the same store, with its id, epoch, keys and links, and its clients notice nothing. So it
  is in one place at a time (`handover`).
- While the source is served its tenants can be copied ahead; the last step needs it at rest, and brings what came
  since.
- Each tenant is one transaction at the target. One that is there is gone on with from its head, if that is in the
  chain of the source; one that is found to differ is copied anew, once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stanchion.errors import OperatorError
from stanchion.store.purpose import mark
from stanchion.store.rows import read_meta
from stanchion.store.session import Connection
from stanchion.store.transfer.comparing import require_same_own, require_same_tenant
from stanchion.store.transfer.copying import (
    Advance,
    TenantHead,
    clear_tenant,
    continues,
    copy_tenant,
    own_rows,
    tenant_heads,
)
from stanchion.store.transfer.handover import (
    End,
    begin,
    in_transaction,
    is_handed_over,
    leave,
    store_id,
    take_over,
)
from stanchion.store.transfer.holdings import Held, Holdings, verified, verified_holdings


@dataclass(frozen=True)
class Copied:
    """What a copy came to: whether the target is the store now, and which tenants were written to meanwhile."""

    source: str
    target: str
    holdings: Holdings
    written: int  # tenants of which something was written; the others were there
    compared: int  # rows
    finished: bool
    moved_on: tuple[str, ...] = ()


def copy_store(
    source: End,
    target: End,
    *,
    writing: Connection | None,
    advance: Advance,
    require_rest: Callable[[], None] = lambda: None,
) -> Copied:
    """Copy a store; with `writing`, by which the source is written, the target becomes the store.

    Raises OperatorError for a source that is none, a target of other content, copies that differ, and what
    `require_rest` raises where a server has come to use the source meanwhile: none can from its mark on.
    """
    if is_handed_over(source, target):
        with target.connection.snapshot():
            holdings = verified_holdings(target.connection, advance=advance)
        return Copied(source.name, target.name, holdings, 0, 0, finished=True)
    with source.connection.snapshot():
        begin(source, target)
        heads = tenant_heads(source.connection)
        written = _bring_all(source.connection, target.connection, heads, advance=advance)
        held, compared = _prove_all(source.connection, target.connection, heads, advance=advance)
        own = own_rows(source.connection)
        holdings = Holdings(store_id(source), read_meta(source.connection, "epoch") or "", held)
    if writing is None:
        with source.connection.snapshot():
            moved_on = _moved_on(heads, tenant_heads(source.connection))
        return Copied(
            source.name, target.name, holdings, written, compared, finished=False, moved_on=moved_on
        )
    leave(source, writing, heads, own, for_=target)
    try:
        require_rest()
    except OperatorError:
        in_transaction(writing, lambda connection: mark(connection, None))
        raise
    take_over(source, target, own)
    with source.connection.snapshot(), target.connection.snapshot():
        compared += require_same_own(source.connection, target.connection)
        own_chain = verified(target.connection, tenant_heads(target.connection)[0])
    holdings = Holdings(holdings.store_id, holdings.epoch, (own_chain, *held[1:]))
    return Copied(source.name, target.name, holdings, written, compared, finished=True)


def _bring_all(
    source: Connection, target: Connection, heads: Sequence[TenantHead], *, advance: Advance
) -> int:
    """Bring every tenant along; return of how many something had to be written."""
    there = {each.tenant_id: each for each in tenant_heads(target)}
    written = 0
    for done, tenant in enumerate(heads):
        advance(f"copying {tenant.tenant_id}", done, len(heads))
        known = there.pop(tenant.tenant_id, None)
        if known != tenant:
            _bring(source, target, tenant, since=_since(source, known, tenant))
            written += 1
    for tenant_id in there:  # Of a copy of an earlier state of the source.
        in_transaction(target, lambda connection, gone=tenant_id: clear_tenant(connection, gone))  # type: ignore[misc]
    return written


def _since(source: Connection, known: TenantHead | None, tenant: TenantHead) -> int | None:
    """Return the change from which the target goes on, None where the tenant is copied anew."""
    if known is None or tenant.was_erased_since(known.sequence) or not continues(source, known):
        return None
    return known.sequence


def _bring(source: Connection, target: Connection, tenant: TenantHead, *, since: int | None) -> None:
    def write(connection: Connection) -> None:
        if since is None:
            clear_tenant(connection, tenant.tenant_id)
        copy_tenant(source, connection, tenant, since=since or 0)

    in_transaction(target, write)


def _prove_all(
    source: Connection, target: Connection, heads: Sequence[TenantHead], *, advance: Advance
) -> tuple[tuple[Held, ...], int]:
    """Compare every tenant and verify its copy; return them, and how many rows were compared."""
    held: list[Held] = []
    compared = 0
    for done, tenant in enumerate(heads):
        advance(f"verifying {tenant.tenant_id}", done, len(heads))
        try:
            one, rows = _proven(source, target, tenant)
        except OperatorError:
            # What was brought along may rest on what had been altered before.
            _bring(source, target, tenant, since=None)
            one, rows = _proven(source, target, tenant)
        held.append(one)
        compared += rows
    advance("verifying", len(heads), len(heads))
    return tuple(held), compared


def _proven(source: Connection, target: Connection, tenant: TenantHead) -> tuple[Held, int]:
    with target.snapshot():
        rows = require_same_tenant(source, target, tenant.tenant_id)
        return verified(target, tenant), rows


def _moved_on(before: Sequence[TenantHead], now: Sequence[TenantHead]) -> tuple[str, ...]:
    return tuple(each.tenant_id for each in now if each not in before)
