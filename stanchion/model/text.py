"""Comparing text without regard to the case of A to Z, and of nothing else, as both databases do with `lower`."""

from string import ascii_lowercase, ascii_uppercase

_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)


def folded(text: str) -> str:
    """Return the text with A to Z in lower case."""
    return text.translate(_SMALL)
