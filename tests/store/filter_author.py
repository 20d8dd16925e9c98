"""What writes a filter together with its meaning, and notes which words of the language it used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import strategies as st

from tests.store.filter_meaning import Meaning
from tests.store.filter_rows import Place

T = TypeVar("T")

NOW = "2026-03-01T12:34:56.7654321Z"
COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
TEXT_TESTS = ("contains", "startswith", "endswith")
PARTS = ("year", "month", "day", "hour", "minute", "second")
WORDS = frozenset(
    {
        *COMPARISONS,
        *TEXT_TESTS,
        *PARTS,
        *("in", "and", "or", "not", "any", "all", "any()", "null", "$count", "()"),
        *("tolower", "toupper", "trim", "length", "indexof", "substring", "concat", "date", "now"),
        *("add", "sub", "mul", "div", "divby", "mod", "-", "@", "enum", "path", "open", "nested"),
    }
)
"""What must be seen often enough."""


@dataclass(frozen=True)
class Phrase:
    """A part of a filter; `whole` says of a number that it is calculated from whole numbers only."""

    text: str
    means: Meaning
    whole: bool = False


@dataclass(frozen=True)
class Scope:
    """Where names come from: the entity, or the variable of a lambda."""

    source: str
    place: Place

    def path(self, path: str) -> str:
        """Write a path as it is named here."""
        if self.source == "it":
            return path
        return f"{self.source}/{path}" if path else self.source


@dataclass
class Author:
    """Writes one filter; `words` are those of the language that it used, `aliases` the values of its aliases."""

    draw: Callable[..., object]
    words: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of a few."""
        return self.draw(st.sampled_from(options))  # type: ignore[return-value]  # hypothesis draws what is asked.

    def chance(self, percent: int) -> bool:
        """Draw whether something happens."""
        return self.pick(range(100)) < percent

    def use(self, *words: str) -> None:
        """Note words that were used."""
        self.words.update(words)
