"""`stanchion migrate`: the schema of a database brought up to date."""

import click

from stanchion.cli.context import STORE_SETTINGS
from stanchion.cli.options import json_option, print_object, setting_options, settings_from
from stanchion.store.migrate import Migrated
from stanchion.store.schema import PATIENCE_SECONDS, rehearse
from stanchion.store.schema import migrate as migrate_database


@click.command("migrate")
@click.option(
    "--dry-run",
    "--sql",
    "rehearsed",
    is_flag=True,
    help="Print the SQL: it is run, and all of it taken back.",
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
def migrate(*, rehearsed: bool, patience_seconds: float, as_json: bool, **options: object) -> None:
    """Bring the database's schema up to date, making it when it is new.

    On PostgreSQL one at a time does so, all or nothing. A SQLite database is brought up to date whenever it is
    opened.
    """
    database = settings_from(options).database
    if rehearsed:
        migrated, sql = rehearse(database, patience_seconds=patience_seconds)
    else:
        migrated, sql = migrate_database(database, patience_seconds=patience_seconds), []
    if as_json:
        told = {"schema": migrated.present, "former": migrated.former, **({"sql": sql} if rehearsed else {})}
        print_object(told, as_json=True)
        return
    for statement in sql:
        click.echo(f"{statement};\n")
    click.echo(f"{'-- ' if rehearsed else ''}{_told(migrated, rehearsed=rehearsed)}")


def _told(migrated: Migrated, *, rehearsed: bool) -> str:
    if migrated.former == migrated.present:
        return f"The schema is up to date: {migrated.present}."
    came = "would be brought" if rehearsed else "was brought"
    return f"The schema {came} from {migrated.former or 'nothing'} to {migrated.present}."
