"""`stanchion settings`: what each setting is, and where that was said."""

import click

from stanchion.cli.options import found_settings, json_option, print_table, setting_options
from stanchion.cli.sources import Found
from stanchion.settings import SETTINGS


@click.command()
@setting_options(*SETTINGS)
@json_option
def settings(*, as_json: bool, **options: object) -> None:
    """Show each setting and where its value is from: option, environment, settings file or default.

    The options are those of the other commands: give them to see what a command line would do. Passwords are
    not shown.
    """
    rows = [_described(found, as_json=as_json) for found in found_settings(options)]
    print_table(rows, columns=("setting", "value", "from"), as_json=as_json)


def _described(found: Found, *, as_json: bool) -> dict[str, object]:
    row: dict[str, object] = {"setting": found.setting.name, "value": found.setting.shown(found.value)}
    if as_json:
        return {**row, "source": found.source, "from": found.place}
    named = found.source in {"option", "environment"}
    return {**row, "from": f"{found.source} {found.place}" if named else found.place}
