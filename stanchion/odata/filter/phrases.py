"""A filter put together from its phrases, each of which was read before, alone or in another filter.

- A phrase is what stands between the words `and` and `or` outside of all parentheses. These bind looser than whatever
  is in a phrase, and `or` looser than `and`, so that what the phrases mean by themselves, joined, is what the
  filter means. The words are found where a single blank stands before and behind; a phrase that is none by itself,
  because such a word was a name in it, or another one was left in it, has the filter read whole.
- A phrase is known by what is between its literals, their kinds, and the number of its first parameter.
- What is put together stays within the limits of a filter that is read whole; else it is read whole, and refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Literal, TypeAlias

import msgspec

from stanchion.model.edm import EntitySet
from stanchion.odata.filter.nesting import LOGIC_STEPS, MAX_STEPS, steps_of
from stanchion.odata.filter.slots import Slot, slots_of
from stanchion.odata.filter.tree import Logic, Scalar
from stanchion.odata.filter.typing import MAX_TESTS, typed_phrase

# As many as there are properties and ways to compare them, at each place of a filter. Most take some 2 KB, the
# longest that are kept up to 10.
MAX_PHRASES, MAX_CHARACTERS = 1024, 256
# A text of more new ones is read whole, which is quicker then; what is refused may be long, and keeps none.
MAX_NEW_PHRASES = 8
# What stands for a literal: no text that is put together has one besides.
MARK = "'"

_WORD = re.compile(r" (and|or) ", re.IGNORECASE)

# The set, the text with marks, the kinds of the literals, and the number of the first parameter.
_Key: TypeAlias = tuple[EntitySet, str, tuple[str, ...], int]


class Part(msgspec.Struct, frozen=True):
    """The slots of a phrase, whose literals count from the first one of the phrase, and which that is."""

    first_literal: int
    slots: tuple[Slot, ...]


class _Phrase(msgspec.Struct, frozen=True):
    """What all texts of a phrase have in common."""

    tree: Scalar
    slots: tuple[Slot, ...]
    tests: int
    steps: int


_phrases: dict[_Key, _Phrase] = {}


def put_together(
    marked: str, literals: Sequence[str], kinds: Sequence[str], entity_set: EntitySet
) -> tuple[Scalar, tuple[Part, ...]] | None:
    """Return the tree of a filter, and how its values are read; None where it has to be read whole.

    `marked` is its text with a mark for each of the `literals`. Raises like `typed_filter`, but with other places.
    """
    found: list[list[_Phrase]] = []
    new: dict[_Key, _Phrase] = {}
    parts: list[Part] = []
    literal = parameter = 0
    for texts in _alternatives(marked):
        both = []
        for text in texts:
            after = literal + text.count(MARK)
            key = (entity_set, text, tuple(kinds[literal:after]), parameter)
            phrase = _phrases.get(key) or new.get(key)
            if phrase is None:
                if len(new) == MAX_NEW_PHRASES or len(text) > MAX_CHARACTERS:
                    return None
                phrase = new[key] = _read(key, literals[literal:after])
            both.append(phrase)
            parts.append(Part(literal, phrase.slots))
            literal, parameter = after, parameter + len(phrase.slots)
        found.append(both)
    tests = sum([phrase.tests for both in found for phrase in both])
    steps = _steps([_steps([phrase.steps for phrase in both]) for both in found])
    if tests > MAX_TESTS or steps > MAX_STEPS:
        return None
    _keep(new)
    either = [_joined("and", [phrase.tree for phrase in both]) for both in found]
    return _joined("or", either), tuple(parts)


def _joined(word: Literal["and", "or"], terms: Sequence[Scalar]) -> Scalar:
    return terms[0] if len(terms) == 1 else Logic(word, tuple(terms))


def _steps(terms: Sequence[int]) -> int:
    """Return how deep terms nest that are joined, as `nesting` counts it."""
    return max(terms) + (LOGIC_STEPS if len(terms) > 1 else 0)


def _alternatives(marked: str) -> Iterator[list[str]]:
    """Give the phrases between which `and` stands, for each side of an `or`."""
    *pieces, last = _WORD.split(marked)
    both: list[str] = []
    text, depth = "", 0
    for piece, word in zip(pieces[::2], pieces[1::2], strict=True):
        text += piece
        depth += piece.count("(") - piece.count(")")
        if depth > 0:
            text += f" {word} "
            continue
        both.append(text)
        text = ""
        if word.lower() == "or":
            yield both
            both = []
    yield [*both, text + last]


def _read(key: _Key, literals: Sequence[str]) -> _Phrase:
    entity_set, marked, _, parameter = key
    cut = [part for pair in zip_longest(marked.split(MARK), literals) for part in pair if part is not None]
    typed = typed_phrase("".join(cut), entity_set, first_parameter=parameter)
    return _Phrase(typed.filter.tree, slots_of(typed.readings, cut), typed.tests, steps_of(typed.filter.tree))


def _keep(new: Mapping[_Key, _Phrase]) -> None:
    # Anyone may send phrases without end.
    if len(_phrases) + len(new) > MAX_PHRASES:
        _phrases.clear()
    _phrases.update(new)
