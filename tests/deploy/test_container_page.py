"""The page on containers tells of every manifest, and its commands of ours are ones that the program takes."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from stanchion.cli import main
from tests.deploy.deployed import MANIFESTS
from tests.docs.test_docs import ROOT, name_of

PAGE = (ROOT / "docs" / "how-to" / "run-in-containers.md").read_text(encoding="utf-8")
# What ends a command in a shell.
_END = re.compile(r"[;&|<>()]+")


def words(script: str) -> list[str]:
    """Return the words and operators of a script of the shell; a script within quotes is taken apart too."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[str] = []
    for word in lexer:
        found += [";", *words(word), ";"] if word.startswith("stanchion ") else [word]
    return found


def command_lines() -> Iterator[tuple[str, ...]]:
    """Give what stands after the program's, the image's or the service's name wherever a command of ours follows."""
    commands = set(main.list_commands(click.Context(main)))
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            found = words(line)
            for index, word in enumerate(found[:-1]):
                if word == "stanchion" and found[index + 1] in commands:
                    rest = found[index + 1 :]
                    end = next((at for at, each in enumerate(rest) if _END.fullmatch(each)), len(rest))
                    yield tuple(rest[:end])


LINES = sorted(set(command_lines()))


def test_the_page_names_every_manifest() -> None:
    assert [name_of(path) for path in MANIFESTS if f"`{name_of(path)}`" not in PAGE] == []


def test_the_page_has_the_commands_of_an_upgrade_and_of_the_way_back() -> None:
    assert {line[0] for line in LINES} >= {"backup", "migrate", "restore", "check"}


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_each_command_of_the_page_is_one_that_the_program_takes(line: tuple[str, ...]) -> None:
    command: click.Command | None = main
    context = click.Context(main)
    rest = list(line)
    while isinstance(command, click.Group):
        name = rest.pop(0)
        command = command.get_command(context, name)
        assert command is not None, name
        context = click.Context(command, parent=context, info_name=name)
    assert command is not None
    command.make_context(line[0], rest, parent=context)
