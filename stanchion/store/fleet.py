"""All tenants at once: how many there are, what they have, how they score, and who sends nothing any more.

- Each statement is an aggregate over all tenants and says so; on a cluster every node counts its own part.
- Tables are joined by the tenant, so that no row has to move from node to node.
- On a cluster these figures are of no one moment: nothing that must be exact may be derived from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, Table, and_, bindparam, case, func, literal_column, or_, select

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.store.compile import Compiled, DialectName, compile_statement
from stanchion.store.rows import STORE_CHAIN
from stanchion.store.session import Connection
from stanchion.store.tables import ENTITY_TABLES, tenants

_REASON = "operators look at the fleet"
_SCORES, _CONTROLS = ENTITY_TABLES[SECURE_SCORES.name], ENTITY_TABLES[CONTROL_PROFILES.name]
_AT_ONCE: ColumnElement[int] = literal_column("0")


@dataclass(frozen=True)
class ProviderScores:
    """What a provider says of the fleet: of each tenant its newest score counts."""

    vendor: str | None
    provider: str | None
    tenants: int
    scores: int
    average_percentage: float | None  # of the tenants whose maximum is more than 0
    newest_ticks: int | None


@dataclass(frozen=True)
class SilentTenant:
    """A tenant without a score since a time; `newest_ticks` is None where it has none at all."""

    tenant_id: str
    name: str
    newest_ticks: int | None


@dataclass(frozen=True)
class Fleet:
    """All tenants of a store."""

    tenants: int
    controls: int
    scores: int
    newest_ticks: int | None
    providers: tuple[ProviderScores, ...]
    silent: int
    silent_tenants: tuple[SilentTenant, ...]  # those longest silent first


def read_fleet(connection: Connection, *, since_ticks: int, limit: int) -> Fleet:
    """Return what there is to know of all tenants; of those silent since a time, at most so many by name."""
    dialect = connection.dialect
    standing = {"store_chain": STORE_CHAIN}
    silent = {**standing, "since": since_ticks}
    counted, scored, controls, silent_count, silent_rows = (
        connection.fetch(statement, parameters)
        for statement, parameters in (
            (tenant_count_statement(dialect), standing),
            (count_statement(_SCORES, dialect), {}),
            (count_statement(_CONTROLS, dialect), {}),
            (silent_count_statement(dialect), silent),
            (silent_statement(dialect), {**silent, "limit": limit}),
        )
    )
    providers = tuple(_provider(row) for row in connection.fetch(providers_statement(dialect), {}))
    newest = [each.newest_ticks for each in providers if each.newest_ticks is not None]
    return Fleet(
        tenants=counted[0][0],
        controls=controls[0][0],
        scores=scored[0][0],
        newest_ticks=max(newest, default=None),
        providers=providers,
        silent=silent_count[0][0],
        silent_tenants=tuple(SilentTenant(*row) for row in silent_rows),
    )


@lru_cache
def tenant_count_statement(dialect: DialectName = "sqlite") -> Compiled:
    """How many tenants there are."""
    statement = select(func.count()).select_from(tenants).where(_standing())
    return compile_statement(statement, dialect, fleet=_REASON)


@lru_cache
def count_statement(table: Table, dialect: DialectName = "sqlite") -> Compiled:
    """How many entities all tenants have in a table."""
    return compile_statement(select(func.count()).select_from(table), dialect, fleet=_REASON)


@lru_cache
def providers_statement(dialect: DialectName = "sqlite") -> Compiled:
    """Of each vendor and provider, in either case: tenants, scores, the average of the newest, the newest time."""
    names = _SCORES.c.vendor_information_vendor, _SCORES.c.vendor_information_provider
    keys = tuple(func.lower(name) for name in names)
    own = (_SCORES.c.tenant_id, *keys)
    order = (_SCORES.c.created_date_time.desc().nulls_last(), _SCORES.c.id)
    ranked = select(
        names[0].label("vendor"),
        names[1].label("provider"),
        keys[0].label("vendor_key"),
        keys[1].label("provider_key"),
        _percentage().label("percentage"),
        _SCORES.c.created_date_time.label("created"),
        func.row_number().over(partition_by=own, order_by=order).label("place"),
        func.count().over(partition_by=own).label("scores"),
    ).subquery("ranked")
    newest = ranked.c.place == literal_column("1")
    statement = (
        select(
            func.min(ranked.c.vendor),
            func.min(ranked.c.provider),
            func.count(),
            func.sum(ranked.c.scores),
            func.avg(ranked.c.percentage),
            func.max(ranked.c.created),
        )
        .where(newest)
        .group_by(ranked.c.vendor_key, ranked.c.provider_key)
        .order_by(ranked.c.vendor_key, ranked.c.provider_key)
    )
    return compile_statement(statement, dialect, fleet=_REASON)


@lru_cache
def silent_statement(dialect: DialectName = "sqlite") -> Compiled:
    """The tenants without a score since a time, those longest silent first."""
    newest = func.max(_SCORES.c.created_date_time)
    statement = (
        select(tenants.c.tenant_id, tenants.c.name, newest)
        .select_from(tenants.outerjoin(_SCORES, _SCORES.c.tenant_id == tenants.c.tenant_id))
        .where(_standing())
        .group_by(tenants.c.tenant_id, tenants.c.name)
        .having(or_(newest.is_(None), newest < bindparam("since")))
        .order_by(newest.asc().nulls_first(), tenants.c.tenant_id)
        .limit(bindparam("limit"))
        .offset(_AT_ONCE)
    )
    return compile_statement(statement, dialect, fleet=_REASON)


@lru_cache
def silent_count_statement(dialect: DialectName = "sqlite") -> Compiled:
    """How many tenants have no score since a time."""
    since = and_(
        _SCORES.c.tenant_id == tenants.c.tenant_id, _SCORES.c.created_date_time >= bindparam("since")
    )
    heard = select(literal_column("1")).select_from(_SCORES).where(since).exists()
    statement = select(func.count()).select_from(tenants).where(_standing(), ~heard)
    return compile_statement(statement, dialect, fleet=_REASON)


def _standing() -> ColumnElement[bool]:
    """The tenants that are shown: not the store's own chain, nor what is erased."""
    return and_(tenants.c.tenant_id != bindparam("store_chain"), tenants.c.erased_ticks.is_(None))


def _percentage() -> ColumnElement[float]:
    """The share of the most that a score may be; null where a calculation with it would fail for all."""
    most: ColumnElement[float] = literal_column("1e15")
    usable = and_(
        _SCORES.c.max_score.between(literal_column("1e-6"), most),
        _SCORES.c.current_score.between(-most, most),
    )
    return case((usable, _SCORES.c.current_score * literal_column("100.0") / _SCORES.c.max_score))


def _provider(row: Sequence[object]) -> ProviderScores:
    vendor, provider, count, scores, average, newest = row
    return ProviderScores(
        vendor=None if vendor is None else str(vendor),
        provider=None if provider is None else str(provider),
        tenants=int(str(count)),
        scores=int(str(scores)),
        average_percentage=None if average is None else float(str(average)),
        newest_ticks=None if newest is None else int(str(newest)),
    )
