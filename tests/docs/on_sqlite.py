"""The tests that run on SQLite alone, each with its reason: the mark `sqlite`, as it stands in their modules."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def on_sqlite_alone() -> list[tuple[str, str, str]]:
    """Return module, test and reason of each mark; the test is empty where all of a module is meant."""
    return [
        (module.relative_to(TESTS).as_posix(), *found)
        for module in sorted(TESTS.rglob("test_*.py"))
        for found in marks(module.read_text(encoding="utf-8"))
    ]


def marks(source: str) -> Iterator[tuple[str, str]]:
    """Give test and reason of each mark of a module; fails for one without a reason."""
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name("pytestmark")], value=value):
                yield from (("", reason) for reason in _reasons(value))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for decorator in statement.decorator_list:
                    yield from ((statement.name, reason) for reason in _reasons(decorator))
            case _:
                pass


def _reasons(expression: ast.expr) -> Iterator[str]:
    for node in ast.walk(expression):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="mark"), attr="sqlite"),
                args=[ast.Constant(str(reason))],
            ):
                yield reason
