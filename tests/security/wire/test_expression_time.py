"""No regular expression of the package takes more than linear time (CWE-1333), whatever the text."""

import re
import time

import pytest

from tests.security.wire.expressions import Expression, compiled_inside_functions, expressions, worst_texts

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")

_SIZE = 4_000
# Quicker than this nothing is measured: at this size what is linear takes a few hundred microseconds.
_NOTICEABLE_SECONDS = 0.01
# Twice the text takes twice the time; four times, where it is quadratic.
_MOST_GROWTH = 3.0
_FOUND = expressions()


def test_every_expression_is_held_by_a_module() -> None:
    assert compiled_inside_functions() == []
    assert len(_FOUND) > 30


@pytest.mark.parametrize("found", _FOUND, ids=lambda found: f"{found.module}.{found.name}")
def test_an_expression_takes_linear_time(found: Expression) -> None:
    for method in found.methods:
        for text in worst_texts(found.pattern, _SIZE):
            if noticeable(found, method, text):
                assert growth(found, method, text) < _MOST_GROWTH, (method, text[:40])


@pytest.mark.parametrize(
    ("source", "size"),
    [
        # What doubles with each character needs few more of them to be noticed on any machine.
        (r"(a|a)*b", 22),
        (r"(\w+\s?)*$", 22),
        (r"x(?:a+)+c", 22),
        (r"a*a*b", 12_000),
        (r"[a-f]+,?\d*[a-f]+;", 12_000),
    ],
)
def test_what_is_not_linear_is_found(source: str, size: int) -> None:
    bad = Expression("", "", re.compile(source), frozenset({"match"}))

    assert any(noticeable(bad, "match", text) for text in worst_texts(bad.pattern, size))


def noticeable(found: Expression, method: str, text: str) -> bool:
    """Say whether an expression takes long for a text, and does so again: a machine may pause, but not each time."""
    return all(seconds(found, method, text) > _NOTICEABLE_SECONDS for _ in range(3))


def growth(found: Expression, method: str, text: str) -> float:
    """Return how many times as long twice the text takes, at best of several."""
    longer = doubled(text)
    return min(seconds(found, method, longer) for _ in range(3)) / min(
        seconds(found, method, text) for _ in range(3)
    )


def doubled(text: str) -> str:
    """Return a text with its middle, where the long run is, twice."""
    quarter = len(text) // 4
    return (
        text[: 3 * quarter] + text[quarter : 3 * quarter] * 2 + text[3 * quarter :]
        if quarter > 50
        else text[:-1] * 2
    )


def seconds(found: Expression, method: str, text: str) -> float:
    """Return how long an expression takes for a text."""
    subject = text.encode("latin-1", "replace") if isinstance(found.pattern.pattern, bytes) else text
    arguments = (
        (b"" if isinstance(subject, bytes) else "", subject) if method in {"sub", "subn"} else (subject,)
    )
    apply = getattr(found.pattern, method)
    began = time.thread_time()
    result = apply(*arguments)
    if method == "finditer":
        list(result)
    return time.thread_time() - began
