"""Which tests may be skipped, and by what: marks, fixtures, and functions that either of them calls.

Only what stands in the tests is followed: fixtures by their names through the module and the conftest modules above
it, functions through the imports of a module.
"""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tests.docs.generated import ROOT

# `skip` and `importorskip` stand in the code itself, the others are marks.
HOLDS_BACK = {"skip", "skipif", "xfail", "importorskip"}
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Holder(NamedTuple):
    """Where it stands that a test is skipped: in a function of a file, or with "" in the module itself."""

    file: str
    function: str


@cache
def found_in(file: str) -> dict[str, Function]:
    """Map the names of the tests of a file to what they do; empty where there is no such file."""
    if not (ROOT / file).is_file():
        return {}
    functions = (node for node in ast.walk(_module(file)) if isinstance(node, Function))
    return {function.name: function for function in functions if function.name.startswith("test_")}


@cache
def holders(file: str, test: str) -> frozenset[Holder]:
    """Return all that may hold a test back; nothing where it always runs."""
    function = found_in(file)[test]
    called = _followed(file, function, seen=set())
    return called | _of_module(file) | _by_themselves(file)


@cache
def _of_module(file: str) -> frozenset[Holder]:
    outside = [node for node in _module(file).body if not isinstance(node, Function | ast.ClassDef)]
    return frozenset({Holder(file, "")} if any(_holds_back(node) for node in outside) else ())


@cache
def _by_themselves(file: str) -> frozenset[Holder]:
    """Return what holds a test back in fixtures that it need not ask for: the module's mark does, or nobody."""
    outside = [node for node in _module(file).body if not isinstance(node, Function)]
    marked = {name for node in outside for name in _marked_with(node)}
    return frozenset(
        holder
        for place in _places(file)
        for function in _functions(place).values()
        if _is_for_all(function) or function.name in marked
        for holder in _followed(place, function, seen=set())
    )


def _marked_with(node: ast.AST) -> set[str]:
    """Return the fixtures that marks of a function, a class or a module ask for."""
    return {
        each.value
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and _attribute(call.func) == "usefixtures"
        for each in call.args
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def _followed(file: str, function: Function, *, seen: set[Holder]) -> frozenset[Holder]:
    """Return what holds back in a function, in the fixtures that it asks for and in the functions that it calls."""
    here = Holder(file, function.name)
    if here in seen:
        return frozenset()
    seen.add(here)
    found = {here} if _holds_back(function) else set()
    for place, next_function in _asked_for(file, function):
        found |= _followed(place, next_function, seen=seen)
    return frozenset(found)


@cache
def _asked_for(file: str, function: Function) -> list[tuple[str, Function]]:
    """List the fixtures and functions that a function names, each with the file that it stands in."""
    found: list[tuple[str, Function]] = []
    arguments = function.args
    fixtures = {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    fixtures |= _marked_with(function)
    for name in sorted(fixtures):
        # The nearest place has it; further ones may stand behind it under the same name.
        found += [defined for place in _places(file) if (defined := _defined(place, name))]
    called = {
        node.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    for name in sorted(called):
        if defined := _defined(file, name):
            found.append(defined)
    return found


def _defined(file: str, name: str) -> tuple[str, Function] | None:
    """Return the function that a name of a module means, and the file of the tests that it stands in."""
    if name in _functions(file):
        return file, _functions(file)[name]
    source = _imported(file).get(name)
    return _defined(*source) if source else None


@cache
def _places(file: str) -> list[str]:
    """List where a fixture of a test may stand: its file, then the conftest modules, the nearest first."""
    above = [parent / "conftest.py" for parent in Path(file).parents if parent != Path()]
    return [file, *(str(each) for each in above if (ROOT / each).is_file() and str(each) != file)]


@cache
def _functions(file: str) -> dict[str, Function]:
    return {node.name: node for node in _module(file).body if isinstance(node, Function)}


@cache
def _imported(file: str) -> dict[str, tuple[str, str]]:
    """Map the names that a module imports from the tests to the file and the name that they have there."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(_module(file)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            source = f"{(node.module or '').replace('.', '/')}.py"
            if (ROOT / source).is_file():
                found |= {alias.asname or alias.name: (source, alias.name) for alias in node.names}
    return found


@cache
def _module(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def _is_for_all(function: Function) -> bool:
    return any(
        keyword.arg == "autouse" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call) and _attribute(decorator.func) == "fixture"
        for keyword in decorator.keywords
    )


@cache
def _holds_back(node: ast.AST) -> bool:
    return any(_attribute(each) in HOLDS_BACK for each in ast.walk(node))


def _attribute(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""
