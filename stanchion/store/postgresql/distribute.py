"""Spreading the tables of a PostgreSQL database over a Citus cluster: what is so, what is left to do, and doing it.

- `tenants` comes first and every table that refers to another one after it; all lie beside `tenants`.
- Each table is a step of its own, and one that was spread already is left alone: run again after a failure, it goes
  on where it ended. What Citus left of the rows on the coordinator goes at the end, when all tables are spread.
- A migration adds its new tables to those that are spread, inside its own transaction.

Source: the Citus documentation, "Citus Utility Functions" and "Citus Tables and Views".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import asyncpg

from stanchion.errors import OperatorError
from stanchion.store.postgresql.placement import COLUMN, Place, places, spread_tables
from stanchion.store.tables import tenants

# By name: there may be several of one name, which take other arguments.
_HAS_FUNCTION = "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = $1)"
_IS_COORDINATOR = "SELECT citus_is_coordinator()"
_NODES = "SELECT count(*) FROM citus_get_active_worker_nodes()"
_TAKE_BACK = (
    "SELECT undistribute_table('TABLE', cascade_via_foreign_keys => true) brings them back to the coordinator; then "
    "run this again."
)
# Not the view citus_tables: that asks every node for sizes, and a table that is new in a transaction is not in it.
_KNOWN = """SELECT CAST(logicalrelid AS text),
CASE WHEN partkey IS NOT NULL THEN 'distributed' WHEN repmodel = 't' THEN 'reference' ELSE 'local' END,
CASE WHEN partkey IS NOT NULL THEN column_to_column_name(logicalrelid, partkey) END, colocationid
FROM pg_dist_partition"""
# Of a table that is spread, this is what was left on the coordinator: its pieces are tables of their own.
_LOCAL_BYTES = "SELECT coalesce(pg_relation_size(to_regclass($1)), 0)"

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class TableState(NamedTuple):
    """A table as it is: where it belongs, whether it is spread, and how many bytes the coordinator has of it."""

    place: Place
    distributed: bool
    local_bytes: int

    @property
    def now(self) -> str:
        """What is so, for people."""
        if not self.place.distributed:
            return "stays on the coordinator"
        if not self.distributed:
            return "is to be spread"
        return "is spread; some of it was left on the coordinator" if self.local_bytes else "is spread"


class Step(NamedTuple):
    """A statement that is left to run, and what it does for people."""

    sql: str
    doing: str


@dataclass(frozen=True)
class Plan:
    """What is so and what is left to do; nothing, where a run was finished."""

    nodes: int
    tables: tuple[TableState, ...]
    steps: tuple[Step, ...]


class _Known(NamedTuple):
    """A table as Citus knows it."""

    name: str
    kind: str
    column: str | None
    place: int


async def has_citus(driver: Driver) -> bool:
    """Say whether the database may be spread, and so whether statements must be such as a cluster takes."""
    return bool(await driver.fetchval(_HAS_FUNCTION, "create_distributed_table"))


async def plan(driver: Driver, *, name: str, shards: int) -> Plan:
    """Return what is left to do to a database of any schema; its present tables need not be there yet.

    Raises OperatorError where there is no cluster, and where tables lie otherwise than ours do.
    """
    nodes = await _nodes(driver, name=name)
    known = await _known(driver, name=name)
    tables = []
    for place in places():
        bytes_here = int(await driver.fetchval(_LOCAL_BYTES, place.table))
        tables.append(TableState(place, place.table in known, bytes_here))
    spread = [table for table in tables if table.place.distributed]
    steps = [
        Step(_spread_sql(each.place.table, shards=shards), f"spreading {each.place.table}")
        for each in spread
        if not each.distributed
    ]
    steps += [
        Step(_truncate_sql(each.place.table), f"removing what is left of {each.place.table}")
        for each in reversed(spread)
        if each.local_bytes
    ]
    return Plan(nodes, tuple(tables), tuple(steps))


async def carry_out(driver: Driver, steps: tuple[Step, ...], *, tell: Callable[[Step], None]) -> None:
    """Run the steps, each in a transaction of its own; `tell` is given each beforehand."""
    for step in steps:
        tell(step)
        await driver.execute(step.sql)


async def spread_new_tables(driver: Driver, *, name: str) -> list[str]:
    """Spread the tables that a migration has just made, where the others are; return the SQL that was run.

    The migration's transaction is open. Does nothing where the database is not spread.
    """
    if not await has_citus(driver):
        return []
    known = await _known(driver, name=name)
    if tenants.name not in known:
        return []
    ran = [_beside_tenants(table) for table in spread_tables() if table not in known]
    for sql in ran:
        await driver.execute(sql)
    return ran


async def _nodes(driver: Driver, *, name: str) -> int:
    if not await has_citus(driver):
        raise OperatorError(
            f"The {name} has no Citus, without which nothing can be spread: on each node add citus to "
            "shared_preload_libraries, restart it, and run CREATE EXTENSION citus in the database."
        )
    if await driver.fetchval(_HAS_FUNCTION, "citus_is_coordinator") and not await driver.fetchval(
        _IS_COORDINATOR
    ):
        raise OperatorError(f"The {name} is a worker of the cluster; name its coordinator.")
    nodes = int(await driver.fetchval(_NODES))
    if nodes == 0:
        raise OperatorError(
            f"The {name} has no workers yet: run SELECT citus_add_node('HOST', PORT) for each, and this again."
        )
    return nodes


async def _known(driver: Driver, *, name: str) -> dict[str, _Known]:
    """Return those of our tables that are spread by the tenant; raises OperatorError where any lies otherwise."""
    every = {known.name: known for known in (_Known(*row) for row in await driver.fetch(_KNOWN))}
    known = {table: every[table] for table in spread_tables() if table in every}
    for table in known.values():
        if (table.kind, table.column) != ("distributed", COLUMN):
            by = f" by {table.column}" if table.kind == "distributed" else ""
            raise OperatorError(
                f"The {name} has {table.name} as a {table.kind} table{by}, and one by {COLUMN} belongs there. "
                f"{_TAKE_BACK}"
            )
    groups: dict[int, list[str]] = {}
    for table in known.values():
        groups.setdefault(table.place, []).append(table.name)
    if len(groups) > 1:
        apart = "; ".join(", ".join(names) for names in groups.values())
        raise OperatorError(f"The {name} has tables that lie apart: {apart}. {_TAKE_BACK}")
    return known


def _spread_sql(table: str, *, shards: int) -> str:
    if table != tenants.name:
        return _beside_tenants(table)
    # Beside no table of another program, so that moving ours moves nothing else.
    beside = f"colocate_with => 'none', shard_count => {shards}"
    return f"SELECT create_distributed_table('{table}', '{COLUMN}', {beside})"


def _beside_tenants(table: str) -> str:
    return f"SELECT create_distributed_table('{table}', '{COLUMN}', colocate_with => '{tenants.name}')"


def _truncate_sql(table: str) -> str:
    return f"SELECT truncate_local_data_after_distributing_table('{table}')"
