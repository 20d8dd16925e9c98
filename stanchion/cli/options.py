"""Options that commands share, made from the table of settings; and how commands print.

An option wins over its variable `STANCHION_...`, which wins over the default.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import click

from stanchion.settings import SETTINGS, Setting, Settings

F = TypeVar("F", bound=Callable[..., object])


def setting_options(*names: str, own: Mapping[str, str] = MappingProxyType({})) -> Callable[[F], F]:
    """Give a command the options of these settings; those in `own` have its own default, and no variable."""

    def decorate(function: F) -> F:
        for name in reversed(names):
            function = _option(SETTINGS[name], own=own.get(name))(function)
        return function

    return decorate


def settings_from(options: Mapping[str, object]) -> Settings:
    """Return the settings of the options given, those of all others from the environment or the default."""
    values = {name: value for name, value in options.items() if name in SETTINGS}
    for name, setting in SETTINGS.items():
        if name not in values:
            values[name] = _from_environment(setting)
    return Settings(**values)  # type: ignore[arg-type] # Each value was converted by its own option.


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
tenant_option = click.option("--tenant", "tenant_id", required=True, metavar="GUID", help="The tenant.")


def print_object(value: Mapping[str, object], *, as_json: bool) -> None:
    """Print named values, aligned for people or as JSON."""
    if as_json:
        click.echo(json.dumps(value))
        return
    width = max(map(len, value), default=0) + 1
    for name, content in value.items():
        click.echo(f"{name + ':':<{width}} {_text(content)}")


def print_table(rows: Sequence[Mapping[str, object]], *, columns: Sequence[str], as_json: bool) -> None:
    """Print rows, as a table for people or as a JSON array."""
    if as_json:
        click.echo(json.dumps(list(rows)))
        return
    texts = [list(columns), *([_text(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in texts) for index in range(len(columns))]
    for line in texts:
        click.echo("  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip())


def note(text: str) -> None:
    """Tell the operator something that is not the command's result, on stderr."""
    click.echo(text, file=sys.stderr)


def _option(setting: Setting, *, own: str | None) -> Callable[[F], F]:
    return click.option(
        setting.option,
        setting.name,
        envvar=setting.variable if own is None else None,
        default=setting.default if own is None else own,
        show_default=setting.default not in (None, ()),
        multiple=setting.repeatable,
        type=_type(setting),
        help=setting.sentence,
    )


def _type(setting: Setting) -> click.ParamType[str] | click.ParamType[int]:
    if setting.choices:
        return click.Choice(setting.choices)
    if setting.name == "port":
        return click.IntRange(1, 65535)
    return click.IntRange(min=1) if setting.is_number else click.STRING


def _from_environment(setting: Setting) -> object:
    option = click.Option(
        [setting.option],
        envvar=setting.variable,
        multiple=setting.repeatable,
        type=_type(setting),
        default=setting.default,
    )
    context = click.Context(click.Command("settings"))
    value, _ = option.consume_value(context, {})
    try:
        return option.type_cast_value(context, value)
    except click.BadParameter as error:
        raise click.UsageError(f"Invalid value for {setting.variable}: {error.message}") from None


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case str():
            return value
        case list() | tuple():
            return ", ".join(map(_text, value)) or "-"
        case _:
            return str(value)
