"""Each row of the reliability page has a command that can be run: its tests, options and targets are there."""

import re
import shlex
from dataclasses import dataclass
from itertools import takewhile

import pytest

from tests.docs.generated import ROOT
from tests.docs.test_named_tests import found_in

PAGE = ROOT / "docs" / "reference" / "reliability.md"
_ROW = re.compile(
    r"^\| (?P<what>[^|]+) \| (?P<figures>[^|]+) \| (?P<holds>[^|]+) \| `(?P<command>[^`]+)` \|$", re.MULTILINE
)
_SETTING = re.compile(r"[A-Z_]+=\S+")


@dataclass(frozen=True)
class Command:
    """What a row says is to be run: variables before it, the program, and its arguments."""

    variables: tuple[str, ...]
    program: str
    arguments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Command":
        words = shlex.split(text)
        variables = [word.partition("=")[0] for word in takewhile(_SETTING.fullmatch, words)]
        program, *arguments = words[len(variables) :]
        return cls(tuple(variables), program, tuple(arguments))


def rows() -> list[re.Match[str]]:
    return list(_ROW.finditer(PAGE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("command", [row["command"] for row in rows()])
def test_the_command_of_a_row_can_be_run(command: str) -> None:
    asked = Command.parse(command)
    match asked.program:
        case ".venv/bin/pytest":
            named = [word for word in asked.arguments if word.startswith("tests/")]
            assert named
            for name in named:
                assert names_in(name), name
            assert_selects(asked, {test for name in named for test in names_in(name)})
            sources = "".join((ROOT / name).read_text() for name in named if name.endswith(".py"))
            assert all(variable in sources for variable in asked.variables)
        case "make":
            makefile = (ROOT / "Makefile").read_text()
            assert re.search(rf"^{asked.arguments[0]}:", makefile, re.MULTILINE)
        case ".venv/bin/python":
            _, module, *options = asked.arguments
            source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text()
            assert all(option in source for option in options if option.startswith("--"))
        case other:
            pytest.fail(f"{other} is no program of this repository.")


def test_every_line_of_the_table_is_a_row() -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(rows()) == len(lines) - 1 > 10


def names_in(name: str) -> set[str]:
    """Return the names of the tests of a file, or of all files of a folder."""
    path, _, test = name.partition("::")
    files = [ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("test_*.py")
    found = {each for file in files for each in found_in(str(file.relative_to(ROOT)))}
    return found & {test} if test else found


def assert_selects(asked: Command, tests: set[str]) -> None:
    """Check that -k chooses something: a name or a value of a parameter, which stands in the file."""
    if "-k" in asked.arguments:
        wanted = asked.arguments[asked.arguments.index("-k") + 1].split(" or ")
        text = "".join((ROOT / name).read_text() for name in asked.arguments if name.endswith(".py"))
        assert all(any(word in test for test in tests) or word in text for word in wanted), wanted
