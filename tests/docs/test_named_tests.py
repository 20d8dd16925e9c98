"""Where a page says that a test shows something, the test is there and runs.

A page names a test as `tests/web/test_paging.py::test_each_set_has_its_own_order`, or several of one file as
`tests/web/test_paging.py`.
"""

import re
from pathlib import Path

import pytest

from tests.docs.generated import ROOT
from tests.docs.held_back import Holder, found_in, holders
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
# What is not on every machine, by where a test is skipped without it. A line that names such a test names it too.
NEEDED = {
    Holder("tests/crash/test_order.py", "_strace"): "strace",
    Holder("tests/clients/node_tests.py", "need_node"): "(?i:javascript|node)",
}


def pages_that_name_tests() -> list[Path]:
    """List the pages that name at least one test."""
    return [page for page in repository_files("docs/*.md") if NAMED_TEST.search(page.read_text("utf-8"))]


@pytest.mark.parametrize("page", pages_that_name_tests(), ids=name_of)
def test_every_test_that_a_page_names_is_there_and_runs(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    named = [(line, *found) for line in lines for found in NAMED_TEST.findall(line)]
    assert [(file, test) for line, file, test in named if not runs(file, test, told=line)] == []


def runs(file: str, test: str, *, told: str = "") -> bool:
    """Tell whether a test, or where none is named every test of the file, is there and never held back.

    What is `told` beside its name may say what it needs.
    """
    there = found_in(file)
    holding = [holders(file, each) for each in ([test] if test else there) if each in there]
    return bool(holding) and all(_is_told(holder, told) for found in holding for holder in found)


def _is_told(holder: Holder, told: str) -> bool:
    return holder in NEEDED and re.search(NEEDED[holder], told) is not None


@pytest.mark.parametrize(
    ("file", "test"),
    [
        # By a fixture of its folder, which calls a function there; by one of its module that runs by itself; by a
        # helper that it calls, or that a fixture imports; by a mark of its own, and by one of its module.
        ("tests/model/test_csdl.py", "test_types_are_microsofts_one_by_one_and_in_order"),
        ("tests/crash/test_order.py", "test_each_204_follows_an_fdatasync_that_follows_its_write_to_the_log"),
        ("tests/crash/test_disks.py", "test_a_folder_that_loses_its_permission_under_load_loses_nothing"),
        ("tests/clients/test_javascript.py", "test_the_graph_sdk_for_javascript"),
        ("tests/docs/test_examples.py", "test_the_examples_for_the_graph_sdk_run"),
        ("tests/web/test_samples.py", ""),
        ("tests/web/test_nothing.py", ""),
        ("tests/model/test_csdl.py", "test_nothing"),
    ],
)
def test_a_test_that_may_be_skipped_does_not_count_as_running(file: str, test: str) -> None:
    assert not runs(file, test)


def test_a_test_beside_one_that_may_be_skipped_runs() -> None:
    assert runs("tests/model/test_csdl.py", "test_user_profiles_are_in_beta_only")
    assert runs("tests/docs/test_examples.py", "test_each_kind_of_example_is_found")


def test_what_a_test_needs_is_told_in_its_own_line() -> None:
    file, test = "tests/clients/test_javascript.py", "test_the_graph_sdk_for_javascript"
    assert runs(file, test, told="the Graph SDK for JavaScript")
    assert not runs(file, test, told="the Graph SDK, watched by strace")
    assert not runs("tests/model/test_csdl.py", "test_capabilities_are_microsofts", told="strace, node")


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
