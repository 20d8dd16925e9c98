"""What `stanchion migrate --distribute` tells: each table with its place, and what was run or would be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from stanchion.store.postgresql.distribute import Plan, Step


def told_object(plan: "Plan", *, ran: bool) -> dict[str, object]:
    """Return a plan as JSON has it: each table's place, and the statements that were run, or would be."""
    tables = [
        {
            "table": each.place.table,
            "distributed": each.place.distributed,
            "before": each.distributed,
            "why": each.place.why,
        }
        for each in plan.tables
    ]
    return {"nodes": plan.nodes, "tables": tables, "ran" if ran else "sql": [step.sql for step in plan.steps]}


def print_look(plan: "Plan") -> None:
    """Print what is so of each table, and the statements that are left to run, as SQL with comments."""
    for line in _table_lines(plan):
        click.echo(f"-- {line}")
    click.echo()
    for step in plan.steps:
        click.echo(f"{step.sql};\n")
    click.echo(f"-- {_summary(plan, came='would be spread')}")


def print_done(plan: "Plan") -> None:
    """Print where the tables are now, and what was done."""
    if plan.steps:
        for each in plan.tables:
            kept = "spread by the tenant" if each.place.distributed else "on the coordinator"
            click.echo(f"{each.place.table:<30} {kept}: {each.place.why}")
    click.echo(_summary(plan, came="were spread"))


def step_line(step: "Step") -> str:
    """Return what is said before a step is run."""
    return f"{step.doing} ..."


def _table_lines(plan: "Plan") -> Sequence[str]:
    return [f"{each.place.table:<30} {each.now}: {each.place.why}" for each in plan.tables]


def _summary(plan: "Plan", *, came: str) -> str:
    owned = [each for each in plan.tables if each.place.distributed]
    before = sum(each.distributed for each in owned)
    over = f"over {plan.nodes} nodes" if plan.nodes > 1 else "over 1 node"
    if not plan.steps:
        return f"All {before} tables of tenants are spread {over} already; there is nothing to do."
    if before == len(owned):
        return "All tables of tenants are spread already; what was left of them on the coordinator goes."
    was = f", {before} were before" if before else ""
    return f"{len(owned) - before} tables of tenants {came} {over}{was}."
