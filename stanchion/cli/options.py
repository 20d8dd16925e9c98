"""Options that commands share, made from the table of settings; and how commands print."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import click
from click.core import ParameterSource

from stanchion.cli.settings_file import read_settings_file
from stanchion.cli.sources import CONFIG_VARIABLE, Found, find_settings
from stanchion.model.instant import format_instant
from stanchion.settings import SETTINGS, Setting, Settings, SettingValue

F = TypeVar("F", bound=Callable[..., object])


class SettingValueType(click.ParamType[SettingValue]):
    """What an option of a setting takes: the table judges it, as it judges variables and the file."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.name = "integer" if setting.is_number else "text"

    def convert(
        self, value: SettingValue, param: click.Parameter | None, ctx: click.Context | None
    ) -> SettingValue:
        """Return the value of a text; a default is one already."""
        if not isinstance(value, str):
            return value
        try:
            return self.setting.of_text(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class SettingOption(click.Option):
    """The option of a setting; its own default, where it has one, gives way to nothing but the option itself."""

    def __init__(self, declarations: Sequence[str], *, setting: Setting, own: str | None) -> None:
        super().__init__(
            declarations,
            default=setting.default if own is None else own,
            show_default=setting.default not in (None, ()),
            multiple=setting.repeatable,
            type=SettingValueType(setting),
            metavar="|".join(sorted(setting.choices)) or None,
            help=setting.sentence,
        )
        self.setting = setting
        self.own = own


def setting_options(*names: str, own: Mapping[str, str] = MappingProxyType({})) -> Callable[[F], F]:
    """Give a command the options of these settings, and `--config`; those in `own` have its own default."""

    def decorate(function: F) -> F:
        function = _config_option(function)
        for name in reversed(names):
            setting = SETTINGS[name]
            option = click.option(setting.option, name, cls=SettingOption, setting=setting, own=own.get(name))
            function = option(function)
        return function

    return decorate


def settings_from(options: Mapping[str, object]) -> Settings:
    """Return the settings of the command that runs: its options, and all others from where they are set."""
    return Settings(**{found.setting.name: found.value for found in found_settings(options)})  # type: ignore[arg-type] # The table judged each value.


def found_settings(options: Mapping[str, object]) -> list[Found]:
    """Return every setting of the command that runs with its value and where that is from."""
    context = click.get_current_context()
    mine = [each for each in context.command.params if isinstance(each, SettingOption)]
    named = options.get("config")
    return find_settings(
        {
            each.setting.name: context.params[each.setting.name]
            for each in mine
            if context.get_parameter_source(each.setting.name) is ParameterSource.COMMANDLINE
        },
        fixed={each.setting.name: each.own for each in mine if each.own is not None},
        environment=os.environ,
        file=read_settings_file(named if isinstance(named, str) else None),
    )


_config_option = click.option(
    "--config",
    envvar=CONFIG_VARIABLE,
    metavar="FILE",
    help="Settings file in TOML.  [default: stanchion.toml, where there is one]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
tenant_option = click.option("--tenant", "tenant_id", required=True, metavar="GUID", help="The tenant.")


def print_object(value: Mapping[str, object], *, as_json: bool) -> None:
    """Print named values, aligned for people or as JSON."""
    if as_json:
        click.echo(json.dumps(value))
        return
    width = max(map(len, value), default=0) + 1
    for name, content in value.items():
        click.echo(f"{name + ':':<{width}} {as_text(content)}")


def print_table(rows: Sequence[Mapping[str, object]], *, columns: Sequence[str], as_json: bool) -> None:
    """Print rows, as a table for people or as a JSON array."""
    if as_json:
        click.echo(json.dumps(list(rows)))
        return
    texts = [list(columns), *([as_text(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in texts) for index in range(len(columns))]
    for line in texts:
        click.echo("  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip())


def instant(ticks: int | None) -> str | None:
    """Return an instant as commands print it, None where there is none."""
    return None if ticks is None else format_instant(ticks)


def note(text: str) -> None:
    """Tell the operator something that is not the command's result, on stderr."""
    click.echo(text, file=sys.stderr)


def as_text(value: object) -> str:
    """Return a value as people see it."""
    match value:
        case None:
            return "-"
        case str():
            return value
        case list() | tuple():
            return ", ".join(map(as_text, value)) or "-"
        case _:
            return str(value)
