"""Every regular expression of the package, and texts that are the worst for it.

A repetition is worst where it takes a long run in more than one way and then fails: each repetition of an expression
is found in its parse tree, is led up to, is fed a long run of what it takes, and is then disappointed.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import stanchion

# What the parser of expressions gives is described nowhere: pairs of an operation and its argument.
Argument: TypeAlias = Any
Tree: TypeAlias = Any
_parser: Any = importlib.import_module("re._parser")
_METHODS = frozenset({"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
_LONG = 100
_VARIANTS = 6
_DISAPPOINTMENTS = ("\0", "!", "", "é\n")
_OF_CATEGORY = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}


@dataclass(frozen=True)
class Expression:
    """A compiled expression: where it is, its name there, and by which methods it is used."""

    module: str
    name: str
    pattern: re.Pattern[str] | re.Pattern[bytes]
    methods: frozenset[str]


def expressions() -> list[Expression]:
    """Return all that modules of the package hold."""
    found = {}
    for module in modules():
        used = methods_by_name(module)
        for name, value in vars(module).items():
            for pattern in patterns_in(value):
                methods = used.get(name, _METHODS & {"fullmatch", "search"})
                found[id(pattern)] = Expression(module.__name__, name, pattern, frozenset(methods))
    return sorted(found.values(), key=lambda expression: (expression.module, expression.name))


def modules() -> Iterator[ModuleType]:
    """Import every module of the package, but for what runs by being imported."""
    for found in pkgutil.walk_packages(stanchion.__path__, "stanchion."):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            yield importlib.import_module(found.name)


def compiled_inside_functions() -> list[str]:
    """Return where an expression is made that no module holds: by re.compile in a function, or by re.match etc."""
    found = []
    for module in modules():
        tree = syntax(module)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [f"{module.__name__}.{node.name}" for part in ast.walk(node) if calls_re(part)]
    return found


def calls_re(node: ast.AST) -> bool:
    """Say whether this calls a function of the module `re` other than escape."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr != "escape"
    )


def patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    """Yield the expressions that a value of a module holds: itself, or what is in a collection of it or a class."""
    match value:
        case re.Pattern():
            yield value
        case tuple() | list() | frozenset():
            for part in value:
                yield from patterns_in(part)
        case dict():
            for part in value.values():
                yield from patterns_in(part)
        case type() if value.__module__.startswith("stanchion"):
            for part in vars(value).values():
                if isinstance(part, re.Pattern):
                    yield part
        case _:
            return


def methods_by_name(module: ModuleType) -> dict[str, set[str]]:
    """Return by which methods the expressions of a module are used there."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(syntax(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in _METHODS:
            found.setdefault(node.value.id, set()).add(node.attr)
    return found


def syntax(module: ModuleType) -> ast.Module:
    """Return the source of a module as a tree."""
    assert module.__file__ is not None
    return ast.parse(Path(module.__file__).read_text())


def worst_texts(pattern: re.Pattern[Any], size: int) -> Iterator[str]:
    """Yield texts of about a size."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = _parser.parse(
        source, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    )
    runs = {("", character) for character in {"a", "1", " ", *source[:40]}}
    runs |= set(_runs(tree, ""))
    for lead, run in runs:
        for end in _DISAPPOINTMENTS:
            yield lead + run * (size // len(run)) + end


def _runs(tree: Tree, lead: str) -> Iterator[tuple[str, str]]:
    """Yield what leads up to each long repetition, and what it takes."""
    for operation, argument in tree:
        name = str(operation)
        if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            _, most, inner = argument
            if int(most) >= _LONG:
                yield from ((lead, run) for run in _samples(inner) if run)
            yield from _runs(inner, lead)
        else:
            for inner in _within(name, argument):
                yield from _runs(inner, lead)
        lead += _samples([(operation, argument)])[0]


def _within(name: str, argument: Argument) -> list[Tree]:
    match name:
        case "SUBPATTERN":
            return [argument[-1]]
        case "BRANCH":
            return list(argument[1])
        case "ASSERT" | "ASSERT_NOT":
            return [argument[1]]
        case "ATOMIC_GROUP":
            return [argument]
        case _:
            return []


def _samples(tree: Tree) -> list[str]:
    """Return some texts that a part of an expression takes."""
    texts = [""]
    for operation, argument in tree:
        pieces = _pieces(str(operation), argument)
        texts = [text + piece for text in texts for piece in pieces][:_VARIANTS]
    return texts


def _pieces(name: str, argument: Argument) -> list[str]:
    match name:
        case "LITERAL":
            return [chr(argument)]
        case "NOT_LITERAL":
            return ["b" if chr(argument) == "a" else "a"]
        case "ANY":
            return ["a"]
        case "IN":
            return _members(argument)
        case "BRANCH":
            return [text for inner in argument[1] for text in _samples(inner)][:_VARIANTS]
        case "SUBPATTERN" | "ATOMIC_GROUP":
            return _samples(argument[-1] if name == "SUBPATTERN" else argument)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return [text * max(1, int(argument[0])) for text in _samples(argument[2])]
        case _:
            return [""]


def _members(members: Argument) -> list[str]:
    """Return a few characters of a set."""
    if str(members[0][0]) == "NEGATE":
        excluded = [*members[1:]]
        return [text for text in "aZ1 -.,:/'" if not _excluded(text, excluded)][:_VARIANTS]
    found = []
    for operation, argument in members:
        match str(operation):
            case "LITERAL":
                found.append(chr(argument))
            case "RANGE":
                found.append(chr(argument[0]))
            case _:
                found.append(_OF_CATEGORY.get(str(argument), "a"))
    return found[:_VARIANTS]


def _excluded(text: str, members: Argument) -> bool:
    for operation, argument in members:
        match str(operation):
            case "LITERAL" if chr(argument) == text:
                return True
            case "RANGE" if argument[0] <= ord(text) <= argument[1]:
                return True
            case "CATEGORY" if _OF_CATEGORY.get(str(argument)) == text:
                return True
            case _:
                pass
    return False
