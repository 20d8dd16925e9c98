"""Each row of the reliability page has a command that can be run: its tests, options and targets are there."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

import pytest

from tests.docs.generated import ROOT
from tests.docs.held_back import found_in

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
            assert_selects(asked)
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
    found = {each for file in files_in(path) for each in found_in(file)}
    return found & {test} if test else found


def files_in(path: str) -> list[str]:
    """Return a file of tests, or all those of a folder."""
    files = [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in files]


def assert_selects(asked: Command) -> None:
    """Check that each word behind -k chooses a test, and that one is chosen in each place that is named."""
    if "-k" not in asked.arguments:
        return
    words = asked.arguments[asked.arguments.index("-k") + 1].split(" or ")
    places = [word for word in asked.arguments if word.startswith("tests/")]
    chosen = {word: [place for place in places if selects(place, word)] for word in words}
    assert all(chosen.values()), chosen
    assert {place for found in chosen.values() for place in found} == set(places), chosen


def selects(place: str, word: str) -> bool:
    """Tell whether a word behind -k chooses a test of a file or folder."""
    return any(word.lower() in name.lower() for file in files_in(place) for name in selectable_in(file))


def selectable_in(file: str) -> Iterator[str]:
    """List what -k can choose a test by: its name, that of its class, and the ids that its parameters spell out.

    Ids that come from a name of the module or from a function are not known without running it, and so not listed.
    """
    module = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = found_in(file)
    classes = [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    holding = [node for node in classes if any(getattr(each, "name", "") in tests for each in node.body)]
    yield from tests
    yield from (node.name for node in holding)
    for node in (*tests.values(), *holding):
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.parametrize":
                yield from ids_of(decorator)


def ids_of(parametrize: ast.Call) -> Iterator[str]:
    """List the ids that parameters are given, or that pytest makes of values that stand there."""
    given = next((each.value for each in parametrize.keywords if each.arg == "ids"), None)
    if given is not None:
        yield from _spelt(given)
    elif len(parametrize.args) > 1:
        yield from _spelt(parametrize.args[1])


def _spelt(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            for part in parts:
                yield from _spelt(part)
        case ast.Call(args=parts, keywords=keywords):
            named = [each.value for each in keywords if each.arg == "id"]
            for part in named or parts:
                yield from _spelt(part)
        case ast.Constant(value=plain):
            yield str(plain)
        # A function is known by its own name.
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name


@pytest.mark.parametrize(
    ("place", "word"),
    [
        ("tests/crash/test_kills.py", "kill_main"),
        ("tests/crash/test_kills.py", "undisturbed"),
        ("tests/crash/test_postgresql_kills.py", "stop_immediately"),
        ("tests/crash/test_order.py", "unsynced"),
        ("tests/crash", "KILL_WORKER"),
    ],
)
def test_a_word_chooses_by_the_name_of_a_test_or_an_id(place: str, word: str) -> None:
    assert selects(place, word)


@pytest.mark.parametrize(
    ("place", "word"),
    [
        # A word of a comment, of a helper's name, of a fixture, of a parameter's name, and of another file.
        ("tests/crash/test_kills.py", "STANCHION_CRASH_KILLS"),
        ("tests/crash/test_kills.py", "killed_again_and_again"),
        ("tests/crash/test_postgresql_kills.py", "killable"),
        ("tests/crash/test_order.py", "found,"),
        ("tests/crash/test_order.py", "kill_main"),
    ],
)
def test_a_word_that_stands_elsewhere_in_a_file_chooses_nothing(place: str, word: str) -> None:
    assert not selects(place, word)


@pytest.mark.parametrize(
    "command",
    [
        ".venv/bin/pytest tests/crash/test_kills.py -k killed_under_load",
        '.venv/bin/pytest tests/crash/test_kills.py -k "kill_main or killed_under_load"',
        ".venv/bin/pytest tests/crash/test_kills.py tests/crash/test_order.py -k kill_main",
    ],
)
def test_a_command_whose_word_chooses_nothing_or_leaves_a_file_out_is_found(command: str) -> None:
    with pytest.raises(AssertionError):
        assert_selects(Command.parse(command))
