"""The command line as a whole: its help, its settings, its exit statuses."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stanchion import __version__
from stanchion.cli import main
from stanchion.settings import SETTINGS
from tests.cli.invoking import invoke, printed, refusal
from tests.serving.place import Place
from tests.serving.process import stanchion


def commands(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give every command with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, *path, name)


COMMANDS = dict(commands(main))
PRINTING = [path for path, command in COMMANDS.items() if not isinstance(command, click.Group)]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_its_options(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    shown = invoke(*path, "--help")

    assert shown.exit_code == 0
    assert shown.stdout.startswith("Usage: stanchion")
    assert command.help
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [option.name for option in options if not option.help and option.name != "help"] == []
    assert all(option.opts[0] in shown.stdout for option in options)


@pytest.mark.parametrize("path", [path for path in COMMANDS if path not in PRINTING], ids=" ".join)
def test_a_group_lists_its_commands_in_whole_sentences(path: tuple[str, ...]) -> None:
    assert "..." not in invoke(*path, "--help").stdout.partition("Commands:")[2]


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_every_setting_is_an_option_of_some_command(setting: object) -> None:
    name = getattr(setting, "name", "")
    options = [
        option
        for command in COMMANDS.values()
        for option in command.params
        if isinstance(option, click.Option) and option.name == name
    ]

    assert options
    assert {tuple(option.opts) for option in options} == {(f"--{name.replace('_', '-')}",)}
    assert {option.help for option in options} == {SETTINGS[name].sentence}


def test_serve_has_every_setting_but_that_of_imports() -> None:
    serve = {option.name for option in COMMANDS[("serve",)].params}

    assert set(SETTINGS) - serve == {"max_import_bytes"}


def test_every_command_that_prints_a_result_can_print_it_as_json() -> None:
    without = [
        path for path in PRINTING if "as_json" not in {option.name for option in COMMANDS[path].params}
    ]

    # These two serve, and print nothing for scripts.
    assert without == [("demo",), ("serve",)]


def test_it_tells_its_version() -> None:
    assert invoke("--version").stdout == f"stanchion, version {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [("nothing",), ("tenant", "nothing"), ("tenant", "list", "--nothing"), ("tenant", "add"), ("import",)],
)
def test_what_it_does_not_know_or_lacks_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    result = invoke(*arguments)

    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert result.stdout == ""


def test_a_variable_stands_for_an_option_and_the_option_wins(place: Place, tmp_path: Path) -> None:
    variable = {"STANCHION_DATABASE": place.url}

    assert len(printed(invoke("tenant", "list", "--json", environment=variable))) == 2
    missing = refusal(
        invoke("tenant", "list", "--database", f"sqlite:///{tmp_path}/no.db", environment=variable)
    )
    assert "no.db does not exist" in missing


def test_a_variable_that_cannot_be_read_is_a_usage_error_naming_it(place: Place) -> None:
    result = invoke("tenant", "list", *place.options, environment={"STANCHION_PORT": "http"})

    assert result.exit_code == 2
    assert "Invalid value for STANCHION_PORT: 'http'" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("tenant", "list"), ("app", "list"), ("key", "list"), ("key", "rotate"), ("verify", "--tenant", "abc")],
    ids=" ".join,
)
def test_a_command_on_a_database_that_is_not_there_makes_none(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    database = tmp_path / "new.db"

    assert f"{database} does not exist" in refusal(invoke(*arguments, "--database", f"sqlite:///{database}"))
    assert list(tmp_path.iterdir()) == []


def test_an_account_without_a_name_may_still_act(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert invoke("key", "rotate", *place.options).exit_code == 0


def test_a_refusal_of_the_installed_program_is_one_line_and_status_1(tmp_path: Path) -> None:
    ran = stanchion("verify", "--tenant", "abc", "--database", f"sqlite:///{tmp_path}/no.db", folder=tmp_path)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        f"Error: {tmp_path}/no.db does not exist; `stanchion tenant add` or `serve` makes it, "
        "or --database names another.\n"
    )


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (
            "u:hunter2@localhost:1/d?sslmode=require",
            "The PostgreSQL database d on localhost:1 cannot be used: ",
        ),
        (
            "localhost:1/d?user=u&password=hunter2&sslmode=disable",
            "The PostgreSQL database d on localhost:1 cannot be used: ",
        ),
        ("localhost:1/d?sslmode=hunted", "The PostgreSQL database d on localhost:1 cannot be used: "),
        ("u:hunter2@localhost:1/d?pool=hunter2", "has the parameter 'pool'; allowed are host, passfile, "),
        ("u:hunter2/x@localhost:1/d", "The PostgreSQL database d on localhost:1 cannot be used: "),
        ("u:[hunter2@localhost:1/d", "The PostgreSQL database d on localhost:1 cannot be used: "),
        ("u@localhost:port/d", "The PostgreSQL URL cannot be read; "),
    ],
)
def test_a_postgresql_that_cannot_be_reached_is_told_without_its_password(rest: str, said: str) -> None:
    told = refusal(invoke("migrate", "--database", f"postgresql://{rest}"))

    assert said in told
    assert "hunter2" not in told
