"""Nothing that is stored is tested on SQLite alone without a word why."""

import re

import pytest

from tests.docs.on_sqlite import TESTS, marks, on_sqlite_alone

# What only a store on SQLite has: who names one of them is about it, or has forgotten the other database.
_ITS_OWN = re.compile(r"\b(?:SQLiteStore|made_place|template_file)\b|^import sqlite3$", re.MULTILINE)
# They check the tests, or take what is common to both from the class that came first.
_NOT_MEANT = {"docs/test_on_sqlite.py"}


def named() -> list[str]:
    """List the modules of tests that name what only SQLite has."""
    return [
        module.relative_to(TESTS).as_posix()
        for module in sorted(TESTS.rglob("test_*.py"))
        if _ITS_OWN.search(module.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("module", sorted({*named()} - _NOT_MEANT))
def test_a_module_that_names_what_only_sqlite_has_says_which_of_its_tests_are_about_it(module: str) -> None:
    assert module in {found for found, _, _ in on_sqlite_alone()}


def test_every_mark_has_a_reason() -> None:
    bare = [
        module.relative_to(TESTS).as_posix()
        for module in TESTS.rglob("test_*.py")
        if module.name != "test_on_sqlite.py"
        and (source := module.read_text(encoding="utf-8")).count("pytest.mark.sqlite(")
        != len(list(marks(source)))
    ]
    assert bare == []
