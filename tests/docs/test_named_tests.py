"""Where a page says that a test shows something, the test is there and runs.

A page names a test as `tests/web/test_paging.py::test_each_set_has_its_own_order`, or several of one file as
`tests/web/test_paging.py`.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.generated import ROOT
from tests.docs.test_docs import name_of, repository_files

NAMED_TEST = re.compile(r"`(tests/[\w/]*test_\w+\.py)(?:::(\w+))?`")
CONFORMANCE = ROOT / "docs" / "reference" / "odata.md"
# A row of a checklist: number, requirement, level, answer, test or reason.
ROW = re.compile(
    r"^\| (?P<line>[\d.]+) \| (?P<what>[^|]+) \| (?P<level>must|should|may) \|"
    r" (?P<answer>[^|]+?) \| (?P<why>[^|]+?) \|$",
    re.MULTILINE,
)
# The reference's list of where Graph and OData disagree: nothing else that OData demands may be a no.
TENSIONS = ("page size", "400 for 501", "unknown segments", "multipart", "version 4.0")
# What a test, or all of a module, is held back by; `importorskip` and the like stand in the code itself.
HOLDS_BACK = {"skip", "skipif", "xfail", "importorskip"}


def pages_that_name_tests() -> list[Path]:
    """List the pages that name at least one test."""
    return [page for page in repository_files("docs/*.md") if NAMED_TEST.search(page.read_text("utf-8"))]


@cache
def found_in(name: str) -> dict[str, bool]:
    """Map the tests of a file to whether each always runs; empty where there is no such file."""
    path = ROOT / name
    if not path.is_file():
        return {}
    module = ast.parse(path.read_text(encoding="utf-8"))
    functions = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    outside = [node for node in module.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    held_back = any(_held_back(node) for node in outside if not isinstance(node, ast.ClassDef))
    return {function.name: not (held_back or _held_back(function)) for function in functions}


def _held_back(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr in HOLDS_BACK for each in ast.walk(node))


@pytest.mark.parametrize("page", pages_that_name_tests(), ids=name_of)
def test_every_test_that_a_page_names_is_there_and_runs(page: Path) -> None:
    named = NAMED_TEST.findall(page.read_text(encoding="utf-8"))
    absent = [(file, test) for file, test in named if not runs(file, test)]
    assert absent == []


def runs(file: str, test: str) -> bool:
    """Tell whether a test, or where none is named every test of the file, is there and never held back."""
    there = found_in(file)
    return there.get(test, False) if test else bool(there) and all(there.values())


def test_a_yes_of_the_conformance_page_names_its_test_and_a_no_its_reason() -> None:
    rows = list(ROW.finditer(CONFORMANCE.read_text(encoding="utf-8")))
    assert len(rows) > 100
    for row in rows:
        answer, why = row["answer"], row["why"]
        assert answer in {"yes", "no", "n/a"}, row[0]
        assert (answer == "yes") == bool(NAMED_TEST.search(why)), row[0]
        assert len(why) > len("because"), row[0]


def test_nothing_that_intermediate_conformance_demands_is_a_no() -> None:
    text = CONFORMANCE.read_text(encoding="utf-8")
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    demanded = [row for part in parts if "Intermediate" in part[:40] for row in ROW.finditer(part)]
    assert len(demanded) > len(parts)
    assert [row[0] for row in demanded if row["level"] == "must" and row["answer"] == "no"] == []


def test_nothing_that_minimal_conformance_demands_is_a_no_but_where_graph_says_otherwise() -> None:
    text = CONFORMANCE.read_text(encoding="utf-8")
    minimal = "".join(
        part for part in re.split(r"^(?=## )", text, flags=re.MULTILINE) if "Minimal" in part[:40]
    )
    refused = [row for row in ROW.finditer(minimal) if row["level"] == "must" and row["answer"] == "no"]
    assert [row[0] for row in refused if not any(name in row["why"] for name in TENSIONS)] == []
