"""Invented prose that packs about as well as the descriptions of real controls.

Sentences are put together from a vocabulary of made-up words in which few are frequent and most are rare, as in
any language; the texts of one seed are always the same.
"""

import random
from itertools import accumulate

_ONSETS = ("b", "br", "c", "d", "f", "g", "h", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "tr", "v")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea")
_CODAS = ("", "", "l", "n", "r", "s", "nd", "t", "ng")


class Prose:
    """A source of sentences over a vocabulary of so many words."""

    def __init__(self, *, seed: int, vocabulary: int) -> None:
        self._random = random.Random(seed)
        self._words = [self._word() for _ in range(vocabulary)]
        # Zipf's law: the n-th word of a language is n times rarer than its first.
        self._weights = list(accumulate(1 / (rank + 2) for rank in range(vocabulary)))

    def text(self, characters: int) -> str:
        """Return sentences of so many characters."""
        length, sentences = 0, list[str]()
        while length < characters:
            count = self._random.randrange(6, 18)
            words = self._random.choices(self._words, cum_weights=self._weights, k=count)
            sentence = f"{' '.join(words).capitalize()}. "
            sentences.append(sentence)
            length += len(sentence)
        return "".join(sentences)[:characters]

    def _word(self) -> str:
        pieces = range(self._random.choice((1, 2, 2, 3, 3, 4)))
        return "".join(self._random.choice(part) for _ in pieces for part in (_ONSETS, _VOWELS, _CODAS))
