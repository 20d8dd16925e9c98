"""`stanchion migrate`: the schema of a database brought up to date, and its tables spread over a cluster."""

import click

from stanchion.cli.context import STORE_SETTINGS
from stanchion.cli.options import json_option, note, print_object, setting_options, settings_from
from stanchion.store.migrate import Migrated
from stanchion.store.schema import MOST_SHARDS, PATIENCE_SECONDS, SHARDS, distribute, look, rehearse
from stanchion.store.schema import migrate as migrate_database


@click.command("migrate")
@click.option(
    "--dry-run",
    "--sql",
    "rehearsed",
    is_flag=True,
    help="Print the SQL: it is run, and all of it taken back. What --distribute would run is only printed.",
)
@click.option(
    "--distribute",
    "distributed",
    is_flag=True,
    help="Spread the tables over a Citus cluster too, each tenant's rows on one node.",
)
@click.option(
    "--shards",
    type=click.IntRange(min=1, max=MOST_SHARDS),
    default=SHARDS,
    show_default=True,
    metavar="COUNT",
    help="Into how many pieces --distribute cuts the tables.",
)
@click.option(
    "--timeout",
    "patience_seconds",
    type=click.FloatRange(min=0, min_open=True, max=86_400),
    default=PATIENCE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for others, on PostgreSQL.",
)
@setting_options(*STORE_SETTINGS)
@json_option
def migrate(
    *,
    rehearsed: bool,
    distributed: bool,
    shards: int,
    patience_seconds: float,
    as_json: bool,
    **options: object,
) -> None:
    """Bring the database's schema up to date, making it when it is new.

    On PostgreSQL one at a time does so, all or nothing. A SQLite database is brought up to date whenever it is
    opened. With --distribute the tables are then spread over the nodes of a Citus cluster; where that was done
    before, it does nothing, and where it was stopped, it goes on.
    """
    database = settings_from(options).database
    # Before anything is changed: what cannot be spread is refused as it is.
    plan = look(database, shards=shards) if distributed else None
    if rehearsed:
        migrated, sql = rehearse(database, patience_seconds=patience_seconds)
    else:
        migrated, sql = migrate_database(database, patience_seconds=patience_seconds), []
    told: dict[str, object] = {
        "schema": migrated.present,
        "former": migrated.former,
        **({"sql": sql} if rehearsed else {}),
    }
    if not as_json:
        for statement in sql:
            click.echo(f"{statement};\n")
        click.echo(f"{'-- ' if rehearsed else ''}{_told(migrated, rehearsed=rehearsed)}")
    if plan is not None:
        from stanchion.cli.distribution import print_done, print_look, step_line, told_object

        if not rehearsed:
            plan = distribute(
                database,
                tell=lambda step: note(step_line(step)),
                shards=shards,
                patience_seconds=patience_seconds,
            )
        told["distribution"] = told_object(plan, ran=not rehearsed)
        if not as_json:
            (print_look if rehearsed else print_done)(plan)
    if as_json:
        print_object(told, as_json=True)


def _told(migrated: Migrated, *, rehearsed: bool) -> str:
    if migrated.former == migrated.present:
        return f"The schema is up to date: {migrated.present}."
    came = "would be brought" if rehearsed else "was brought"
    return f"The schema {came} from {migrated.former or 'nothing'} to {migrated.present}."
